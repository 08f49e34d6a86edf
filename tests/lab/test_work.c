/* test_work.c - bodies of messages: what is written is read again, and nothing else is.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "lab/work.h"

static asy_slice slice(const char *text) { return (asy_slice){text, strlen(text)}; }

static void put_outcome(asy_buf *b)
{
    const asy_outcome o = {.trial = 12,
                           .lease = (uint64_t)3 << 32 | 7,
                           .check = UINT64_MAX,
                           .state = ASY_TRIAL_FAILED,
                           .reason = slice("diverged"),
                           .metrics = slice("{\"score\":1}"),
                           .how = slice("blas/plain/1"),
                           .curve = {"\0\1\2", 3},
                           .epochs = 5,
                           .seconds = 0.25,
                           .parameters = 99,
                           .flops = 1e9};
    asy_outcome_write(b, &o);
}

/* A WORK body with all its keys. */
static void put_work(asy_buf *b)
{
    asy_runs runs = {0};
    asy_runs_add(&runs, 10);
    asy_runs_add(&runs, 11);
    asy_runs_add_run(&runs, 12, 3);
    asy_runs_add(&runs, 20);
    asy_pack_map(b, 7);
    asy_pack_text(b, "ticket");
    asy_pack_bin(b, "0123456789abcdef", 16);
    asy_pack_text(b, "seen");
    asy_pack_uint(b, 8);
    asy_pack_text(b, "news"); /* of a later version */
    asy_pack_array(b, 2);
    asy_pack_nil(b);
    asy_pack_text(b, "x");
    asy_pack_text(b, "want");
    asy_pack_uint(b, 64);
    asy_pack_text(b, "mean");
    asy_pack_real(b, 0.5);
    asy_pack_text(b, "held");
    asy_runs_write(&runs, b);
    asy_pack_text(b, "done");
    asy_pack_array(b, 1);
    put_outcome(b);
    asy_runs_fini(&runs);
}

static void test_work_is_read(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_ask ask;
    put_work(&b);
    assert_int_equal(asy_ask_read(b.data, b.len, &ask), ASY_OK);
    assert_int_equal(ask.ticket.len, 16);
    assert_int_equal(ask.seen, 8);
    assert_int_equal(ask.want, 64);
    assert_true(ask.mean == 0.5);

    uint64_t first, n;
    asy_walk w = asy_walk_open(ask.held);
    assert_true(asy_walk_run(&w, &first, &n));
    assert_int_equal(first, 10);
    assert_int_equal(n, 5);
    assert_true(asy_walk_run(&w, &first, &n));
    assert_int_equal(first, 20);
    assert_int_equal(n, 1);
    assert_false(asy_walk_run(&w, &first, &n));

    asy_outcome o;
    w = asy_walk_open(ask.done);
    assert_true(asy_walk_outcome(&w, &o));
    assert_int_equal(o.trial, 12);
    assert_true(o.lease == ((uint64_t)3 << 32 | 7) && o.check == UINT64_MAX);
    assert_int_equal(o.state, ASY_TRIAL_FAILED);
    assert_memory_equal(o.reason.bytes, "diverged", 8);
    assert_memory_equal(o.metrics.bytes, "{\"score\":1}", 11);
    assert_int_equal(o.curve.len, 3);
    assert_true(o.epochs == 5 && o.seconds == 0.25 && o.parameters == 99);
    assert_false(asy_walk_outcome(&w, &o));
    asy_buf_fini(&b);
}

static void test_tasks_are_read(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_orders o;
    asy_pack_map(&b, 3);
    asy_pack_text(&b, "tasks");
    asy_pack_array(&b, 2);
    const asy_task in = {.trial = 1,
                         .session = 2,
                         .lease = 3,
                         .seed = 4,
                         .check = 5,
                         .fold = 6,
                         .spec = "{\"a\":1}",
                         .spec_len = 7};
    asy_task_write(&b, &in);
    asy_task_write(&b, &in);
    asy_pack_text(&b, "next_ms");
    asy_pack_uint(&b, 20);
    asy_pack_text(&b, "drain");
    asy_pack_bool(&b, true);
    assert_int_equal(asy_orders_read(b.data, b.len, &o), ASY_OK);
    assert_int_equal(o.next_ms, 20);
    assert_true(o.drain);
    asy_walk w = asy_walk_open(o.tasks);
    asy_task t;
    assert_true(asy_walk_task(&w, &t) && asy_walk_task(&w, &t));
    assert_false(asy_walk_task(&w, &t));
    assert_true(t.trial == 1 && t.session == 2 && t.lease == 3 && t.seed == 4);
    assert_true(t.check == 5 && t.fold == 6);
    assert_int_equal(t.spec_len, 7);
    assert_memory_equal(t.spec, "{\"a\":1}", 7);
    asy_buf_fini(&b);
}

static void put_runs(asy_buf *b, const uint64_t *x, uint32_t n)
{
    asy_pack_map(b, 1);
    asy_pack_text(b, "held");
    asy_pack_array(b, n);
    for (uint32_t i = 0; i < n; i++)
        asy_pack_uint(b, x[i]);
}

static void test_wrong_runs_are_refused(void **state)
{
    (void)state;
    const struct {
        uint64_t x[4];
        uint32_t n;
    } wrong[] = {
        {{5}, 1},          {{5, 0}, 2},          {{5, 3, 7, 1}, 4},
        {{9, 1, 5, 1}, 4}, {{UINT64_MAX, 2}, 2}, {{1, (uint64_t)UINT32_MAX + 1}, 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        asy_buf b = {0};
        asy_ask ask;
        put_runs(&b, wrong[i].x, wrong[i].n);
        assert_int_equal(asy_ask_read(b.data, b.len, &ask), ASY_EARG);
        asy_buf_fini(&b);
    }
}

/* Everything a reader accepts must be safe to walk. */
static void walk_all(const void *bytes, size_t len)
{
    asy_ask ask;
    asy_outcome o;
    uint64_t first, n;
    if (asy_ask_read(bytes, len, &ask))
        return;
    asy_walk w = asy_walk_open(ask.done);
    while (asy_walk_outcome(&w, &o))
        assert_in_range(o.state, ASY_TRIAL_DONE, ASY_TRIAL_STATES - 1);
    w = asy_walk_open(ask.held);
    while (asy_walk_run(&w, &first, &n))
        assert_true(n > 0 && first + n > first);
}

static void test_damaged_bodies(void **state)
{
    (void)state;
    asy_buf b = {0};
    put_work(&b);
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *cut =
            asy_memdup(b.data, len + !len); /* so that a read past it shows */
        asy_ask ask;
        assert_int_not_equal(asy_ask_read(cut, len, &ask), ASY_OK);
        asy_free(cut);
    }
    asy_rng rng = asy_rng_open(asy_rng_key(1, 2), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 20000; i++) {
        uint8_t *bad = asy_memdup(b.data, b.len);
        for (uint64_t k = asy_rng_below(&rng, 4) + 1; k; k--)
            bad[asy_rng_below(&rng, b.len)] = (uint8_t)asy_rng_u32(&rng);
        walk_all(bad, b.len);
        asy_free(bad);
    }
    asy_buf_fini(&b);
}

static void test_letters(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_letter l;
    asy_reject_write(&b, "a code longer than sixteen", "text");
    assert_int_equal(asy_letter_read(b.data, b.len, &l), ASY_OK);
    assert_string_equal(l.code, "a code longer t");
    assert_string_equal(l.text, "text");
    asy_buf_add(&b, "x", 1);
    assert_int_equal(asy_letter_read(b.data, b.len, &l), ASY_EARG);
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_read),
        cmocka_unit_test(test_tasks_are_read),
        cmocka_unit_test(test_wrong_runs_are_refused),
        cmocka_unit_test(test_damaged_bodies),
        cmocka_unit_test(test_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
