/* test_host.c - whole sessions: a host, real workers in processes, a fake rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "fake.h"

/* Runs one session to its end; its row. */
static fake_row run(const char *source, uint32_t workers, uint64_t seed)
{
    char *folder = fake_folder();
    asy_host *h;
    int64_t session;
    assert_int_equal(fake_host(folder, workers, &h), ASY_OK);
    assert_int_equal(fake_start(h, source, seed, &session), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    fake_row row = fake_session(asy_host_store(h), session);
    asy_host_close(h);
    fake_folder_free(folder);
    return row;
}

static void test_one_design(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 1}", 1, 1);
    assert_string_equal(row.error, "");
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 1);
}

static void test_same_digest_for_any_workers(void **state)
{
    (void)state;
    fake_row one = run("{\"n\": 40, \"repeats\": 2}", 1, 7);
    fake_row three = run("{\"n\": 40, \"repeats\": 2}", 3, 7);
    fake_row other = run("{\"n\": 40, \"repeats\": 2}", 1, 8);
    assert_int_equal(one.done, 80);
    assert_int_equal(strlen(one.digest), 64);
    assert_string_equal(one.digest, three.digest);
    assert_string_not_equal(one.digest, other.digest);
}

static void test_own_trials(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 3000, \"own\": true}", 2, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 3000);
}

int main(int argc, char **argv)
{
    int status = fake_worker_main(argc, argv);
    if (status >= 0)
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_design),
        cmocka_unit_test(test_same_digest_for_any_workers),
        cmocka_unit_test(test_own_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
