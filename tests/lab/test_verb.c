/* test_verb.c - the table of verbs on a store with one session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "base/mem.h"
#include "fake.h"
#include "lab/verb.h"

static char *folder;
static asy_host *host;

static int set_up(void **state)
{
    int64_t session;
    (void)state;
    folder = fake_folder();
    assert_int_equal(fake_host(folder, 1, &host), ASY_OK);
    assert_int_equal(fake_start(host, "{\"n\": 5}", 1, &session), ASY_OK);
    return asy_host_run(host, NULL) != ASY_OK;
}

static int tear_down(void **state)
{
    (void)state;
    asy_host_close(host);
    fake_folder_free(folder);
    return 0;
}

/* What a verb gives for arguments in JSON; owned by the caller. */
static json_t *ask(const char *verb, const char *args)
{
    json_t *v, *out;
    assert_int_equal(asy_json_parse(args, strlen(args), &v), ASY_OK);
    assert_int_equal(asy_verb_do(asy_host_store(host), NULL, verb, v, &out), ASY_OK);
    json_decref(v);
    assert_non_null(out);
    return out;
}

static const char *refused(const char *verb, const char *args)
{
    json_t *v, *out;
    assert_int_equal(asy_json_parse(args, strlen(args), &v), ASY_OK);
    assert_int_equal(asy_verb_do(asy_host_store(host), NULL, verb, v, &out), ASY_EARG);
    assert_null(out);
    json_decref(v);
    return asy_errmsg();
}

static void test_reading(void **state)
{
    (void)state;
    const struct {
        const char *verb, *args;
        size_t n;
    } lists[] = {{"datasets", "{}", 1},
                 {"sessions", "{}", 1},
                 {"trials", "{\"session\":\"last\"}", 5},
                 {"trials", "{\"session\":\"1\",\"state\":\"failed\"}", 0},
                 {"trials", "{\"session\":\"last\",\"skip\":1,\"limit\":3}", 3},
                 {"best", "{\"session\":\"iris-1\",\"n\":2}", 2}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *v = ask(lists[i].verb, lists[i].args);
        assert_int_equal(json_array_size(v), lists[i].n);
        json_decref(v);
    }
    json_t *v = ask("session", "{\"session\":\"last\"}");
    assert_string_equal(json_string_value(json_object_get(v, "state")), "done");
    assert_true(json_is_object(json_object_get(v, "settings")));
    json_decref(v);
    v = ask("findings", "{\"session\":\"last\"}");
    assert_true(json_is_object(v));
    json_decref(v);
}

static void test_order(void **state)
{
    (void)state;
    json_t *v = ask("trials", "{\"session\":\"last\",\"order\":\"highest\"}");
    double before = 2;
    size_t i;
    json_t *t;
    json_array_foreach (v, i, t) {
        double score = json_number_value(json_object_get(t, "score"));
        assert_true(score <= before);
        before = score;
    }
    int64_t id = json_integer_value(json_object_get(json_array_get(v, 0), "id"));
    json_decref(v);
    char args[40];
    snprintf(args, sizeof args, "{\"trial\":%lld}", (long long)id);
    v = ask("curve", args);
    assert_int_equal(json_array_size(json_object_get(v, "train_loss")), 2);
    json_decref(v);
    v = ask("trial", args);
    assert_true(json_is_object(json_object_get(v, "design")));
    json_decref(v);
}

static void test_wrong_use(void **state)
{
    (void)state;
    assert_non_null(strstr(refused("sesions", "{}"), "sessions"));
    assert_non_null(strstr(refused("session", "{}"), "'session' is missing"));
    assert_non_null(strstr(refused("trials", "{\"session\":1}"), "text expected"));
    assert_non_null(
        strstr(refused("trials", "{\"session\":\"last\",\"limt\":1}"), "limit"));
    assert_non_null(
        strstr(refused("trials", "{\"session\":\"last\",\"limit\":-1}"), ">= 0"));
    refused("trials", "{\"session\":\"last\",\"state\":\"gone\"}");
    refused("trials", "{\"session\":\"last\",\"order\":\"up\"}");
    refused("trial", "{\"trial\":999}");
    refused("session", "[]");
    assert_non_null(strstr(refused("stop", "{\"session\":\"last\"}"), "host"));
}

static void test_changing(void **state)
{
    (void)state;
    int64_t session;
    asy_store *s = asy_host_store(host);
    json_t *out, *args = json_pack("{s:s}", "session", "last");
    assert_int_equal(asy_verb_do(s, host, "stop", args, &out), ASY_EARG); /* is over */
    assert_int_equal(fake_start(host, "{\"n\": 5000, \"own\": true}", 2, &session),
                     ASY_OK);
    assert_int_equal(asy_verb_do(s, host, "stop", args, &out), ASY_OK);
    json_decref(out);
    assert_int_equal(fake_session(s, session).state, ASY_SESSION_STOPPED);
    json_decref(args);
}

int main(int argc, char **argv)
{
    int status = fake_worker_main(argc, argv);
    if (status >= 0)
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_wrong_use),
        cmocka_unit_test(test_changing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
