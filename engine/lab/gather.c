/* gather.c - ends of trials: into the board, into the store, and on to the rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/gather.h"
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/lease.h"

enum {
    MOST_METRICS = 64 << 10, /* bytes of text that one trial may bring */
    MOST_REASON = 2000
};

/* --- ending one trial --------------------------------------------------------- */

static char *copy_slice(asy_slice s)
{
    return asy_strndup(s.len ? s.bytes : "", s.len);
}

/* A reason is text for people: a long one is cut, not inside a character. */
static char *copy_reason(asy_slice s)
{
    const unsigned char *text = s.bytes;
    if (s.len > MOST_REASON)
        for (s.len = MOST_REASON; s.len && (text[s.len] & 0xc0) == 0x80;)
            s.len--;
    return copy_slice(s);
}

/* The row of a trial that just ended. Text is borrowed from the trial. */
static asy_row_trial row_of(const asy_trial *t)
{
    return (asy_row_trial){
        .id = t->id,
        .session = t->session->id,
        .number = t->number,
        .proposal = t->proposal,
        .fold = t->fold,
        .state = (asy_trial_state)t->state,
        .attempt = t->attempt,
        .crashes = t->crashes,
        .seed = t->seed,
        .params = t->spec ? t->spec->params : "",
        .design = t->spec ? t->spec->design : "",
        .score = t->score,
        .metrics = t->metrics ? t->metrics : "{}",
        .reason = t->reason ? t->reason : "",
        .epochs = t->epochs,
        .seconds = t->seconds,
        .parameters = t->parameters,
        .flops = t->flops,
        .how = "",
        .worker = t->worker ? t->worker : "",
        .told = t->told,
        .ended = t->ended,
    };
}

static void write_row(const asy_row_trial *row, asy_slice curve, asy_trial *t)
{
    asy_host *h = t->session->host;
    asy_commit *c = asy_commit_now(h);
    asy_commit_end(c, t);
    asy_commit_use(c);
    asy_store_end_trial(h->store, row, curve.len ? curve.bytes : NULL, curve.len,
                        asy_commit_done, c);
}

/* Everything that an end does to the board. */
static void end_trial(asy_trial *t, asy_trial_state state, const char *worker)
{
    asy_lease_end(t);
    asy_board_move(t->session->board, t, state);
    t->told = ++t->session->told;
    t->ended = asy_wall_ms();
    t->worker = asy_strdup(worker);
}

/* What is wrong with a result, or NULL; owned by the caller. *score is its score. */
static char *fault_of(const asy_objective *objective, const asy_outcome *o,
                      double *score)
{
    asy_buf fault = {0};
    *score = NAN;
    if (o->metrics.len > MOST_METRICS)
        asy_buf_printf(&fault, "metrics: %zu bytes are too many", o->metrics.len);
    else if (o->metrics.len &&
             asy_objective_score(objective, o->metrics.bytes, o->metrics.len, score))
        asy_buf_puts(&fault, asy_errmsg());
    else if (o->state == ASY_TRIAL_DONE && isnan(*score))
        asy_buf_printf(&fault, "the trial gives no number for the objective '%s'",
                       objective->metric);
    return fault.len ? asy_buf_take(&fault) : NULL;
}

/* Takes a result over. What does not hold together becomes a failed trial. */
static asy_trial_state take_outcome(asy_trial *t, const asy_outcome *o)
{
    double score;
    char *fault = fault_of(&t->session->setup.objective, o, &score);
    asy_trial_state state = fault ? ASY_TRIAL_FAILED : o->state;
    t->score = state == ASY_TRIAL_FAILED ? NAN : score;
    t->metrics = fault || !o->metrics.len ? asy_strdup("{}") : copy_slice(o->metrics);
    t->reason = fault ? fault : copy_reason(o->reason);
    t->epochs = o->epochs;
    t->seconds = o->seconds >= 0 && o->seconds < 1e12 ? o->seconds : 0;
    t->parameters = o->parameters;
    t->flops = isfinite(o->flops) ? o->flops : 0;
    return state;
}

/* A second result of an ended trial goes to the store too: it counts and compares. */
static void write_duplicate(const asy_trial *t, const asy_outcome *o,
                            const char *worker)
{
    asy_row_trial row = row_of(t);
    char *metrics = copy_slice(o->metrics);
    row.metrics = o->metrics.len ? metrics : "{}";
    row.state = o->state;
    row.worker = worker;
    asy_store_end_trial(t->session->host->store, &row, NULL, 0, NULL, NULL);
    asy_free(metrics);
}

void asy_gather_outcome(asy_trial *t, const asy_outcome *o, const char *worker)
{
    if (asy_trial_has_ended(t)) {
        write_duplicate(t, o, worker);
        return;
    }
    char *how = copy_slice(o->how);
    end_trial(t, take_outcome(t, o), worker);
    asy_row_trial row = row_of(t);
    row.how = how;
    write_row(&row, o->curve, t);
    asy_free(how);
}

void asy_gather_close(asy_trial *t, asy_trial_state state, const char *reason)
{
    end_trial(t, state, "");
    t->metrics = asy_strdup("{}");
    t->reason = asy_strdup(reason);
    asy_row_trial row = row_of(t);
    write_row(&row, (asy_slice){0}, t);
}

void asy_gather_cached(asy_trial *t, const asy_row_trial *from)
{
    t->score = from->score;
    t->metrics = asy_strdup(from->metrics);
    t->reason = asy_strdup(from->reason);
    t->epochs = from->epochs;
    t->seconds = from->seconds;
    t->parameters = from->parameters;
    t->flops = from->flops;
    t->is_cached = true;
    t->session->cached++;
    end_trial(t, from->state, from->worker);
    asy_row_trial row = row_of(t);
    row.how = from->how;
    row.cached_from = from->id;
    asy_buf curve = {0};
    if (asy_store_curve(t->session->host->store, from->id, &curve))
        asy_buf_clear(&curve);
    write_row(&row, (asy_slice){curve.data, curve.len}, t);
    asy_buf_fini(&curve);
}

/* --- telling the rule ------------------------------------------------------------- */

static asy_trial *trial_of(asy_session *s, uint32_t proposal, uint32_t i)
{
    return asy_board_at(s->board,
                        (uint64_t)(proposal - 1) * asy_session_each(s) + i + 1);
}

/* What a proposal is worth: the mean score of its trials that are done. */
typedef struct tally {
    uint32_t n, done, failed, pruned, cached;
    double score, seconds, flops;
    uint64_t epochs, parameters;
} tally;

static tally tally_of(asy_session *s, uint32_t proposal)
{
    tally y = {.n = asy_session_each(s)};
    for (uint32_t i = 0; i < y.n; i++) {
        const asy_trial *t = trial_of(s, proposal, i);
        y.failed += t->state == ASY_TRIAL_FAILED;
        y.pruned += t->state == ASY_TRIAL_PRUNED;
        y.cached += t->is_cached;
        y.seconds += t->seconds;
        y.flops += t->flops;
        y.epochs += t->epochs;
        y.parameters = t->parameters > y.parameters ? t->parameters : y.parameters;
        if (t->state == ASY_TRIAL_DONE) {
            y.done++;
            y.score += (t->score - y.score) / y.done;
        } else if (y.n == 1) {
            y.score = t->score;
        }
    }
    if (!y.done && y.n > 1)
        y.score = NAN;
    return y;
}

static asy_trial_state state_of(const tally *y)
{
    if (y->done)
        return ASY_TRIAL_DONE;
    if (y->pruned)
        return ASY_TRIAL_PRUNED;
    return y->failed ? ASY_TRIAL_FAILED : ASY_TRIAL_CANCELLED;
}

/* Of equals the first by number is best, whichever came first. */
static bool is_best(const asy_session *s, double score, uint32_t number)
{
    return asy_objective_better(&s->setup.objective, score, s->best) ||
           (score == s->best && number < s->best_trial);
}

static void note_best(asy_session *s, uint32_t proposal)
{
    tally y = tally_of(s, proposal);
    const asy_trial *t = trial_of(s, proposal, 0);
    if (!y.done || !is_best(s, y.score, t->number))
        return;
    s->best = y.score;
    s->best_trial = t->number;
    asy_free(s->best_params);
    s->best_params = asy_strdup(t->spec ? t->spec->params : "{}");
}

void asy_gather_durable(asy_trial *t)
{
    if (t->session->replay.is_on)
        t->session->replay.told = t->told;
    else
        asy_gather_tell(t);
}

void asy_gather_tell(asy_trial *t)
{
    asy_session *s = t->session;
    t->is_durable = true;
    for (uint32_t i = 0; i < asy_session_each(s); i++) {
        const asy_trial *other = trial_of(s, t->proposal, i);
        if (!other || !other->is_durable)
            return;
    }
    note_best(s, t->proposal);
    asy_talk_tell(s, (asy_event){.kind = ASY_EVENT_TRIAL,
                                 .number = t->proposal,
                                 .n = t->number,
                                 .seq = t->told});
}

/* --- a proposal's event --- */

/* Adds the numbers of one trial to the sums of its proposal. */
static void add_metrics(json_t *sums, json_t *counts, const char *text)
{
    json_t *m;
    if (asy_json_parse(text, strlen(text), &m))
        return;
    const char *name;
    json_t *v;
    json_object_foreach (m, name, v) {
        if (!json_is_number(v))
            continue;
        double sum = json_number_value(json_object_get(sums, name));
        json_int_t n = json_integer_value(json_object_get(counts, name));
        json_object_set_new(sums, name, asy_json_real(sum + json_number_value(v)));
        json_object_set_new(counts, name, json_integer(n + 1));
    }
    json_decref(m);
}

/* The mean of each metric over the trials that are done. */
static json_t *mean_metrics(asy_session *s, uint32_t proposal)
{
    json_t *sums = json_object(), *counts = json_object(), *v;
    for (uint32_t i = 0; i < asy_session_each(s); i++) {
        const asy_trial *t = trial_of(s, proposal, i);
        if (t->state == ASY_TRIAL_DONE && t->metrics)
            add_metrics(sums, counts, t->metrics);
    }
    const char *name;
    void *next;
    json_object_foreach_safe (sums, next, name, v) {
        double n = (double)json_integer_value(json_object_get(counts, name));
        json_object_set_new(sums, name, asy_json_real(json_number_value(v) / n));
    }
    json_decref(counts);
    return sums;
}

static json_t *metrics_of(asy_session *s, uint32_t proposal)
{
    if (asy_session_each(s) > 1)
        return mean_metrics(s, proposal);
    const asy_trial *t = trial_of(s, proposal, 0);
    json_t *m = NULL;
    if (!t->metrics || asy_json_parse(t->metrics, strlen(t->metrics), &m))
        m = json_object();
    return m;
}

static json_t *scores_of(asy_session *s, uint32_t proposal)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < asy_session_each(s); i++)
        json_array_append_new(list, asy_json_real(trial_of(s, proposal, i)->score));
    return list;
}

/* The first reason that a trial of the proposal gives. */
static const char *reason_of(asy_session *s, uint32_t proposal)
{
    for (uint32_t i = 0; i < asy_session_each(s); i++) {
        const asy_trial *t = trial_of(s, proposal, i);
        if (t->reason && *t->reason)
            return t->reason;
    }
    return "";
}

json_t *asy_gather_event(asy_session *s, uint32_t proposal)
{
    const asy_trial *t = trial_of(s, proposal, 0);
    tally y = tally_of(s, proposal);
    json_t *e = json_object();
    json_object_set_new(e, "number", json_integer(proposal));
    json_object_set_new(e, "proposal", json_integer(proposal));
    json_object_set_new(e, "id", json_integer(t->id));
    json_object_set_new(e, "state", json_string(asy_trial_state_names[state_of(&y)]));
    json_object_set_new(e, "reason", json_string(reason_of(s, proposal)));
    json_object_set_new(e, "score", asy_json_real(y.score));
    json_object_set_new(e, "metrics", metrics_of(s, proposal));
    json_object_set_new(e, "epochs", json_integer((json_int_t)(y.epochs / y.n)));
    json_object_set_new(e, "seconds", asy_json_real(y.seconds));
    json_object_set_new(e, "parameters", json_integer((json_int_t)y.parameters));
    json_object_set_new(e, "flops", asy_json_real(y.flops));
    json_object_set_new(e, "worker", json_string(t->worker ? t->worker : ""));
    json_object_set_new(e, "cached", json_boolean(y.cached == y.n));
    json_object_set_new(e, "seed", json_integer((json_int_t)t->seed));
    if (y.n > 1)
        json_object_set_new(e, "scores", scores_of(s, proposal));
    return e;
}

void asy_gather_release(asy_session *s, uint32_t proposal)
{
    for (uint32_t i = 0; i < asy_session_each(s); i++) {
        asy_trial *t = trial_of(s, proposal, i);
        asy_spec_unref(t->spec);
        asy_free(t->metrics);
        asy_free(t->reason);
        asy_free(t->worker);
        t->spec = NULL;
        t->metrics = t->reason = t->worker = NULL;
    }
}
