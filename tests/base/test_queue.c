/* test_queue.c - many threads push, one pops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include "base/clock.h"
#include "base/queue.h"

enum { THREADS = 4, ITEMS = 5000 };

static void test_order(void **state)
{
    (void)state;
    asy_queue *q = asy_queue_new();
    for (uintptr_t round = 0; round < 5; round++) { /* wraps around and grows */
        for (uintptr_t i = 1; i <= 100; i++)
            asy_queue_push(q, (void *)(i + 100 * round));
        assert_int_equal(asy_queue_length(q), 100);
        for (uintptr_t i = 1; i <= 100; i++)
            assert_ptr_equal(asy_queue_pop(q, 0), (void *)(i + 100 * round));
    }
    asy_queue_free(q);
    asy_queue_free(NULL);
}

static void test_grows_while_wrapped(void **state)
{
    (void)state;
    asy_queue *q = asy_queue_new();
    uintptr_t in = 0, out = 0;
    for (int i = 0; i < 40; i++)
        asy_queue_push(q, (void *)++in);
    for (int i = 0; i < 40; i++)
        assert_ptr_equal(asy_queue_pop(q, 0), (void *)++out);
    for (int i = 0; i < 1000; i++)
        asy_queue_push(q, (void *)++in);
    while (out < in)
        assert_ptr_equal(asy_queue_pop(q, 0), (void *)++out);
    asy_queue_free(q);
}

static void test_time_out(void **state)
{
    (void)state;
    asy_queue *q = asy_queue_new();
    assert_null(asy_queue_pop(q, 0));
    uint64_t before = asy_now_ms();
    assert_null(asy_queue_pop(q, 20));
    assert_true(asy_now_ms() - before >= 19);
    asy_queue_free(q);
}

static void test_pop_many(void **state)
{
    (void)state;
    asy_queue *q = asy_queue_new();
    void *items[10];
    for (uintptr_t i = 1; i <= 12; i++)
        asy_queue_push(q, (void *)i);
    assert_int_equal(asy_queue_pop_many(q, items, 10, 0), 10);
    assert_ptr_equal(items[9], (void *)10);
    assert_int_equal(asy_queue_pop_many(q, items, 10, UINT32_MAX), 2);
    assert_int_equal(asy_queue_pop_many(q, items, 10, 1), 0);
    asy_queue_free(q);
}

typedef struct pusher {
    asy_queue *queue;
    uintptr_t first;
} pusher;

static void *push_all(void *ctx)
{
    pusher *p = ctx;
    for (uintptr_t i = 0; i < ITEMS; i++)
        asy_queue_push(p->queue, (void *)(p->first + i));
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    asy_queue *q = asy_queue_new();
    pthread_t thread[THREADS];
    pusher p[THREADS];
    uintptr_t next[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++) {
        p[t] = (pusher){q, next[t] = 1 + t * ITEMS};
        assert_int_equal(pthread_create(&thread[t], NULL, push_all, &p[t]), 0);
    }
    for (int i = 0; i < THREADS * ITEMS; i++) {
        uintptr_t item = (uintptr_t)asy_queue_pop(q, UINT32_MAX),
                  t = (item - 1) / ITEMS;
        assert_int_equal(item, next[t]++); /* each thread's items keep their order */
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    assert_int_equal(asy_queue_length(q), 0);
    asy_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),        cmocka_unit_test(test_grows_while_wrapped),
        cmocka_unit_test(test_time_out),     cmocka_unit_test(test_pop_many),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
