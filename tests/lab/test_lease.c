/* test_lease.c - leases without a network: given, listed, lost, taken back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "base/mem.h"
#include "fake.h"
#include "lab/core.h"
#include "lab/lease.h"

/* A host with ten trials and one worker, on a real store. */
typedef struct scene {
    char *folder;
    asy_host host;
    asy_session session;
    asy_peer peer;
    asy_buf body;
} scene;

static int set_up(void **state)
{
    scene *x = asy_alloc(1, sizeof *x);
    x->folder = fake_folder();
    assert_int_equal(asy_store_open(x->folder, &x->host.store), ASY_OK);
    x->host.queue = asy_queue_new();
    x->session.host = &x->host;
    x->session.setup.repeats = x->session.setup.folds = 1;
    x->session.board = asy_board_new();
    asy_board_add(x->session.board, 1, 10);
    for (uint32_t i = 1; i <= 10; i++) {
        asy_trial *t = asy_board_at(x->session.board, i);
        t->session = &x->session;
        t->proposal = i;
        asy_board_ready(x->session.board, t);
    }
    x->peer.host = &x->host;
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    scene *x = *state;
    asy_commit_send(&x->host);
    asy_store_close(x->host.store);
    asy_note *n;
    while ((n = asy_queue_pop(x->host.queue, 0)))
        asy_commit_free(n->commit);
    asy_queue_free(x->host.queue);
    asy_board_free(x->session.board);
    asy_buf_fini(&x->body);
    fake_folder_free(x->folder);
    asy_free(x);
    return 0;
}

/* Gives the next n trials with the WORK of that seq. */
static void grant(scene *x, uint32_t n, uint64_t seq)
{
    for (uint32_t i = 0; i < n; i++) {
        asy_trial *t = asy_board_peek(x->session.board);
        asy_board_take(x->session.board, t);
        asy_lease_grant(&x->peer, t, seq);
        t->batch = (uint16_t)n;
    }
}

static asy_trial *trial(scene *x, uint32_t number)
{
    return asy_board_at(x->session.board, number);
}

/* What the worker says: leases of the trials from..to, one running (0 = none). Returns
 * how many of them the host does not know. */
static uint64_t say(scene *x, uint64_t seen, uint64_t first, uint64_t n,
                    uint64_t running)
{
    asy_ask ask;
    asy_runs unknown = {0};
    asy_buf_clear(&x->body);
    asy_pack_map(&x->body, 3);
    asy_pack_text(&x->body, "seen");
    asy_pack_uint(&x->body, seen);
    asy_pack_text(&x->body, "held");
    asy_pack_array(&x->body, n ? 2 : 0);
    if (n) {
        asy_pack_uint(&x->body, first);
        asy_pack_uint(&x->body, n);
    }
    asy_pack_text(&x->body, "running");
    asy_pack_array(&x->body, running != 0);
    if (running)
        asy_pack_uint(&x->body, running);
    assert_int_equal(asy_ask_read(x->body.data, x->body.len, &ask), ASY_OK);
    asy_lease_reconcile(&x->peer, &ask, &unknown);
    asy_buf list = {0};
    asy_runs_write(&unknown, &list);
    asy_walk w = asy_walk_open((asy_slice){list.data, list.len});
    uint64_t sum = 0, at, count;
    while (asy_walk_run(&w, &at, &count))
        sum += count;
    asy_buf_fini(&list);
    asy_runs_fini(&unknown);
    return sum;
}

static void test_leases_ascend(void **state)
{
    scene *x = *state;
    grant(x, 4, 1);
    assert_int_equal(x->peer.held, 4);
    for (uint32_t i = 1; i < 4; i++)
        assert_true(trial(x, i)->lease + 1 == trial(x, i + 1)->lease);
    assert_true(trial(x, 1)->lease >> 32 == asy_store_epoch(x->host.store));
    assert_ptr_equal(asy_lease_find(&x->peer, trial(x, 3)->lease), trial(x, 3));
    assert_ptr_equal(asy_lease_find(&x->peer, 1), NULL);
    asy_lease_end(trial(x, 2));
    assert_int_equal(x->peer.held, 3);
    assert_ptr_equal(asy_lease_find(&x->peer, trial(x, 2)->lease), NULL);
}

/* What is not listed comes back, but only if the reply that carried it was taken in. */
static void test_lost_reply(void **state)
{
    scene *x = *state;
    grant(x, 3, 1);
    grant(x, 3, 2);
    uint64_t first = trial(x, 1)->lease;
    assert_int_equal(say(x, 1, first, 3, first), 0);
    assert_int_equal(x->peer.held, 6);
    assert_int_equal(trial(x, 1)->state, ASY_TRIAL_RUNNING);
    assert_int_equal(say(x, 3, first, 3, first), 0);
    assert_int_equal(x->peer.held, 3);
    assert_int_equal(trial(x, 4)->state, ASY_TRIAL_QUEUED);
    assert_int_equal(trial(x, 4)->crashes, 0);
    assert_int_equal(asy_board_peek(x->session.board)->number, 4);
}

static void test_unknown_leases(void **state)
{
    scene *x = *state;
    grant(x, 3, 1);
    uint64_t first = trial(x, 1)->lease;
    assert_int_equal(say(x, 1, first - 5, 10, 0), 7);
    asy_lease_end(trial(x, 2));
    assert_int_equal(say(x, 1, first, 3, 0), 1);
    assert_int_equal(say(x, 1, first + 100, 4, first + 100), 4);
    assert_int_equal(x->peer.held, 0);
}

/* Each death makes the company smaller; only the one that ran alone is to blame. */
static void test_poison(void **state)
{
    scene *x = *state;
    grant(x, 10, 1);
    asy_lease_back_all(&x->peer, true);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(trial(x, i)->together, 1);
        assert_int_equal(trial(x, i)->crashes, 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(trial(x, 1)->state, ASY_TRIAL_QUEUED);
        grant(x, 1, 2);
        asy_lease_back_all(&x->peer, true);
    }
    assert_int_equal(trial(x, 1)->state, ASY_TRIAL_FAILED);
    assert_true(strstr(trial(x, 1)->reason, "poison") != NULL);
    assert_int_equal(asy_board_peek(x->session.board)->number, 2);
}

static void test_hand_back_is_no_crash(void **state)
{
    scene *x = *state;
    for (int i = 0; i < 5; i++) {
        grant(x, 1, 1);
        asy_lease_back_all(&x->peer, false);
    }
    assert_int_equal(trial(x, 1)->crashes, 0);
    assert_int_equal(trial(x, 1)->attempt, 5);
    assert_int_equal(trial(x, 1)->state, ASY_TRIAL_QUEUED);
}

/* A trial that was ordered to end is not done again when its worker goes. */
static void test_orders_outlive_the_worker(void **state)
{
    scene *x = *state;
    grant(x, 2, 1);
    trial(x, 1)->order = ASY_ORDER_CANCEL;
    trial(x, 2)->order = ASY_ORDER_PRUNE;
    x->peer.orders = 2;
    asy_lease_back_all(&x->peer, true);
    assert_int_equal(trial(x, 1)->state, ASY_TRIAL_CANCELLED);
    assert_int_equal(trial(x, 2)->state, ASY_TRIAL_PRUNED);
    assert_int_equal(x->peer.orders, 0);
    assert_int_equal(trial(x, 1)->told, 1);
    assert_int_equal(trial(x, 2)->told, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leases_ascend, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_leases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_poison, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hand_back_is_no_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orders_outlive_the_worker, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
