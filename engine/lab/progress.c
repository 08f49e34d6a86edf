/* progress.c - what a watcher sees of a session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/progress.h"
#include <math.h>
#include "base/clock.h"
#include "lab/core.h"

enum { PROGRESS_MS = 100 };

static uint32_t connected(const asy_host *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->peers; i++)
        n += asy_peer_is_live(h->peer[i]);
    return n;
}

/* Trials that will be, as far as anybody knows. */
static uint64_t planned(const asy_session *s)
{
    uint64_t n = s->setup.planned * asy_session_each(s);
    if (s->limit && (!n || s->limit < n))
        n = s->limit;
    uint64_t made = asy_board_count(s->board);
    return s->talk.has_ended || (n && n < made) ? made : n;
}

static double rate_of(const asy_session *s, uint32_t ended, uint64_t now)
{
    uint64_t ms = now - s->mark[0].ms;
    return ms ? (ended - s->mark[0].ended) * 1000.0 / (double)ms : 0;
}

static void count(const asy_session *s, asy_progress *p)
{
    const asy_board *b = s->board;
    p->made = asy_board_count(b);
    p->queued = asy_board_in(b, ASY_TRIAL_QUEUED);
    p->running = asy_board_in(b, ASY_TRIAL_LEASED) + asy_board_in(b, ASY_TRIAL_RUNNING);
    p->done = asy_board_in(b, ASY_TRIAL_DONE);
    p->failed = asy_board_in(b, ASY_TRIAL_FAILED);
    p->pruned = asy_board_in(b, ASY_TRIAL_PRUNED);
    p->cancelled = asy_board_in(b, ASY_TRIAL_CANCELLED);
    p->cached = s->cached;
}

static asy_progress progress_of(const asy_session *s, uint64_t now)
{
    asy_progress p = {
        .session = s->id,
        .name = s->name,
        .state = s->state,
        .planned = planned(s),
        .seconds = asy_session_seconds(s),
        .eta = NAN,
        .best = s->best,
        .best_trial = s->best_trial,
        .best_params = s->best_params ? s->best_params : "{}",
        .maximize = s->setup.objective.maximize,
        .objective = s->setup.objective.metric,
        .workers = connected(s->host),
        .trouble = s->host->trouble,
    };
    count(s, &p);
    uint64_t ended = p.made - p.queued - p.running;
    p.rate = rate_of(s, (uint32_t)ended, now);
    if (p.planned && p.rate > 0)
        p.eta = (double)(p.planned - ended) / p.rate;
    return p;
}

void asy_progress_send(asy_host *h, uint64_t now, bool at_end)
{
    if (!h->watch || !h->watch->progress)
        return;
    if (!at_end && now - h->progress_ms < PROGRESS_MS)
        return;
    h->progress_ms = now;
    for (uint32_t i = 0; i < h->sessions; i++) {
        asy_progress p = progress_of(h->session[i], now);
        h->watch->progress(h->watch->ctx, &p);
    }
}
