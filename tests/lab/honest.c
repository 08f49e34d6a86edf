/* honest.c - a worker of the tests' own, which keeps a ledger of what was acknowledged.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "honest.h"
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/hash.h"

enum { BATCH = 16, TIMEOUT_MS = 12000, PATIENCE_MS = 13000 };

double honest_score(int64_t x, int64_t steps)
{
    int64_t s = 0;
    for (int64_t i = 1; i <= steps; i++)
        s = (s + x * i) % 1000003;
    return (double)s;
}

/* A trial that was done, until its result is acknowledged. */
typedef struct result {
    asy_task task;
    double score;
} result;

typedef struct toil {
    honest *h;
    asy_link *link;
    uint8_t ticket[ASY_TICKET];
    uint64_t seen, last_lease;
    result done[BATCH], again[BATCH]; /* again: acknowledged before, given once more */
    size_t n, again_n;
} toil;

/* --- HELLO ---------------------------------------------------------------- */

static asy_err read_token(const char *path, asy_hash *token)
{
    asy_buf text = {0};
    asy_err err = asy_file_read(path, 1024, &text);
    while (!err && text.len && text.data[text.len - 1] <= ' ')
        text.data[--text.len] = '\0';
    if (!err && !asy_hash_parse(asy_buf_text(&text), token))
        err = asy_fail(ASY_EIO, "%s: no token", path);
    asy_buf_fini(&text);
    return err;
}

static void write_hello(const asy_hash *token, asy_buf *b)
{
    asy_pack_map(b, 4);
    asy_pack_text(b, "token");
    asy_pack_bin(b, token->b, sizeof token->b);
    asy_pack_text(b, "name");
    asy_pack_text(b, "honest");
    asy_pack_text(b, "slots");
    asy_pack_uint(b, 1);
    asy_pack_text(b, "held");
    asy_pack_array(b, 0);
}

asy_err honest_hello(asy_link *link, const char *token_file, uint8_t ticket[ASY_TICKET],
                     uint64_t *epoch)
{
    asy_hash token;
    asy_buf b = {0};
    asy_frame reply;
    asy_letter l;
    asy_err err = read_token(token_file, &token);
    if (err)
        return err;
    write_hello(&token, &b);
    err = asy_link_call(link, 0, ASY_HELLO, &b, TIMEOUT_MS, PATIENCE_MS, &reply);
    if (!err)
        err = asy_letter_read(reply.body, reply.body_len, &l);
    if (!err && (reply.type != ASY_WELCOME || l.ticket.len != ASY_TICKET))
        err = asy_fail(ASY_EIO, "no welcome");
    if (!err) {
        memcpy(ticket, l.ticket.bytes, ASY_TICKET);
        *epoch = reply.epoch;
        asy_link_set_epoch(link, reply.epoch);
    }
    asy_buf_fini(&b);
    return err;
}

/* --- WORK ----------------------------------------------------------------- */

static void put_result(asy_buf *b, const result *r, double lie)
{
    char metrics[64];
    int len = snprintf(metrics, sizeof metrics, "{\"score\":%.0f}", r->score + lie);
    const asy_outcome o = {.trial = r->task.trial,
                           .lease = r->task.lease,
                           .check = r->task.check,
                           .state = ASY_TRIAL_DONE,
                           .metrics = {metrics, (size_t)len},
                           .how = {"lua", 3}};
    asy_outcome_write(b, &o);
}

static void write_work(const toil *t, asy_buf *b)
{
    asy_buf_clear(b);
    asy_pack_map(b, 7);
    asy_pack_text(b, "ticket");
    asy_pack_bin(b, t->ticket, ASY_TICKET);
    asy_pack_text(b, "seen");
    asy_pack_uint(b, t->seen);
    asy_pack_text(b, "want");
    asy_pack_uint(b, BATCH);
    asy_pack_text(b, "mean");
    asy_pack_real(b, 0.001);
    asy_pack_text(b, "held"); /* all are done */
    asy_pack_array(b, 0);
    asy_pack_text(b, "running");
    asy_pack_array(b, 0);
    asy_pack_text(b, "done");
    asy_pack_array(b, (uint32_t)(t->n + t->again_n));
    for (size_t i = 0; i < t->n; i++)
        put_result(b, &t->done[i], 0);
    for (size_t i = 0; i < t->again_n; i++)
        put_result(b, &t->again[i], 1);
}

static void note_acknowledged(toil *t)
{
    honest *h = t->h;
    unsigned acked = atomic_load(&h->acked);
    for (size_t i = 0; i < t->n && acked < HONEST_MOST; i++)
        h->ledger[acked++] =
            (honest_entry){.trial = t->done[i].task.trial, .score = t->done[i].score};
    atomic_store(&h->acked, acked);
    memcpy(t->again, t->done, sizeof t->done);
    t->again_n = t->n;
    t->n = 0;
}

static asy_err do_task(toil *t, const asy_task *task)
{
    json_t *params;
    int64_t x, steps;
    t->h->has_order = t->h->has_order && task->lease > t->last_lease;
    t->last_lease = task->lease;
    asy_err err = asy_json_parse(task->spec, task->spec_len, &params);
    if (err)
        return err;
    err = asy_json_get_int(params, "params", "x", -1, &x);
    if (!err)
        err = asy_json_get_int(params, "params", "steps", -1, &steps);
    if (!err)
        t->done[t->n++] = (result){.task = *task, .score = honest_score(x, steps)};
    json_decref(params);
    return err;
}

static asy_err take_tasks(toil *t, const asy_frame *reply)
{
    asy_orders o;
    asy_task task;
    asy_err err = asy_orders_read(reply->body, reply->body_len, &o);
    if (err)
        return err;
    t->seen = reply->seq;
    asy_walk w = asy_walk_open(o.tasks);
    while (!err && t->n < BATCH && asy_walk_task(&w, &task))
        err = do_task(t, &task);
    return o.drain ? asy_fail(ASY_EIO, "drained") : err;
}

static asy_err work_once(toil *t, asy_buf *b)
{
    asy_frame reply;
    write_work(t, b);
    asy_err err =
        asy_link_call(t->link, 0, ASY_WORK, b, TIMEOUT_MS, PATIENCE_MS, &reply);
    if (!err && reply.type != ASY_TASKS)
        err = asy_fail(ASY_EIO, "no tasks");
    if (err)
        return err;
    note_acknowledged(t);
    return take_tasks(t, &reply);
}

void *honest_main(void *arg)
{
    toil t = {.h = arg};
    asy_buf b = {0};
    asy_link_config config = {.url = t.h->url, .contexts = 1};
    asy_random_bytes(&config.incarnation, sizeof config.incarnation);
    t.h->has_order = true;
    asy_err err = asy_link_open(&config, &t.link);
    uint64_t epoch = 0;
    if (!err)
        err = honest_hello(t.link, t.h->token_file, t.ticket, &epoch);
    t.last_lease = epoch << 32;
    while (!err)
        err = work_once(&t, &b);
    asy_link_close(t.link);
    asy_buf_fini(&b);
    return NULL;
}
