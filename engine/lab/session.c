/* session.c - a session's life after it was made: time, limits, its row, its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/session.h"
#include "base/clock.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/lease.h"

enum {
    SAVE_MS = 1000,
    GRACE_MS = 2000 /* for trials that run when the host is told to stop */
};

/* --- small questions -------------------------------------------------------------- */

bool asy_session_is_open(const asy_session *s)
{
    return s->state == ASY_SESSION_RUNNING;
}

uint32_t asy_session_each(const asy_session *s)
{
    return s->setup.repeats * s->setup.folds;
}

uint64_t asy_session_left(const asy_session *s)
{
    if (!s->limit)
        return UINT64_MAX;
    uint64_t made = (uint64_t)s->proposals * asy_session_each(s);
    return made < s->limit ? s->limit - made : 0;
}

double asy_session_seconds(const asy_session *s)
{
    uint64_t now = s->started_ms ? asy_now_ms() - s->started_ms : 0;
    return s->seconds_before + (double)now / 1000;
}

asy_session *asy_host_session(asy_host *h, int64_t id)
{
    for (uint32_t i = 0; i < h->sessions; i++)
        if (h->session[i]->id == id)
            return h->session[i];
    return NULL;
}

/* --- the row --- */

asy_row_session asy_session_row(const asy_session *s)
{
    const asy_board *b = s->board;
    return (asy_row_session){
        .id = s->id,
        .name = s->name,
        .rule_name = s->rule_name,
        .rule = s->rule,
        .title = s->title,
        .options = s->options_text,
        .settings = s->settings_text,
        .dataset = s->dataset,
        .label = s->label,
        .prepared = s->prepared_text,
        .seed = s->seed,
        .state = s->state,
        .done = asy_board_in(b, ASY_TRIAL_DONE),
        .failed = asy_board_in(b, ASY_TRIAL_FAILED),
        .pruned = asy_board_in(b, ASY_TRIAL_PRUNED),
        .cancelled = asy_board_in(b, ASY_TRIAL_CANCELLED),
        .cached = s->cached,
        .trials = asy_board_count(b),
        .seconds = asy_session_seconds(s),
        .digest = s->digest,
        .error = s->error ? s->error : "",
        .created = s->created,
        .ended = asy_session_is_open(s) ? 0 : asy_wall_ms(),
    };
}

void asy_session_save(asy_session *s)
{
    asy_row_session row = asy_session_row(s);
    row.rule = NULL; /* never changes, and may be long */
    s->saved_ms = asy_now_ms();
    asy_store_put_session(s->host->store, &row, NULL, NULL);
}

/* --- the end --- */

/* A worker that still trains for a session that is over is told to stop. */
static void cancel_leases(asy_session *s)
{
    for (uint32_t i = 1; i <= asy_board_count(s->board); i++) {
        asy_trial *t = asy_board_at(s->board, i);
        if (t->holder)
            asy_lease_drop(t);
    }
}

static void make_digest(asy_session *s)
{
    if (!asy_session_digest(s->host->store, s->id, s->digest))
        return;
    s->digest[0] = 0;
    asy_host_say(s->host, ASY_WARN, "digest of session %s: %s", s->name, asy_errmsg());
}

void asy_session_end(asy_session *s, asy_session_state state, const char *message)
{
    if (!asy_session_is_open(s))
        return;
    s->error = asy_strdup(message);
    s->seconds_before = asy_session_seconds(s);
    s->started_ms = 0;
    s->state = state;
    cancel_leases(s);
    asy_talk_close(s);
    if (state == ASY_SESSION_DONE)
        make_digest(s);
    asy_session_save(s);
    if (message && state == ASY_SESSION_FAILED)
        asy_host_say(s->host, ASY_ERROR, "session %s failed: %s", s->name, message);
}

/* --- time --- */

static bool is_idle(const asy_session *s)
{
    return asy_board_in(s->board, ASY_TRIAL_LEASED) == 0 &&
           asy_board_in(s->board, ASY_TRIAL_RUNNING) == 0 && s->pending == 0;
}

/* Two looks at the count of ended trials, some seconds apart, give the rate. */
static void look_at_rate(asy_session *s, uint64_t now)
{
    if (now - s->mark[1].ms < 2000)
        return;
    s->mark[0] = s->mark[1];
    s->mark[1].ms = now;
    s->mark[1].ended = asy_board_count(s->board) - asy_board_open(s->board);
}

/* When handing out ended: the host was told to stop, or the time is over. 0 = goes on.
 */
static uint64_t stopped_since(asy_session *s, uint64_t now)
{
    if (s->time_limit > 0 && asy_session_seconds(s) >= s->time_limit && !s->late_ms)
        s->late_ms = now;
    return s->host->is_stopping ? s->host->stop_ms : s->late_ms;
}

void asy_session_tick(asy_session *s, uint64_t now)
{
    if (!asy_session_is_open(s))
        return;
    look_at_rate(s, now);
    uint64_t since = stopped_since(s, now);
    if (since && (is_idle(s) || now - since > GRACE_MS))
        asy_session_end(s, ASY_SESSION_STOPPED, NULL);
    else if (now - s->saved_ms >= SAVE_MS)
        asy_session_save(s);
}

void asy_session_free(asy_session *s)
{
    if (!s)
        return;
    asy_talk_close(s);
    char *texts[] = {s->name,         s->rule_name,     s->rule,          s->label,
                     s->options_text, s->settings_text, s->prepared_text, s->title,
                     s->best_params,  s->error};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        asy_free(texts[i]);
    for (uint32_t i = 0; s->prepared && i < s->setup.folds; i++)
        asy_free(s->prepared[i].path);
    asy_free(s->prepared);
    for (uint32_t i = 0; i < s->tags; i++)
        asy_free(s->tag[i].text);
    asy_free(s->tag);
    asy_setup_fini(&s->setup);
    asy_table_free(s->table);
    asy_board_free(s->board);
    json_decref(s->options);
    json_decref(s->shape);
    asy_free(s);
}
