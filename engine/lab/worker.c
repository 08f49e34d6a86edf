/* worker.c - a worker's threads and its talk with the host.
 *
 * The work thread exchanges results for trials, the beat thread shows that they are
 * alive and hears orders, the calling thread trains.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "lab/toil.h"
#include "net/link.h"

enum {
    WORK_TIMEOUT_MS = 15000, /* the host parks a request for up to 10 s */
    BEAT_TIMEOUT_MS = 5000,
    BEAT_PATIENCE_MS = 1000, /* the beat thread has other things to look at */
    DATA_TIMEOUT_MS = 30000,
    PATIENCE_MS = 60000, /* a host that is gone for longer is gone */
    LATER_MS = 200,      /* pause after RETRY_LATER */
    DRAIN_MS = 30000     /* for the trial that runs when we are asked to leave */
};

enum { WORK_CONTEXT, BEAT_CONTEXT, CONTEXTS };

typedef struct worker {
    const asy_worker_config *config;
    asy_held *held;
    asy_fetch *fetch;
    asy_link *link, *data_link; /* data_link: opened by the first fetch */
    asy_link_config link_config;
    asy_hash token;
    pthread_mutex_t lock; /* guards what follows */
    uint8_t ticket[ASY_TICKET];
    uint32_t hellos; /* tickets so far */
    uint32_t beat_ms;
    asy_err err; /* why it ended; ASY_OK = as it should */
    char message[512];
    pid_t parent; /* 0 = not bound to one */
} worker;

/* The first cause counts; everybody leaves. */
static void give_up(worker *w, asy_err err, const char *message)
{
    pthread_mutex_lock(&w->lock);
    if (!w->err && err) {
        w->err = err;
        snprintf(w->message, sizeof w->message, "%s", message);
    }
    pthread_mutex_unlock(&w->lock);
    asy_held_stop(w->held);
}

/* --- HELLO ---------------------------------------------------------------------- */

static void write_hello(worker *w, asy_buf *b)
{
    char host[48] = "worker", name[64];
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "%s:%ld", host, (long)getpid());
    asy_pack_map(b, 6);
    asy_pack_text(b, "token");
    asy_pack_bin(b, w->token.b, sizeof w->token.b);
    asy_pack_text(b, "name");
    asy_pack_text(b, name);
    asy_pack_text(b, "build");
    asy_pack_text(b, ASY_VERSION);
    asy_pack_text(b, "pid");
    asy_pack_int(b, getpid());
    asy_pack_text(b, "slots");
    asy_pack_uint(b, 1);
    asy_pack_text(b, "held");
    asy_held_write_holding(w->held, b);
}

static asy_err take_welcome(worker *w, const asy_frame *reply)
{
    asy_letter l;
    asy_err err = asy_letter_read(reply->body, reply->body_len, &l);
    if (err)
        return err;
    if (reply->type == ASY_REJECT)
        return asy_fail(ASY_EARG, "the host refused this worker: %s", l.text);
    if (reply->type != ASY_WELCOME || l.ticket.len != ASY_TICKET)
        return asy_fail(ASY_EIO, "the host's answer to HELLO makes no sense");
    asy_link_set_epoch(w->link, reply->epoch);
    memcpy(w->ticket, l.ticket.bytes, ASY_TICKET);
    w->beat_ms = l.beat_ms >= 10 && l.beat_ms <= 60000 ? l.beat_ms : 2000;
    w->hellos++;
    return ASY_OK;
}

/* Says HELLO unless somebody did since `hellos` was looked at. The lock is held while
 * it is said: the other thread has nothing to say without a ticket anyway. */
static asy_err say_hello(worker *w, uint32_t context, uint32_t hellos)
{
    asy_buf b = {0};
    asy_frame reply;
    asy_err err = ASY_OK;
    pthread_mutex_lock(&w->lock);
    if (w->hellos == hellos) {
        write_hello(w, &b);
        err = asy_link_call(w->link, context, ASY_HELLO, &b, BEAT_TIMEOUT_MS,
                            PATIENCE_MS, &reply);
        if (!err)
            err = take_welcome(w, &reply);
    }
    pthread_mutex_unlock(&w->lock);
    asy_buf_fini(&b);
    return err;
}

static uint32_t copy_ticket(worker *w, uint8_t ticket[ASY_TICKET])
{
    pthread_mutex_lock(&w->lock);
    memcpy(ticket, w->ticket, ASY_TICKET);
    uint32_t hellos = w->hellos;
    pthread_mutex_unlock(&w->lock);
    return hellos;
}

/* After a REJECT: a new HELLO helps when the host does not know us any more. */
static asy_err take_reject(worker *w, uint32_t context, uint32_t hellos,
                           const asy_frame *reply)
{
    asy_letter l;
    asy_err err = asy_letter_read(reply->body, reply->body_len, &l);
    if (err)
        return err;
    if (strcmp(l.code, "hello") == 0)
        return say_hello(w, context, hellos);
    asy_log(ASY_WARN, "worker: the host refused a message: %s", l.text);
    asy_sleep_ms(LATER_MS);
    return ASY_OK;
}

/* --- the work thread -----------------------------------------------------------------
 */

static asy_err take_tasks(worker *w, const asy_frame *reply)
{
    asy_orders o;
    asy_err err = asy_orders_read(reply->body, reply->body_len, &o);
    asy_walk walk = asy_walk_open(o.sessions);
    json_t *brief;
    while (!err && asy_walk_tree(&walk, &brief)) {
        err = asy_fetch_tell(w->fetch, brief);
        json_decref(brief);
    }
    if (err)
        return err;
    asy_held_acknowledge(w->held, &o, reply->seq);
    asy_link_set_last_work(w->link, (uint32_t)reply->seq);
    if (o.drain)
        asy_held_stop(w->held);
    return ASY_OK;
}

static asy_err work_once(worker *w, asy_buf *body)
{
    uint8_t ticket[ASY_TICKET];
    asy_frame reply;
    uint32_t hellos = copy_ticket(w, ticket);
    asy_buf_clear(body);
    asy_held_write_work(w->held, (asy_slice){ticket, sizeof ticket}, body);
    asy_err err = asy_link_call(w->link, WORK_CONTEXT, ASY_WORK, body, WORK_TIMEOUT_MS,
                                PATIENCE_MS, &reply);
    if (err)
        return err;
    if (reply.type == ASY_TASKS)
        return take_tasks(w, &reply);
    if (reply.type == ASY_REJECT)
        return take_reject(w, WORK_CONTEXT, hellos, &reply);
    asy_sleep_ms(LATER_MS);
    return ASY_OK;
}

static void *work_main(void *arg)
{
    worker *w = arg;
    asy_buf body = {0};
    asy_err err = ASY_OK;
    while (!err && asy_held_wait(w->held))
        err = work_once(w, &body);
    if (err && !asy_held_is_stopped(w->held))
        give_up(w, err, asy_errmsg());
    asy_held_stop(w->held);
    asy_buf_fini(&body);
    return NULL;
}

/* --- the beat thread --- */

static asy_err beat_once(worker *w, asy_buf *body)
{
    uint8_t ticket[ASY_TICKET];
    asy_frame reply;
    asy_orders o;
    uint32_t hellos = copy_ticket(w, ticket);
    asy_buf_clear(body);
    asy_held_write_beat(w->held, (asy_slice){ticket, sizeof ticket}, body);
    asy_err err = asy_link_call(w->link, BEAT_CONTEXT, ASY_BEAT, body, BEAT_TIMEOUT_MS,
                                BEAT_PATIENCE_MS, &reply);
    if (err) /* the work thread decides when a host is gone */
        return ASY_OK;
    if (reply.type == ASY_REJECT)
        return take_reject(w, BEAT_CONTEXT, hellos, &reply);
    if (reply.type != ASY_ORDERS)
        return ASY_OK;
    err = asy_orders_read(reply.body, reply.body_len, &o);
    if (!err)
        asy_held_order(w->held, &o);
    if (!err && o.drain)
        asy_held_stop(w->held);
    return err;
}

/* The host that started us is gone. */
static bool is_orphan(const worker *w) { return w->parent && getppid() != w->parent; }

static bool must_leave(const worker *w)
{
    return (w->config->drain && atomic_load(w->config->drain)) || is_orphan(w);
}

static bool has_failed(worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->err != ASY_OK;
    pthread_mutex_unlock(&w->lock);
    return has;
}

/* What runs may end, within reason. */
static void look_at_drain(worker *w, uint64_t *since)
{
    uint64_t now = asy_now_ms();
    if (is_orphan(w)) {
        asy_held_stop(w->held);
        asy_link_cancel(w->link);
    } else if (!*since && must_leave(w)) {
        *since = now;
        asy_held_drain(w->held);
        if (asy_held_is_stopped(w->held))
            asy_link_cancel(w->link);
    }
    if (*since && now - *since > DRAIN_MS)
        asy_held_stop(w->held);
}

static uint32_t beat_of(worker *w)
{
    pthread_mutex_lock(&w->lock);
    uint32_t beat_ms = w->beat_ms;
    pthread_mutex_unlock(&w->lock);
    return beat_ms;
}

static void *beat_main(void *arg)
{
    worker *w = arg;
    asy_buf body = {0};
    asy_err err = ASY_OK;
    uint64_t last = asy_now_ms(), draining = 0;
    while (!err && asy_held_wait_beat(w->held, last, beat_of(w))) {
        look_at_drain(w, &draining);
        if (asy_now_ms() - last < beat_of(w) && !asy_held_has_reports(w->held))
            continue;
        last = asy_now_ms();
        err = beat_once(w, &body);
    }
    if (err && !asy_held_is_stopped(w->held))
        give_up(w, err, asy_errmsg());
    asy_buf_fini(&body);
    return NULL;
}

/* --- data
 * ------------------------------------------------------------------------------------
 */

static asy_err get_data(void *ctx, const char *hash, uint64_t offset, asy_buf *out,
                        uint64_t *size)
{
    worker *w = ctx;
    uint8_t ticket[ASY_TICKET];
    asy_buf body = {0};
    asy_frame reply;
    asy_letter l;
    asy_err err = ASY_OK;
    if (!w->data_link)
        err = asy_link_open(&w->link_config, &w->data_link);
    if (err)
        return err;
    bool wants_size = *size == 0;
    copy_ticket(w, ticket);
    asy_pack_map(&body, 3);
    asy_pack_text(&body, "ticket");
    asy_pack_bin(&body, ticket, sizeof ticket);
    asy_pack_text(&body, "hash");
    asy_pack_text(&body, hash);
    asy_pack_text(&body, "offset");
    asy_pack_uint(&body, offset);
    err = asy_link_call(w->data_link, 0, wants_size ? ASY_DATA_META : ASY_DATA_GET,
                        &body, DATA_TIMEOUT_MS, PATIENCE_MS, &reply);
    if (!err)
        err = asy_letter_read(reply.body, reply.body_len, &l);
    if (!err && reply.type != ASY_DATA)
        err = asy_fail(ASY_EIO, "data: %s", l.text);
    if (!err && wants_size)
        *size = l.size;
    else if (!err)
        asy_buf_add(out, l.bytes.bytes, l.bytes.len);
    asy_buf_fini(&body);
    return err;
}

/* --- the whole
 * -----------------------------------------------------------------------------------
 */

static asy_err set_up(worker *w, const asy_worker_config *config)
{
    const char *parent = getenv("ASSAY_PARENT");
    w->config = config;
    w->parent = parent ? (pid_t)strtol(parent, NULL, 10) : 0;
    w->beat_ms = 2000;
    pthread_mutex_init(&w->lock, NULL);
    w->held = asy_held_new();
    w->fetch = asy_fetch_new(config->cache, get_data, w);
    if (!config->token || !asy_hash_parse(config->token, &w->token))
        return asy_fail(ASY_EARG,
                        "worker: a token of 64 hex digits expected (ASSAY_TOKEN)");
    w->link_config = (asy_link_config){.url = config->url, .contexts = CONTEXTS};
    asy_random_bytes(w->link_config.worker, sizeof w->link_config.worker);
    asy_random_bytes(&w->link_config.incarnation, sizeof w->link_config.incarnation);
    asy_err err = asy_link_open(&w->link_config, &w->link);
    return err ? err : say_hello(w, WORK_CONTEXT, 0);
}

static void say_bye(worker *w)
{
    uint8_t ticket[ASY_TICKET];
    asy_buf b = {0};
    asy_frame reply;
    copy_ticket(w, ticket);
    asy_pack_map(&b, 1);
    asy_pack_text(&b, "ticket");
    asy_pack_bin(&b, ticket, sizeof ticket);
    if (asy_link_call(w->link, BEAT_CONTEXT, ASY_BYE, &b, 500, 500, &reply))
        asy_log(ASY_DEBUG, "worker: %s", asy_errmsg());
    asy_buf_fini(&b);
}

static asy_err run_threads(worker *w)
{
    pthread_t work, beat;
    if (pthread_create(&work, NULL, work_main, w))
        return asy_fail(ASY_EIO, "worker: no thread");
    if (pthread_create(&beat, NULL, beat_main, w)) {
        asy_held_stop(w->held);
        asy_link_cancel(w->link);
        pthread_join(work, NULL);
        return asy_fail(ASY_EIO, "worker: no thread");
    }
    asy_toil *toil = asy_toil_new(w->held, w->fetch, w->config->own);
    asy_toil_run(toil);
    asy_toil_free(toil);
    bool leaves = !has_failed(w) && must_leave(w) && !is_orphan(w);
    if (!leaves)
        asy_link_cancel(w->link);
    asy_held_stop(w->held);
    pthread_join(work, NULL);
    pthread_join(beat, NULL);
    if (leaves)
        say_bye(w);
    return w->err ? asy_fail(w->err, "%s", w->message) : ASY_OK;
}

asy_err asy_worker_run(const asy_worker_config *config)
{
    worker w = {0};
    asy_err err = set_up(&w, config);
    if (!err)
        err = run_threads(&w);
    if (w.link)
        asy_link_close(w.link);
    if (w.data_link)
        asy_link_close(w.data_link);
    asy_fetch_free(w.fetch);
    asy_held_free(w.held);
    pthread_mutex_destroy(&w.lock);
    return err;
}
