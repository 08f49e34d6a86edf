/* talk.c - the conversation with a rule: one call at a time, and between calls a list
 * of what there is to tell it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/talk.h"
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/command.h"
#include "lab/core.h"
#include "lab/gather.h"
#include "lab/query.h"
#include "lab/replay.h"

enum {
    EVENTS_A_CALL = 4096,
    QUEUE_HIGH = 10000, /* trials that wait before a rule is asked for more */
    MOST_DEATHS = 3
};

/* --- callbacks: on the rule's thread -------------------------------------------- */

asy_line *asy_line_ref(asy_line *l)
{
    atomic_fetch_add(&l->users, 1);
    return l;
}

void asy_line_unref(asy_line *l)
{
    if (l && atomic_fetch_sub(&l->users, 1) == 1)
        asy_free(l);
}

static void post(asy_line *l, asy_note note)
{
    asy_note *n = asy_alloc(1, sizeof *n);
    *n = note;
    n->line = asy_line_ref(l);
    asy_queue_push(l->host->queue, n);
}

static void on_reply(void *ctx, asy_rule *r, json_t *reply, char *message, bool fatal)
{
    (void)r;
    post(ctx, (asy_note){.kind = ASY_NOTE_REPLY,
                         .tree = reply,
                         .text = message,
                         .is_fatal = fatal});
}

static void on_query(void *ctx, asy_rule *r, json_t *query)
{
    (void)r;
    post(ctx, (asy_note){.kind = ASY_NOTE_QUERY, .tree = query});
}

static void on_log(void *ctx, asy_rule *r, char *line)
{
    (void)r;
    post(ctx, (asy_note){.kind = ASY_NOTE_LOG, .text = line});
}

/* --- opening and closing -----------------------------------------------------------
 */

asy_err asy_talk_open(asy_session *s)
{
    asy_line *l = asy_alloc(1, sizeof *l);
    *l = (asy_line){.host = s->host, .session = s};
    atomic_init(&l->users, 1);
    const asy_rule_sink sink = {
        .ctx = l, .on_reply = on_reply, .on_query = on_query, .on_log = on_log};
    const asy_rule_limits limits = {
        .soft_ms = 2000, .hard_ms = 2500, .memory = 512u << 20, .jit = true};
    asy_err err = s->host->rules->open(s->rule_name, s->rule, s->rule_len, s->options,
                                       &limits, &sink, &s->talk.rule);
    if (err) {
        s->talk.rule = NULL;
        asy_line_unref(l);
        return err;
    }
    s->talk.line = l;
    return ASY_OK;
}

void asy_talk_close(asy_session *s)
{
    asy_talk *t = &s->talk;
    if (t->rule)
        s->host->rules->close(t->rule);
    if (t->line)
        t->line->session = NULL;
    asy_line_unref(t->line);
    json_decref(t->reply);
    asy_free(t->message);
    asy_free(t->event);
    uint32_t deaths = t->deaths;
    int64_t death_at = t->death_at;
    *t = (asy_talk){.deaths = deaths, .death_at = death_at};
}

/* --- calls --- */

static asy_err call(asy_session *s, const json_t *tree)
{
    asy_err err = s->host->rules->call(s->talk.rule, tree);
    s->talk.is_calling = !err;
    return err;
}

asy_err asy_talk_ask(asy_session *s, const json_t *tree, json_t **reply)
{
    asy_talk *t = &s->talk;
    *reply = NULL;
    t->is_awaited = true;
    asy_err err = call(s, tree);
    while (!err && !t->has_reply)
        asy_host_pump(s->host, 100);
    if (!err && !t->reply)
        err = asy_fail(ASY_ESCRIPT, "%s", t->message ? t->message : "the rule ended");
    *reply = t->reply;
    asy_free(t->message);
    t->reply = NULL;
    t->message = NULL;
    t->has_reply = t->is_awaited = false;
    return err;
}

static json_t *table_of(const asy_session *s)
{
    json_t *table = asy_table_describe(s->table);
    json_object_set_new(table, "label",
                        json_string(s->table->column[s->label_column].name));
    return table;
}

asy_err asy_talk_start(asy_session *s)
{
    json_t *session = json_object();
    json_object_set_new(session, "seed", json_integer((json_int_t)s->seed));
    json_object_set(session, "options", s->options);
    json_object_set_new(session, "parallel",
                        json_integer(s->host->locals ? s->host->locals : 1));
    json_object_set_new(session, "trials", json_integer((json_int_t)s->limit));
    json_object_set_new(session, "seconds", asy_json_real(s->time_limit));
    json_object_set(session, "data", s->shape);
    json_object_set_new(session, "table", table_of(s));
    json_t *tree = json_object();
    json_object_set_new(tree, "call", json_string("start"));
    json_object_set_new(tree, "session", session);
    asy_err err = call(s, tree);
    json_decref(tree);
    return err;
}

static void take_reply(asy_session *s, asy_note *n)
{
    asy_talk *t = &s->talk;
    t->is_calling = false;
    if (t->is_awaited) {
        t->has_reply = true;
        t->reply = json_incref(n->tree);
        t->message = asy_strdup(n->text);
    } else if (!asy_session_is_open(s)) {
        return;
    } else if (n->tree) {
        t->known = t->given;
        t->firsts = 0;
        asy_command_reply(s, n->tree);
    } else {
        asy_command_failed(s, n->text ? n->text : "the rule ended", n->is_fatal);
    }
}

static void take_query(asy_session *s, const json_t *query)
{
    json_t *answer = asy_query_answer(s, query);
    if (s->talk.rule && s->host->rules->answer(s->talk.rule, answer))
        asy_log(ASY_WARN, "session %s: %s", s->name, asy_errmsg());
    json_decref(answer);
}

void asy_talk_note(asy_note *n)
{
    asy_session *s = n->line->session;
    if (!s)
        return;
    if (n->kind == ASY_NOTE_REPLY)
        take_reply(s, n);
    else if (n->kind == ASY_NOTE_QUERY)
        take_query(s, n->tree);
    else
        asy_host_say(s->host, ASY_INFO, "%s", n->text);
}

/* --- beginning again --- */

bool asy_talk_restart(asy_session *s)
{
    asy_talk *t = &s->talk;
    int64_t now_at = t->known + s->seq;
    /* A rule that dies twice at one place would do so for ever. */
    if (++t->deaths > MOST_DEATHS || (t->deaths > 1 && t->death_at == now_at))
        return false;
    t->death_at = now_at;
    asy_talk_close(s);
    if (asy_store_flush(s->host->store) || asy_talk_open(s))
        return false;
    asy_replay_begin(s);
    return asy_talk_start(s) == ASY_OK;
}

/* --- events
 * ------------------------------------------------------------------------------------
 */

static void make_room(asy_talk *t)
{
    if (t->count < t->cap)
        return;
    uint32_t cap = t->cap ? 2 * t->cap : 256;
    asy_event *event = asy_alloc(cap, sizeof *event);
    for (uint32_t i = 0; i < t->count; i++)
        event[i] = t->event[(t->head + i) % t->cap];
    asy_free(t->event);
    t->event = event;
    t->cap = cap;
    t->head = 0;
}

void asy_talk_tell(asy_session *s, asy_event e)
{
    asy_talk *t = &s->talk;
    make_room(t);
    t->event[(t->head + t->count++) % t->cap] = e;
}

void asy_talk_tell_first(asy_session *s, asy_event e)
{
    asy_talk *t = &s->talk;
    make_room(t);
    t->head = (t->head + t->cap - 1) % t->cap;
    t->count++;
    for (uint32_t i = 0; i < t->firsts; i++) /* after those of the same reply */
        t->event[(t->head + i) % t->cap] = t->event[(t->head + i + 1) % t->cap];
    t->event[(t->head + t->firsts++) % t->cap] = e;
}

static json_t *scattered_tree(const asy_event *e)
{
    json_t *v = json_object(), *numbers = json_array();
    json_array_append_new(numbers, json_integer(e->number));
    json_array_append_new(numbers, json_integer(e->n));
    json_object_set_new(v, "seq", json_integer(e->seq));
    json_object_set_new(v, "numbers", numbers);
    return v;
}

static json_t *report_tree(const asy_event *e)
{
    json_t *v = json_object();
    json_object_set_new(v, "number", json_integer(e->number));
    json_object_set_new(v, "epoch", json_integer(e->n));
    json_object_set_new(v, "value", asy_json_real(e->value));
    return v;
}

static json_t *event_tree(asy_session *s, const asy_event *e)
{
    json_t *tree = json_object();
    if (e->kind == ASY_EVENT_TRIAL) {
        json_object_set_new(tree, "trial", asy_gather_event(s, e->number));
        asy_gather_release(s, e->number);
        s->talk.given = e->seq;
        s->talk.given_ms = asy_board_at(s->board, e->n)->ended;
    } else if (e->kind == ASY_EVENT_REPORT) {
        json_object_set_new(tree, "report", report_tree(e));
    } else {
        json_object_set_new(tree, "scattered", scattered_tree(e));
    }
    return tree;
}

static json_t *take_events(asy_session *s)
{
    asy_talk *t = &s->talk;
    json_t *list = json_array();
    for (uint32_t n = 0; t->count && n < EVENTS_A_CALL; n++) {
        asy_event e = t->event[t->head];
        t->head = (t->head + 1) % t->cap;
        t->count--;
        json_array_append_new(list, event_tree(s, &e));
    }
    return list;
}

static json_t *left_tree(const asy_session *s, double now)
{
    json_t *left = json_object();
    uint64_t trials = asy_session_left(s);
    if (trials != UINT64_MAX)
        json_object_set_new(left, "trials", json_integer((json_int_t)trials));
    if (s->time_limit > 0)
        json_object_set_new(left, "seconds", asy_json_real(s->time_limit - now));
    return left;
}

/* The rule's clock stands at the last result it was told: a replay sees the same times.
 */
static asy_err call_resume(asy_session *s)
{
    json_t *tree = json_object();
    json_object_set_new(tree, "call", json_string("resume"));
    json_object_set_new(tree, "events", take_events(s));
    double now = s->talk.given_ms ? (double)(s->talk.given_ms - s->created) / 1000 : 0;
    json_object_set_new(tree, "left", left_tree(s, now));
    json_object_set_new(tree, "now", asy_json_real(now));
    asy_err err = call(s, tree);
    json_decref(tree);
    return err;
}

static bool has_nothing_out(const asy_session *s)
{
    return asy_board_open(s->board) == 0 && s->pending == 0 && !s->replay.is_on;
}

/* The rule waits, but nothing that it could wait for is outstanding. */
static void settle(asy_session *s)
{
    asy_talk *t = &s->talk;
    if (t->has_ended || asy_session_left(s) == 0)
        asy_session_end(s, ASY_SESSION_DONE, NULL);
    else if (t->was_nudged)
        asy_session_end(s, ASY_SESSION_FAILED,
                        "the rule waits for results, but no trial is outstanding");
    else if (call_resume(s))
        asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
    t->was_nudged = true;
}

void asy_talk_go_on(asy_session *s)
{
    asy_talk *t = &s->talk;
    if (!t->rule || t->is_calling || t->is_awaited || !asy_session_is_open(s))
        return;
    if (s->replay.is_on && t->count == 0)
        asy_replay_feed(s);
    if (!asy_session_is_open(s)) /* the replay failed */
        return;
    bool is_full =
        asy_board_in(s->board, ASY_TRIAL_QUEUED) > QUEUE_HIGH && !s->setup.has_pruner;
    if ((t->count || t->has_more) && !t->has_ended && !is_full) {
        t->has_more = false;
        t->was_nudged = false;
        if (call_resume(s))
            asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
    } else if ((t->count == 0 || t->has_ended) && has_nothing_out(s)) {
        settle(s);
    }
}
