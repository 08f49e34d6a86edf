/* queue.c - a ring of pointers behind one lock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"
#include <pthread.h>
#include <time.h>
#include "base/mem.h"

enum { FIRST_CAP = 64 }; /* a power of two, as every cap */

struct asy_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **ring; /* [cap], owned; the rest is guarded by lock */
    size_t cap, first, length;
    unsigned waiting; /* threads in pop */
};

asy_queue *asy_queue_new(void)
{
    asy_queue *q = asy_alloc(1, sizeof *q);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&q->lock, NULL);
    q->cap = FIRST_CAP;
    q->ring = asy_alloc(q->cap, sizeof *q->ring);
    return q;
}

void asy_queue_free(asy_queue *q)
{
    if (!q)
        return;
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->filled);
    asy_free(q->ring);
    asy_free(q);
}

static void grow(asy_queue *q)
{
    void **ring = asy_alloc(2 * q->cap, sizeof *ring);
    for (size_t i = 0; i < q->length; i++)
        ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
    asy_free(q->ring);
    q->ring = ring;
    q->cap *= 2;
    q->first = 0;
}

void asy_queue_push(asy_queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    if (q->length == q->cap)
        grow(q);
    q->ring[(q->first + q->length++) & (q->cap - 1)] = item;
    if (q->waiting)
        pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

static struct timespec deadline_in(uint32_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* With the lock held: waits until there is an item or the time is over. */
static void wait_for_item(asy_queue *q, uint32_t timeout_ms)
{
    if (q->length || timeout_ms == 0)
        return;
    struct timespec deadline = deadline_in(timeout_ms);
    int gone = 0;
    q->waiting++;
    while (q->length == 0 && !gone) {
        if (timeout_ms == UINT32_MAX)
            pthread_cond_wait(&q->filled, &q->lock);
        else
            gone = pthread_cond_timedwait(&q->filled, &q->lock, &deadline);
    }
    q->waiting--;
}

size_t asy_queue_pop_many(asy_queue *q, void **items, size_t max, uint32_t timeout_ms)
{
    pthread_mutex_lock(&q->lock);
    wait_for_item(q, timeout_ms);
    size_t n = q->length < max ? q->length : max;
    for (size_t i = 0; i < n; i++)
        items[i] = q->ring[(q->first + i) & (q->cap - 1)];
    q->first = (q->first + n) & (q->cap - 1);
    q->length -= n;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void *asy_queue_pop(asy_queue *q, uint32_t timeout_ms)
{
    void *item = NULL;
    return asy_queue_pop_many(q, &item, 1, timeout_ms) ? item : NULL;
}

size_t asy_queue_length(asy_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->length;
    pthread_mutex_unlock(&q->lock);
    return n;
}
