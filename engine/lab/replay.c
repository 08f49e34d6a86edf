/* replay.c - a session goes on after its host or its rule ended.
 *
 * The rule runs again from the top. Its n-th scatter is matched with the n-th one in
 * the store, and before each scatter it is told exactly the results that it knew then,
 * in the order in which they were told. When nothing stored is left the session is live
 * again.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/replay.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/gather.h"
#include "lab/scatter.h"

/* --- the board from the store -------------------------------------------------------
 */

typedef struct loading {
    asy_session *session;
    asy_err err;
} loading;

static bool load_row(void *ctx, const asy_row_trial *row)
{
    loading *l = ctx;
    asy_session *s = l->session;
    asy_board *b = s->board;
    if (row->number != (int64_t)asy_board_count(b) + 1) {
        l->err = asy_fail(ASY_EIO, "store: trial %lld of session %s is missing",
                          (long long)asy_board_count(b) + 1, s->name);
        return false;
    }
    asy_trial *t = asy_board_at(b, asy_board_add(b, row->id, 1));
    bool has_ended = row->state >= ASY_TRIAL_DONE;
    asy_board_load(b, t, has_ended ? row->state : ASY_TRIAL_QUEUED);
    t->session = s;
    t->proposal = (uint32_t)row->proposal;
    t->attempt = (uint16_t)row->attempt;
    t->crashes = (uint8_t)row->crashes;
    t->told = has_ended ? row->told : 0;
    t->is_cached = row->cached_from != 0;
    s->cached += t->is_cached;
    if (t->told > s->told)
        s->told = t->told;
    return true;
}

asy_err asy_replay_open(asy_session *s)
{
    loading l = {.session = s};
    asy_trial_query q = {.session = s->id, .order = ASY_BY_NUMBER};
    asy_err err = asy_store_trials(s->host->store, &q, load_row, &l);
    if (!err)
        err = l.err;
    if (!err)
        asy_replay_begin(s);
    return err;
}

void asy_replay_begin(asy_session *s)
{
    for (uint32_t i = 1; i <= asy_board_count(s->board); i++)
        asy_board_at(s->board, i)->is_durable = false;
    for (uint32_t i = 0; i < s->tags; i++)
        asy_free(s->tag[i].text);
    s->tags = 0;
    s->seq = 0;
    s->proposals = 0;
    s->replay = (asy_replay){.is_on = true, .told = s->told};
}

/* --- matching scatters --- */

/* The trials of a matched scatter get what only the rule knows: their specs. */
static void attach(asy_session *s, asy_spec *const *spec, uint32_t n, int64_t first,
                   int32_t priority)
{
    uint32_t each = asy_session_each(s);
    for (uint32_t i = 0; i < n * each; i++) {
        asy_trial *t = asy_board_at(s->board, (uint64_t)first + i);
        asy_hash key;
        asy_scatter_fill(t, s, spec[i / each], &key);
        t->priority = priority;
        if (!asy_trial_has_ended(t))
            asy_board_ready(s->board, t);
    }
}

static asy_err differs(const asy_session *s)
{
    return asy_fail(
        ASY_ESCRIPT,
        "the rule takes another way than before: its scatter %lld differs from "
        "the stored one. Rules must depend only on the session's seed, results "
        "and time. Run it as a new session",
        (long long)s->seq);
}

asy_err asy_replay_scatter(asy_session *s, const asy_hash *specs, asy_spec *const *spec,
                           uint32_t n, int32_t priority, uint32_t *matched)
{
    asy_row_scatter row;
    *matched = 0;
    asy_err err = asy_store_find_scatter(s->host->store, s->id, s->seq, &row);
    if (err || row.n == 0)
        return err;
    uint32_t each = asy_session_each(s);
    int64_t first = (int64_t)s->proposals * each + 1;
    bool fits = row.n % each == 0 && row.n / each <= n && row.first_number == first &&
                first + row.n - 1 <= asy_board_count(s->board);
    if (!fits || !asy_hash_equal(specs, &row.specs))
        return differs(s);
    *matched = (uint32_t)(row.n / each);
    attach(s, spec, *matched, first, priority);
    return ASY_OK;
}

/* --- telling again --- */

enum { FEED = 4096 };

static bool feed_row(void *ctx, const asy_row_trial *row)
{
    asy_session *s = ctx;
    asy_trial *t = asy_board_at(s->board, (uint64_t)row->number);
    if (!t || !t->told)
        return true;
    t->score = row->score;
    t->seconds = row->seconds;
    t->flops = row->flops;
    t->parameters = row->parameters;
    t->epochs = row->epochs;
    t->ended = row->ended;
    if (!t->metrics)
        t->metrics = asy_strdup(row->metrics);
    if (!t->reason)
        t->reason = asy_strdup(row->reason);
    if (!t->worker)
        t->worker = asy_strdup(row->worker);
    s->replay.fed = row->told;
    asy_gather_tell(t);
    return true;
}

/* True when the store has a scatter that the rule has not made again yet; *told is how
 * many results it knew when it made it. */
static bool next_scatter(asy_session *s, int64_t *told)
{
    asy_row_scatter row;
    if (asy_store_find_scatter(s->host->store, s->id, s->seq + 1, &row) || row.n == 0)
        return false;
    *told = row.told;
    return true;
}

/* Results are numbered without gaps, so the k-th row of that order is told = k. */
static asy_err feed_some(asy_session *s, int64_t stop)
{
    asy_replay *r = &s->replay;
    int64_t n = stop - r->fed < FEED ? stop - r->fed : FEED, before = r->fed;
    asy_trial_query q = {.session = s->id,
                         .states = 1u << ASY_TRIAL_DONE | 1u << ASY_TRIAL_FAILED |
                                   1u << ASY_TRIAL_PRUNED | 1u << ASY_TRIAL_CANCELLED,
                         .order = ASY_BY_TOLD,
                         .skip = (uint64_t)r->fed,
                         .limit = (uint64_t)n};
    asy_err err = asy_store_trials(s->host->store, &q, feed_row, s);
    if (!err && r->fed == before)
        err = asy_fail(ASY_EIO, "store: results of session %s are missing", s->name);
    return err;
}

/* Stops before the next scatter. When the rule is past that point already and has not
 * made it, it gets one result more at a time. */
void asy_replay_feed(asy_session *s)
{
    asy_replay *r = &s->replay;
    int64_t stop = r->told;
    asy_err err = ASY_OK;
    bool has_next = next_scatter(s, &stop);
    if (has_next && stop <= r->fed)
        stop = r->fed + 1;
    if (stop > r->told)
        stop = r->told;
    if (r->fed >= r->told) {
        if (has_next && s->talk.was_nudged)
            err = differs(s);
        s->talk.was_nudged = s->talk.has_more = has_next;
        r->is_on = has_next;
    }
    while (!err && r->fed < stop && s->talk.count == 0)
        err = feed_some(s, stop);
    if (err)
        asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
}
