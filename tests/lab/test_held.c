/* test_held.c - what a worker holds, without a network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "lab/board.h"
#include "lab/held.h"

static const asy_slice ticket = {"0123456789abcdef", 16};

/* TASKS with n trials of a session, leases from `first` on. */
static void give(asy_held *h, uint64_t first, uint32_t n, int64_t session, uint64_t seq)
{
    asy_buf b = {0};
    asy_orders o;
    asy_pack_map(&b, 1);
    asy_pack_text(&b, "tasks");
    asy_pack_array(&b, n);
    for (uint32_t i = 0; i < n; i++)
        asy_task_write(&b, &(asy_task){.trial = (int64_t)(first + i),
                                       .lease = first + i,
                                       .session = session,
                                       .spec = "{}",
                                       .spec_len = 2});
    assert_int_equal(asy_orders_read(b.data, b.len, &o), ASY_OK);
    asy_held_acknowledge(h, &o, seq);
    asy_buf_fini(&b);
}

/* Applies an order for the leases, as an ORDERS body has it. */
static void order(asy_held *h, const char *name, const uint64_t *lease, uint32_t n)
{
    asy_buf b = {0};
    asy_orders o;
    asy_pack_map(&b, 1);
    asy_pack_text(&b, name);
    asy_pack_array(&b, n);
    for (uint32_t i = 0; i < n; i++)
        asy_pack_uint(&b, lease[i]);
    assert_int_equal(asy_orders_read(b.data, b.len, &o), ASY_OK);
    asy_held_order(h, &o);
    asy_buf_fini(&b);
}

static void finish(asy_held *h, asy_job *j)
{
    const asy_outcome o = {.trial = j->task.trial,
                           .lease = j->task.lease,
                           .state = ASY_TRIAL_DONE,
                           .metrics = {"{}", 2}};
    asy_held_finish(h, j, &o, 0.01);
}

/* What a request says: results, and leases held as [first, last]. */
static asy_ask say(asy_held *h, bool beat, asy_buf *b)
{
    asy_ask ask;
    asy_buf_clear(b);
    if (beat)
        asy_held_write_beat(h, ticket, b);
    else
        asy_held_write_work(h, ticket, b);
    assert_int_equal(asy_ask_read(b->data, b->len, &ask), ASY_OK);
    return ask;
}

static uint64_t count_held(asy_slice held)
{
    asy_walk w = asy_walk_open(held);
    uint64_t first, n, sum = 0;
    while (asy_walk_run(&w, &first, &n))
        sum += n;
    return sum;
}

static void test_results_stay_until_acknowledged(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[8];
    asy_buf b = {0};
    give(h, 1, 5, 1, 3);
    assert_int_equal(asy_held_take(h, job, 2), 2);
    finish(h, job[0]);
    finish(h, job[1]);

    asy_ask ask = say(h, false, &b);
    assert_int_equal(ask.seen, 3);
    assert_int_equal(asy_walk_open(ask.done).left, 2);
    assert_int_equal(count_held(ask.held), 3);
    ask = say(h, true, &b); /* on its way is still held */
    assert_int_equal(count_held(ask.held), 5);

    assert_int_equal(asy_held_take(h, job, 1), 1); /* ends while the request is out */
    finish(h, job[0]);
    give(h, 6, 0, 1, 4);
    ask = say(h, false, &b);
    assert_int_equal(ask.seen, 4);
    assert_int_equal(asy_walk_open(ask.done).left, 1);
    assert_int_equal(count_held(ask.held), 2);
    asy_buf_fini(&b);
    asy_held_free(h);
}

/* A request that was never answered is said again with everything in it. */
static void test_lost_request(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[2];
    asy_buf b = {0};
    give(h, 1, 2, 1, 1);
    asy_held_take(h, job, 2);
    finish(h, job[0]);
    say(h, false, &b);
    finish(h, job[1]);
    asy_ask ask = say(h, false, &b);
    assert_int_equal(asy_walk_open(ask.done).left, 2);
    asy_buf_fini(&b);
    asy_held_free(h);
}

static void test_takes_one_session_at_a_time(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[8];
    give(h, 1, 2, 1, 1);
    give(h, 3, 2, 2, 2);
    assert_int_equal(asy_held_take(h, job, 8), 2);
    assert_int_equal(job[1]->task.session, 1);
    asy_held_return(h, job[0]);
    asy_held_return(h, job[1]);
    assert_int_equal(asy_held_take(h, job, 8), 2);
    assert_int_equal(job[0]->task.session, 2);
    asy_held_free(h);
}

static void test_orders(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[8];
    asy_buf b = {0};
    give(h, 1, 6, 1, 1);
    asy_held_take(h, job, 3);
    order(h, "prune", (const uint64_t[]){1, 4}, 2);
    assert_int_equal(atomic_load(&job[0]->order), ASY_ORDER_PRUNE);
    order(h, "cancel", (const uint64_t[]){2}, 1);
    assert_int_equal(atomic_load(&job[1]->order), ASY_ORDER_CANCEL);
    order(h, "recall", (const uint64_t[]){3, 5}, 2);
    assert_int_equal(atomic_load(&job[2]->order), ASY_ORDER_NONE);
    asy_ask ask = say(h, true, &b);
    assert_int_equal(count_held(ask.held), 4); /* 1, 2, 3 run, 6 is ready */
    order(h, "unknown", (const uint64_t[]){3, 100}, 2);
    assert_int_equal(atomic_load(&job[2]->order), ASY_ORDER_RECALL);
    ask = say(h, true, &b);
    assert_int_equal(count_held(ask.held), 3);
    assert_int_equal(asy_walk_open(ask.running).left, 1);
    asy_buf_fini(&b);
    asy_held_free(h);
}

static void test_reports_are_the_latest(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[2];
    asy_buf b = {0};
    asy_report r;
    give(h, 1, 2, 1, 1);
    asy_held_take(h, job, 2);
    asy_held_report(h, 1, 1, 0.5);
    asy_held_report(h, 2, 1, 0.25);
    asy_held_report(h, 1, 2, 0.75);
    finish(h, job[1]); /* what it reported is of no use any more */
    asy_ask ask = say(h, true, &b);
    asy_walk w = asy_walk_open(ask.reports);
    assert_true(asy_walk_report(&w, &r));
    assert_true(r.lease == 1 && r.epoch == 2 && r.value == 0.75);
    assert_false(asy_walk_report(&w, &r));
    ask = say(h, true, &b);
    assert_int_equal(asy_walk_open(ask.reports).left, 0);
    asy_buf_fini(&b);
    asy_held_free(h);
}

static void test_drain(void **state)
{
    (void)state;
    asy_held *h = asy_held_new();
    asy_job *job[8];
    asy_buf b = {0};
    give(h, 1, 4, 1, 1);
    asy_held_take(h, job, 1);
    asy_held_drain(h);
    assert_false(asy_held_is_stopped(h));
    assert_int_equal(asy_held_take(h, job + 1, 4), 0);
    finish(h, job[0]);
    assert_true(asy_held_wait(h)); /* a result to give */
    asy_ask ask = say(h, false, &b);
    assert_int_equal(ask.want, 0);
    give(h, 9, 3, 1, 2); /* comes too late: not taken */
    assert_false(asy_held_wait(h));
    assert_true(asy_held_is_stopped(h));
    asy_buf_fini(&b);
    asy_held_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_stay_until_acknowledged),
        cmocka_unit_test(test_lost_request),
        cmocka_unit_test(test_takes_one_session_at_a_time),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_reports_are_the_latest),
        cmocka_unit_test(test_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
