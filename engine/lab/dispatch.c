/* dispatch.c - requests of workers: results in, trials out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/dispatch.h"
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/blob.h"
#include "lab/core.h"
#include "lab/gather.h"
#include "lab/lease.h"

enum {
    BATCH_MOST = 4096, /* trials in one reply */
    PARK_MS = 10000,   /* how long a request for work may wait */
    NEXT_MS = 20,      /* when a busy worker that got nothing asks again */
    RECALL_MS = 1000   /* trials that are not begun by then may go elsewhere */
};

/* Work for this long goes out at once: long against a round trip, short against a beat.
 */
static const double BATCH_SECONDS = 0.030;
/* Trials longer than this are not fetched ahead: the last ones would wait in line. */
static const double LONG_SECONDS = 0.25;

static void reply(asy_host *h, asy_request *r, uint8_t type, const asy_buf *body)
{
    asy_request_reply(r, asy_store_epoch(h->store), type, body);
}

static void reject(asy_host *h, asy_request *r, const char *code, const char *text)
{
    asy_buf b = {0};
    asy_reject_write(&b, code, text);
    reply(h, r, ASY_REJECT, &b);
    asy_buf_fini(&b);
}

/* --- how many, and which ------------------------------------------------------------
 */

static uint32_t live_peers(const asy_host *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->peers; i++)
        n += asy_peer_is_live(h->peer[i]);
    return n ? n : 1;
}

static uint32_t waiting_trials(const asy_host *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->sessions; i++)
        if (asy_session_is_open(h->session[i]) && !h->session[i]->late_ms)
            n += asy_board_in(h->session[i]->board, ASY_TRIAL_QUEUED);
    return n;
}

/* One batch at a time, a second one ahead while the first is worked on. Towards the end
 * of the queue less and less, and at last nothing ahead, so that all workers end
 * together. */
static uint32_t allowance(const asy_peer *p)
{
    uint32_t share = waiting_trials(p->host) / (2 * live_peers(p->host));
    if (p->mean == 0 || p->mean > LONG_SECONDS || share == 0)
        return p->held == 0 ? 1 : 0;
    double batch = BATCH_SECONDS / p->mean;
    uint32_t n = batch < 1 ? 1 : batch > BATCH_MOST ? BATCH_MOST : (uint32_t)batch;
    n = n < share ? n : share;
    uint32_t room = p->held < 2 * n ? 2 * n - p->held : 0;
    n = n < room ? n : room;
    return n < p->want ? n : p->want;
}

static bool may_give(asy_session *s)
{
    if (!asy_session_is_open(s) || s->late_ms || !asy_board_peek(s->board))
        return false;
    uint32_t out = asy_board_in(s->board, ASY_TRIAL_LEASED) +
                   asy_board_in(s->board, ASY_TRIAL_RUNNING);
    return !s->setup.parallel || out < s->setup.parallel;
}

/* The session that got the least work so far. */
static asy_session *next_session(asy_host *h)
{
    asy_session *best = NULL;
    for (uint32_t i = 0; i < h->sessions; i++)
        if (may_give(h->session[i]) &&
            (!best || h->session[i]->charged < best->charged))
            best = h->session[i];
    return best;
}

/* Takes up to n trials out of the queues. A suspect comes in small company or alone. */
static uint32_t choose(asy_peer *p, uint32_t n, asy_trial **out)
{
    asy_host *h = p->host;
    uint32_t count = 0, most = n;
    size_t bytes = 0;
    asy_session *s;
    while (count < most && bytes < ASY_BODY_TARGET && (s = next_session(h))) {
        asy_trial *t = asy_board_peek(s->board);
        if (t->together < most)
            most = t->together;
        if (count >= most || (t->together == 1 && p->held + count > 0))
            break;
        asy_board_take(s->board, t);
        asy_lease_grant(p, t, p->work.seq);
        s->charged += p->mean > 0 ? p->mean : 0.001;
        bytes += 64 + (s->setup.is_own ? t->spec->params_len : t->spec->design_len);
        out[count++] = t;
    }
    for (uint32_t i = 0; i < count; i++)
        out[i]->batch = (uint16_t)(p->held < UINT16_MAX ? p->held : UINT16_MAX);
    return count;
}

/* --- TASKS --- */

static bool knows(asy_peer *p, int64_t session)
{
    for (uint32_t i = 0; i < p->sessions; i++)
        if (p->session[i] == session)
            return true;
    p->session = asy_realloc(p->session, p->sessions + 1, sizeof *p->session);
    p->session[p->sessions++] = session;
    return false;
}

static json_t *folds_of(const asy_session *s)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->setup.folds; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "hash", s->prepared[i].text,
                                              "path", s->prepared[i].path));
    return list;
}

/* What a worker must know of a session before its first trial. */
static json_t *session_brief(const asy_session *s)
{
    const json_t *form = json_object_get(s->setup.told, "form");
    bool is_sweep =
        json_is_string(form) && strcmp(json_string_value(form), "sweep") == 0;
    json_t *v = json_object();
    json_object_set_new(v, "id", json_integer(s->id));
    json_object_set_new(v, "seed", json_integer((json_int_t)s->seed));
    json_object_set_new(v, "own", json_boolean(s->setup.is_own));
    json_object_set_new(v, "folds", folds_of(s));
    json_object_set_new(v, "metric", json_string(s->setup.objective.metric));
    json_object_set_new(v, "reports", json_boolean(s->setup.has_pruner || is_sweep));
    if (s->setup.is_own) {
        json_object_set_new(v, "rule_name", json_string(s->rule_name));
        json_object_set_new(v, "rule", json_stringn(s->rule, s->rule_len));
        json_object_set(v, "options", s->options);
    }
    return v;
}

static void write_sessions(asy_buf *b, asy_peer *p, asy_trial **t, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        if (!knows(p, t[i]->session->id))
            json_array_append_new(list, session_brief(t[i]->session));
    asy_pack_text(b, "sessions");
    asy_pack_value(b, list);
    json_decref(list);
}

static void write_tasks(asy_buf *b, asy_trial **t, uint32_t n)
{
    asy_pack_text(b, "tasks");
    asy_pack_array(b, n);
    for (uint32_t i = 0; i < n; i++) {
        const asy_spec *spec = t[i]->spec;
        bool is_own = t[i]->session->setup.is_own;
        asy_task_write(b, &(asy_task){
                              .trial = t[i]->id,
                              .session = t[i]->session->id,
                              .lease = t[i]->lease,
                              .seed = t[i]->seed,
                              .check = t[i]->check,
                              .fold = t[i]->fold,
                              .spec = is_own ? spec->params : spec->design,
                              .spec_len = is_own ? spec->params_len : spec->design_len,
                          });
    }
}

static void write_order(asy_buf *b, const asy_peer *p, const char *name,
                        asy_order order)
{
    uint32_t n = 0;
    for (const asy_trial *t = p->orders ? p->first : NULL; t; t = t->next)
        n += t->order == order;
    asy_pack_text(b, name);
    asy_pack_array(b, n);
    for (const asy_trial *t = n ? p->first : NULL; t; t = t->next)
        if (t->order == order)
            asy_pack_uint(b, t->lease);
}

enum { ORDER_KEYS = 5 };

static void write_orders(asy_buf *b, asy_peer *p)
{
    write_order(b, p, "prune", ASY_ORDER_PRUNE);
    write_order(b, p, "cancel", ASY_ORDER_CANCEL);
    write_order(b, p, "recall", ASY_ORDER_RECALL);
    asy_pack_text(b, "unknown");
    asy_runs_write(&p->unknown, b);
    asy_pack_text(b, "drain");
    asy_pack_bool(b, p->host->is_closing);
}

static void send_tasks(asy_peer *p, asy_trial **t, uint32_t n)
{
    asy_buf *b = &p->work.reply;
    asy_buf_clear(b);
    asy_pack_map(b, ORDER_KEYS + 3);
    write_sessions(b, p, t, n);
    write_tasks(b, t, n);
    asy_pack_text(b, "next_ms");
    asy_pack_uint(b, n ? 0 : NEXT_MS);
    write_orders(b, p);
    p->work.type = ASY_TASKS;
    p->wait = ASY_WAIT_NONE;
    asy_request *r = p->request;
    p->request = NULL;
    reply(p->host, r, ASY_TASKS, b);
}

/* --- answering --- */

static bool gives_nothing(const asy_host *h)
{
    return h->is_stopping || h->is_closing || h->trouble;
}

/* An idle worker waits for work; one that has results or trials gets its answer now. */
static bool may_park(const asy_peer *p)
{
    return !p->has_results && p->held == 0 && !p->host->is_closing &&
           !p->unknown.runs && !p->unknown.n && asy_now_ms() < p->wait_until;
}

static void answer(asy_peer *p)
{
    asy_trial *chosen[BATCH_MOST];
    uint32_t n = 0;
    if (!p->request)
        return;
    if (!gives_nothing(p->host) && p->want)
        n = choose(p, allowance(p), chosen);
    if (n == 0 && may_park(p))
        p->wait = ASY_WAIT_WORK;
    else
        send_tasks(p, chosen, n);
}

void asy_dispatch_committed(asy_peer *p)
{
    if (p->wait == ASY_WAIT_COMMIT && !p->pending)
        answer(p);
}

/* True when what a worker holds will not be done soon, as far as one can tell. */
static bool is_slow(const asy_peer *p, uint64_t now)
{
    return p->held * p->mean > RECALL_MS / 1000.0 || now - p->result_ms > RECALL_MS;
}

/* The last trials of the queue are in the hands of one worker while another has none:
 * the later half of what is not begun comes back, unless it will soon be done. */
static void recall_half(asy_host *h, uint64_t now)
{
    asy_peer *most = NULL;
    for (uint32_t i = 0; i < h->peers; i++)
        if (!h->peer[i]->is_dead && (!most || h->peer[i]->held > most->held))
            most = h->peer[i];
    if (!most || most->held < 2 || most->orders || !is_slow(most, now))
        return;
    uint32_t n = most->held / 2;
    for (asy_trial *t = most->last; t && n; t = t->prev, n--) {
        if (t->state != ASY_TRIAL_LEASED || t->order)
            continue;
        t->order = ASY_ORDER_RECALL;
        most->orders++;
    }
}

void asy_dispatch_wake(asy_host *h)
{
    uint64_t now = asy_now_ms();
    bool has_work = !gives_nothing(h) && next_session(h);
    bool is_hungry = false;
    for (uint32_t i = 0; i < h->peers; i++) {
        asy_peer *p = h->peer[i];
        if (p->wait != ASY_WAIT_WORK)
            continue;
        if (has_work || now >= p->wait_until)
            answer(p);
        is_hungry |= p->wait == ASY_WAIT_WORK;
    }
    if (is_hungry && !has_work)
        recall_half(h, now);
}

void asy_dispatch_release(asy_host *h)
{
    for (uint32_t i = 0; i < h->peers; i++) {
        asy_peer *p = h->peer[i];
        if (p->request && p->wait == ASY_WAIT_WORK)
            send_tasks(p, NULL, 0);
    }
}

/* --- requests --- */

static void on_hello(asy_host *h, asy_request *r)
{
    asy_hello hello;
    if (asy_hello_read(r->frame.body, r->frame.body_len, &hello)) {
        reject(h, r, "body", asy_errmsg());
        return;
    }
    if (h->is_closing) {
        reject(h, r, "closing", "the host is going away");
        return;
    }
    asy_peer *p = asy_peer_hello(h, &r->frame, &hello, r->pipe);
    if (!p) {
        reject(h, r, "token", "wrong token");
        return;
    }
    asy_buf b = {0};
    asy_pack_map(&b, 3);
    asy_pack_text(&b, "ticket");
    asy_pack_bin(&b, p->ticket, sizeof p->ticket);
    asy_pack_text(&b, "beat_ms");
    asy_pack_uint(&b, h->beat_ms);
    asy_pack_text(&b, "lease_ms");
    asy_pack_uint(&b, h->lease_ms);
    reply(h, r, ASY_WELCOME, &b);
    asy_buf_fini(&b);
}

/* The peer and the content of a WORK or BEAT, or NULL after a REJECT. */
static asy_peer *read_ask(asy_host *h, asy_request *r, asy_ask *ask)
{
    if (asy_ask_read(r->frame.body, r->frame.body_len, ask)) {
        reject(h, r, "body", asy_errmsg());
        return NULL;
    }
    asy_peer *p = asy_peer_find(h, &r->frame, ask->ticket);
    if (!p) {
        reject(h, r, "hello", "say HELLO first");
        return NULL;
    }
    p->seen_ms = asy_now_ms();
    p->gone_ms = 0;
    p->pipe = r->pipe;
    if (ask->mean > 0)
        p->mean = ask->mean;
    return p;
}

static asy_trial *find_trial(asy_host *h, const asy_outcome *o)
{
    for (uint32_t i = 0; i < h->sessions; i++) {
        asy_trial *t = asy_board_find(h->session[i]->board, o->trial);
        if (t)
            return t->check == o->check && t->is_ready ? t : NULL;
    }
    return NULL;
}

/* Done or failed counts whoever brings it; pruned and cancelled only from the holder.
 */
static bool counts(const asy_peer *p, const asy_trial *t, const asy_outcome *o)
{
    if (o->state == ASY_TRIAL_DONE || o->state == ASY_TRIAL_FAILED)
        return true;
    return t->holder == p && t->lease == o->lease;
}

/* Results of trials that nobody knows, or of sessions that are over, are thanked for
 * and dropped: the worker must not keep them. */
static void take_results(asy_peer *p, asy_slice done)
{
    asy_walk w = asy_walk_open(done);
    asy_outcome o;
    p->has_results = w.left > 0;
    if (p->has_results || !p->held)
        p->result_ms = asy_now_ms();
    while (asy_walk_outcome(&w, &o)) {
        asy_trial *t = find_trial(p->host, &o);
        if (t && asy_session_is_open(t->session) && counts(p, t, &o))
            asy_gather_outcome(t, &o, p->name);
    }
}

/* A retry executes nothing: it gets the reply that was lost, or takes the place of the
 * request that is still waiting for one. */
static bool is_retry(asy_host *h, asy_last *last, asy_request *r)
{
    if (r->frame.seq > last->seq)
        return false;
    if (r->frame.seq < last->seq || !last->type)
        reject(h, r, "stale", "a later request came before");
    else
        reply(h, r, last->type, &last->reply);
    return true;
}

static void on_work(asy_host *h, asy_request *r)
{
    asy_ask ask;
    asy_peer *p = read_ask(h, r, &ask);
    if (!p)
        return;
    if (p->request && r->frame.seq == p->work.seq) {
        asy_request_drop(p->request);
        p->request = r;
        return;
    }
    if (is_retry(h, &p->work, r))
        return;
    if (p->request)
        asy_request_drop(p->request);
    p->request = r;
    p->work.seq = r->frame.seq;
    p->work.type = 0;
    p->want = ask.want;
    p->wait_until = asy_now_ms() + PARK_MS;
    take_results(p, ask.done);
    asy_lease_reconcile(p, &ask, &p->unknown);
    p->wait = ASY_WAIT_COMMIT;
    if (p->has_results)
        asy_commit_wait(asy_commit_now(h), p);
    else if (!p->pending)
        answer(p);
}

static void take_reports(asy_peer *p, asy_slice reports)
{
    asy_walk w = asy_walk_open(reports);
    asy_report x;
    while (asy_walk_report(&w, &x)) {
        asy_trial *t = asy_lease_find(p, x.lease);
        if (t && !t->order && asy_session_is_open(t->session))
            asy_talk_tell(t->session, (asy_event){.kind = ASY_EVENT_REPORT,
                                                  .number = t->proposal,
                                                  .n = x.epoch,
                                                  .value = x.value});
    }
}

static void on_beat(asy_host *h, asy_request *r)
{
    asy_ask ask;
    asy_peer *p = read_ask(h, r, &ask);
    if (!p || is_retry(h, &p->beat, r))
        return;
    take_reports(p, ask.reports);
    asy_lease_reconcile(p, &ask, &p->unknown);
    asy_buf *b = &p->beat.reply;
    asy_buf_clear(b);
    asy_pack_map(b, ORDER_KEYS + 1);
    write_orders(b, p);
    asy_pack_text(b, "beat_ms");
    asy_pack_uint(b, h->beat_ms);
    p->beat.seq = r->frame.seq;
    p->beat.type = ASY_ORDERS;
    reply(h, r, ASY_ORDERS, b);
}

static void on_bye(asy_host *h, asy_request *r)
{
    asy_ask ask;
    asy_peer *p = read_ask(h, r, &ask);
    if (!p)
        return;
    asy_peer_leave(p);
    asy_buf b = {0};
    asy_pack_map(&b, 0);
    reply(h, r, ASY_DONE, &b);
    asy_buf_fini(&b);
}

static void on_request(asy_host *h, asy_request *r)
{
    switch (r->frame.type) {
    case ASY_HELLO: on_hello(h, r); break;
    case ASY_WORK: on_work(h, r); break;
    case ASY_BEAT: on_beat(h, r); break;
    case ASY_BYE: on_bye(h, r); break;
    case ASY_DATA_META:
    case ASY_DATA_GET: asy_blob_request(h, r); break;
    default: reject(h, r, "type", "no such request"); break;
    }
}

void asy_dispatch_event(asy_host *h, asy_net_event *e)
{
    if (e->kind == ASY_NET_GONE)
        asy_peer_gone(h, e->pipe);
    else if (e->request)
        on_request(h, e->request);
    e->request = NULL;
    asy_net_event_free(e);
}
