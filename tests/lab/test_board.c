/* test_board.c - trials in memory: places, states, the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "lab/board.h"

static void test_places(void **state)
{
    (void)state;
    asy_board *b = asy_board_new();
    assert_int_equal(asy_board_add(b, 100, 5), 1);
    assert_int_equal(asy_board_add(b, 105, 2000), 6); /* goes on where the last ended */
    assert_int_equal(asy_board_add(b, 9000, 3), 2006);
    assert_int_equal(asy_board_count(b), 2008);
    assert_ptr_equal(asy_board_at(b, 0), NULL);
    assert_ptr_equal(asy_board_at(b, 2009), NULL);
    for (uint32_t i = 1; i <= 2008; i++) {
        asy_trial *t = asy_board_at(b, i);
        assert_int_equal(t->number, i);
        assert_ptr_equal(asy_board_find(b, t->id), t);
    }
    assert_ptr_equal(asy_board_find(b, 99), NULL);
    assert_ptr_equal(asy_board_find(b, 2105), NULL);
    assert_ptr_equal(asy_board_find(b, 9003), NULL);
    asy_board_free(b);
}

static void test_queue_order(void **state)
{
    (void)state;
    asy_board *b = asy_board_new();
    asy_board_add(b, 1, 6);
    assert_ptr_equal(asy_board_peek(b), NULL); /* none is durable yet */
    for (uint32_t i = 6; i >= 1; i--) {
        asy_board_at(b, i)->priority = i == 5;
        asy_board_ready(b, asy_board_at(b, i));
    }
    asy_board_move(b, asy_board_at(b, 2), ASY_TRIAL_CANCELLED); /* while it waits */
    const uint32_t order[] = {5, 1, 3, 4, 6};
    for (int i = 0; i < 5; i++) {
        asy_trial *t = asy_board_peek(b);
        assert_int_equal(t->number, order[i]);
        asy_board_take(b, t);
        asy_board_move(b, t, ASY_TRIAL_LEASED);
    }
    assert_ptr_equal(asy_board_peek(b), NULL);
    asy_board_move(b, asy_board_at(b, 4), ASY_TRIAL_QUEUED);
    asy_board_move(b, asy_board_at(b, 3), ASY_TRIAL_QUEUED);
    assert_int_equal(asy_board_peek(b)->number, 3);
    assert_int_equal(asy_board_in(b, ASY_TRIAL_QUEUED), 2);
    assert_int_equal(asy_board_in(b, ASY_TRIAL_LEASED), 3);
    assert_int_equal(asy_board_open(b), 5);
    asy_board_free(b);
}

/* A late result ends a trial that waits again: the queue must not give it out. */
static void test_ended_leave_the_queue(void **state)
{
    (void)state;
    asy_board *b = asy_board_new();
    asy_board_add(b, 1, 2);
    asy_board_ready(b, asy_board_at(b, 1));
    asy_board_ready(b, asy_board_at(b, 2));
    asy_board_ready(b, asy_board_at(b, 2)); /* twice is once */
    asy_board_move(b, asy_board_at(b, 1), ASY_TRIAL_DONE);
    assert_int_equal(asy_board_peek(b)->number, 2);
    asy_board_take(b, asy_board_peek(b));
    assert_ptr_equal(asy_board_peek(b), NULL);
    asy_board_free(b);
}

static void test_many(void **state)
{
    (void)state;
    asy_board *b = asy_board_new();
    asy_rng rng = asy_rng_open(asy_rng_key(3, 3), ASY_STREAM_RULE, 0);
    asy_board_add(b, 1, 5000);
    for (uint32_t i = 1; i <= 5000; i++) {
        asy_board_at(b, i)->priority = (int32_t)asy_rng_below(&rng, 5);
        asy_board_ready(b, asy_board_at(b, i));
    }
    int32_t priority = 9;
    uint32_t number = 0;
    for (int i = 0; i < 5000; i++) {
        asy_trial *t = asy_board_peek(b);
        assert_true(t->priority < priority || t->number > number);
        priority = t->priority;
        number = t->number;
        asy_board_take(b, t);
        asy_board_move(b, t, ASY_TRIAL_LEASED);
    }
    assert_ptr_equal(asy_board_peek(b), NULL);
    asy_board_free(b);
}

static void test_specs_are_shared(void **state)
{
    (void)state;
    asy_board *b = asy_board_new();
    asy_board_add(b, 1, 2);
    asy_spec *s = asy_spec_new(asy_strdup("{}"), asy_strdup("{\"epochs\":1}"));
    assert_int_equal(s->design_len, 12);
    for (uint32_t i = 1; i <= 2; i++) {
        asy_board_at(b, i)->spec = s;
        s->users++;
    }
    asy_spec_unref(s);
    assert_int_equal(s->users, 2);
    asy_board_free(b); /* the leak sanitizer sees the rest */
    asy_spec_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_queue_order),
        cmocka_unit_test(test_ended_leave_the_queue),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_specs_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
