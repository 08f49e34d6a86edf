/* bench_net.c - round trips over loopback: one context in lock-step, four at once, and
 * large bodies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "net/link.h"
#include "net/listen.h"

static void must(asy_err err)
{
    if (!err)
        return;
    fprintf(stderr, "bench_net: %s\n", asy_errmsg());
    exit(1);
}

static void sink(void *ctx, asy_net_event *event) { asy_queue_push(ctx, event); }

/* As a host does: one thread takes requests from the queue and answers. */
static void *serve(void *arg)
{
    asy_queue *queue = arg;
    for (;;) {
        asy_net_event *e = asy_queue_pop(queue, UINT32_MAX);
        if (e->kind == ASY_NET_REQUEST) {
            asy_buf body = {0};
            asy_buf_add(&body, e->request->frame.body, e->request->frame.body_len);
            asy_request_reply(e->request, 1, ASY_TASKS, &body);
            asy_buf_fini(&body);
        }
        asy_net_event_free(e);
    }
    return NULL;
}

typedef struct caller {
    asy_link *link;
    uint32_t context, calls;
    size_t size;
    double *micros; /* of each call */
} caller;

static void *call_many(void *arg)
{
    caller *c = arg;
    asy_buf body = {0};
    memset(asy_buf_reserve(&body, c->size), 'x', c->size);
    body.len = c->size;
    for (uint32_t i = 0; i < c->calls; i++) {
        asy_frame reply;
        uint64_t before = asy_now_ns();
        must(asy_link_call(c->link, c->context, ASY_WORK, &body, 10000, 10000, &reply));
        c->micros[i] = (double)(asy_now_ns() - before) / 1e3;
    }
    asy_buf_fini(&body);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(asy_link *link, uint32_t contexts, uint32_t calls, size_t size)
{
    double *micros = asy_alloc((size_t)contexts * calls, sizeof *micros);
    pthread_t threads[8];
    caller callers[8];
    uint64_t before = asy_now_ns();
    for (uint32_t i = 0; i < contexts; i++) {
        callers[i] = (caller){link, i, calls, size, micros + (size_t)i * calls};
        pthread_create(&threads[i], NULL, call_many, &callers[i]);
    }
    for (uint32_t i = 0; i < contexts; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(asy_now_ns() - before) / 1e9;
    size_t n = (size_t)contexts * calls;
    qsort(micros, n, sizeof *micros, by_value);
    printf(
        "%u context%s %8zu bytes  %8.0f /s  p50 %7.0f us  p99 %7.0f us  %7.1f MB/s\n",
        contexts, contexts > 1 ? "s" : " ", size, (double)n / seconds, micros[n / 2],
        micros[n * 99 / 100], (double)n * (double)size / seconds / 1e6);
    asy_free(micros);
}

int main(void)
{
    asy_queue *queue = asy_queue_new();
    asy_listener *listener;
    must(asy_listener_open("tcp://127.0.0.1:0", sink, queue, &listener));
    pthread_t server;
    pthread_create(&server, NULL, serve, queue);
    asy_link_config config = {.url = asy_listener_url(listener), .contexts = 4};
    asy_link *link;
    must(asy_link_open(&config, &link));
    measure(link, 1, 1000, 200); /* warm */
    measure(link, 1, 10000, 200);
    measure(link, 4, 10000, 200);
    measure(link, 1, 2000, 16384);
    measure(link, 4, 100, 1 << 20);
    fflush(stdout);
    _exit(0); /* nng_close may hang */
}
