/* outcome.c - the answer of a session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/outcome.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "cmd/failures.h"
#include "cmd/pick.h"
#include "cmd/report.h"
#include "lab/findings.h"

enum { BEST_ROWS = 10 };

static uint64_t ended(const asy_row_session *s)
{
    return s->done + s->failed + s->pruned + s->cancelled;
}

static double rate(const asy_row_session *s)
{
    return s->seconds > 0 ? (double)ended(s) / s->seconds : 0;
}

/* Milliseconds are as fine as the store's clock. */
static json_t *rounded(double x) { return asy_json_real(round(x * 1000) / 1000); }

static json_t *counts(const asy_row_session *s)
{
    json_t *o = json_object();
    json_object_set_new(o, "done", json_integer((json_int_t)s->done));
    json_object_set_new(o, "failed", json_integer((json_int_t)s->failed));
    json_object_set_new(o, "pruned", json_integer((json_int_t)s->pruned));
    json_object_set_new(o, "cached", json_integer((json_int_t)s->cached));
    return o;
}

/* The first line of the leaderboard as "best"; null when nothing was scored. */
static json_t *best_of(const asy_trials *t)
{
    json_t *board = asy_trials_best(t, 1);
    json_t *first = json_array_get(board, 0), *o = json_null();
    if (first) {
        o = json_object();
        json_object_set(o, "trial", json_object_get(first, "number"));
        json_object_set(o, "objective", json_object_get(first, "score"));
        json_object_set(o, "design", json_object_get(first, "design"));
    }
    json_decref(board);
    return o;
}

static json_t *answer(const asy_row_session *s, const asy_trials *t)
{
    json_t *o = json_object();
    json_object_set_new(o, "session", json_string(s->name));
    json_object_set_new(o, "rule", json_string(s->rule_name));
    json_object_set_new(o, "dataset", json_string(s->dataset));
    json_object_set_new(o, "seed", json_integer((json_int_t)s->seed));
    json_object_set_new(o, "trials", counts(s));
    json_object_set_new(o, "best", best_of(t));
    json_object_set_new(o, "seconds", rounded(s->seconds));
    json_object_set_new(o, "trials_per_second", rounded(rate(s)));
    json_object_set_new(o, "digest", json_string(s->digest));
    return o;
}

/* Both forms of the answer need the session's row and its trials. */
static asy_err load(asy_store *s, int64_t session, asy_pick *pick, asy_trials **trials)
{
    char id[24];
    *trials = NULL;
    snprintf(id, sizeof id, "%lld", (long long)session);
    asy_err err = asy_pick_session(s, id, pick);
    if (!err)
        err = asy_trials_load(s, session, trials);
    if (err)
        asy_pick_fini(pick);
    return err;
}

asy_err asy_outcome_json(asy_store *s, int64_t session, json_t **out)
{
    asy_pick pick;
    asy_trials *trials;
    *out = NULL;
    asy_err err = load(s, session, &pick, &trials);
    if (err)
        return err;
    *out = answer(&pick.session, trials);
    asy_trials_free(trials);
    asy_pick_fini(&pick);
    return ASY_OK;
}

static void put_count(asy_buf *b, uint64_t n, const char *what)
{
    if (n)
        asy_buf_printf(b, ", %llu %s", (unsigned long long)n, what);
}

static void print_summary(const asy_row_session *s)
{
    asy_buf b = {0};
    asy_buf_printf(&b, "session %s: %llu trials in ", s->name,
                   (unsigned long long)ended(s));
    asy_text_put_seconds(&b, s->seconds);
    asy_buf_printf(&b, " (%.0f/s)", rate(s));
    put_count(&b, s->cached, "cached");
    put_count(&b, s->pruned, "pruned");
    put_count(&b, s->failed, "failed");
    put_count(&b, s->cancelled, "cancelled");
    printf("%s\n", asy_buf_text(&b));
    asy_buf_fini(&b);
}

asy_err asy_outcome_print(asy_store *s, int64_t session)
{
    asy_pick pick;
    asy_trials *trials;
    asy_err err = load(s, session, &pick, &trials);
    if (err)
        return err;
    asy_aim aim = asy_pick_aim(&pick.session);
    print_summary(&pick.session);
    json_t *best = asy_trials_best(trials, BEST_ROWS);
    json_t *findings = asy_trials_findings(trials);
    asy_report_best(best, &aim);
    err = asy_failures_print(s, session);
    asy_report_findings(findings, &aim);
    if (*pick.session.digest)
        printf("\ndigest %s\n", pick.session.digest);
    json_decref(best);
    json_decref(findings);
    asy_trials_free(trials);
    asy_pick_fini(&pick);
    return err;
}
