/* echo.h - a small host for the tests of net: it answers each request with its own
 * body. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/link.h"
#include "net/listen.h"

#define must(call)                                                                     \
    do {                                                                               \
        asy_err must_err = (call);                                                     \
        if (must_err)                                                                  \
            fail_msg("%s: %s", #call, asy_errmsg());                                   \
    } while (0)

typedef struct echo {
    asy_listener *listener;
    asy_queue *queue;
    pthread_t thread;
    atomic_uint requests; /* that came */
    atomic_uint gone;     /* connections that ended */
    atomic_uint hold_ms;  /* before each answer */
    atomic_uint_least64_t last_seq;
    atomic_uint drop_next; /* so many requests get no answer */
    atomic_bool is_gross;  /* answers are larger than a frame may be */
} echo;

static const uint64_t echo_epoch = 77;

static inline void echo_sink(void *ctx, asy_net_event *event)
{
    asy_queue_push(((echo *)ctx)->queue, event);
}

static inline void echo_answer(echo *e, asy_request *r)
{
    atomic_fetch_add(&e->requests, 1);
    atomic_store(&e->last_seq, r->frame.seq);
    asy_sleep_ms(atomic_load(&e->hold_ms));
    if (atomic_load(&e->drop_next) > 0) {
        atomic_fetch_sub(&e->drop_next, 1);
        asy_request_drop(r);
        return;
    }
    asy_buf body = {0};
    asy_buf_add(&body, r->frame.body, r->frame.body_len);
    if (atomic_load(&e->is_gross)) {
        memset(asy_buf_reserve(&body, ASY_FRAME_LIMIT), 0, ASY_FRAME_LIMIT);
        body.len += ASY_FRAME_LIMIT;
    }
    asy_request_reply(r, echo_epoch, ASY_TASKS, &body);
    asy_buf_fini(&body);
}

/* The end of connection 0, which nobody has, ends the thread: see echo_stop. */
static inline void *echo_main(void *arg)
{
    echo *e = arg;
    asy_net_event *event;
    while ((event = asy_queue_pop(e->queue, UINT32_MAX))->kind == ASY_NET_REQUEST ||
           event->pipe != 0) {
        if (event->kind == ASY_NET_REQUEST)
            echo_answer(e, event->request);
        else
            atomic_fetch_add(&e->gone, 1);
        asy_net_event_free(event);
    }
    asy_free(event);
    return NULL;
}

static inline echo *echo_start(const char *url)
{
    echo *e = asy_alloc(1, sizeof *e);
    e->queue = asy_queue_new();
    must(asy_listener_open(url, echo_sink, e, &e->listener));
    pthread_create(&e->thread, NULL, echo_main, e);
    return e;
}

static inline void echo_stop(echo *e)
{
    asy_listener_stop(e->listener);
    asy_net_event *last = asy_alloc(1, sizeof *last); /* "gone" of no connection */
    last->kind = ASY_NET_GONE;
    asy_queue_push(e->queue, last);
    pthread_join(e->thread, NULL);
    asy_queue_free(e->queue);
    asy_free(e);
}

static inline asy_link *link_to(const char *url, uint32_t contexts)
{
    asy_link_config config = {.url = url, .incarnation = 99, .contexts = contexts};
    memset(config.worker, 0xab, sizeof config.worker);
    asy_link *l;
    must(asy_link_open(&config, &l));
    return l;
}

/* Sends text on context 0 and expects it back. */
static inline void ping(asy_link *l, const char *text, uint32_t patience_ms)
{
    asy_buf body = {0};
    asy_buf_puts(&body, text);
    asy_frame reply;
    must(asy_link_call(l, 0, ASY_WORK, &body, 1000, patience_ms, &reply));
    assert_int_equal(reply.type, ASY_TASKS);
    assert_int_equal(reply.body_len, body.len);
    if (body.len)
        assert_memory_equal(reply.body, text, body.len);
    asy_buf_fini(&body);
}

/* Waits until the counter is at least `want`; fails after five seconds. */
static inline void wait_for_count(atomic_uint *counter, unsigned want)
{
    for (int i = 0; i < 5000 && atomic_load(counter) < want; i++)
        asy_sleep_ms(1);
    assert_true(atomic_load(counter) >= want);
}
