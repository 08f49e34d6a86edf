/* test_fetch.c - prepared data at a worker: the host's file, a fetched copy, damage. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "data/csv.h"
#include "data/prepare.h"
#include "fake.h"
#include "lab/fetch.h"

/* A host that has one file, and gives it in small pieces. */
typedef struct source {
    char *folder, *path;
    char hash[ASY_HASH_TEXT];
    asy_buf bytes;
    int calls;
    bool is_bad;
} source;

static int set_up(void **state)
{
    asy_table *table;
    asy_tensors *t;
    source *s = asy_alloc(1, sizeof *s);
    s->folder = fake_folder();
    s->path = asy_path_join(s->folder, "data");
    assert_int_equal(asy_csv_load(ASY_SOURCE_DIR "/tests/fixtures/iris.csv",
                                  &(asy_csv_options){.header = -1}, &table),
                     ASY_OK);
    json_t *steps = json_array();
    const asy_prepare_job job = {
        .table = table, .label = table->columns - 1, .steps = steps, .folds = 1};
    assert_int_equal(asy_prepare_run(&job, &t), ASY_OK);
    assert_int_equal(asy_tensors_save(t, s->path), ASY_OK);
    assert_int_equal(asy_file_read(s->path, 1 << 20, &s->bytes), ASY_OK);
    asy_hash_text(&t->hash, s->hash);
    asy_tensors_free(t);
    asy_table_free(table);
    json_decref(steps);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    source *s = *state;
    fake_folder_free(s->folder);
    asy_free(s->path);
    asy_buf_fini(&s->bytes);
    asy_free(s);
    return 0;
}

static asy_err get(void *ctx, const char *hash, uint64_t offset, asy_buf *out,
                   uint64_t *size)
{
    source *s = ctx;
    s->calls++;
    if (strcmp(hash, s->hash) != 0)
        return asy_fail(ASY_EIO, "no such data");
    if (*size == 0) {
        *size = s->bytes.len;
        return ASY_OK;
    }
    size_t left = s->bytes.len - offset, n = left < 1000 ? left : 1000;
    asy_buf_add(out, s->bytes.data + offset, n);
    if (s->is_bad && offset == 0)
        out->data[500] ^= 1;
    return ASY_OK;
}

static const asy_brief *tell(asy_fetch *f, const source *s, const char *path)
{
    json_t *v = json_pack("{s:i,s:i,s:[{s:s,s:s}],s:s}", "id", 4, "seed", 9, "folds",
                          "hash", s->hash, "path", path, "metric", "accuracy");
    assert_int_equal(asy_fetch_tell(f, v), ASY_OK);
    json_decref(v);
    return asy_fetch_brief(f, 4);
}

static void test_the_hosts_file(void **state)
{
    source *s = *state;
    const asy_tensors *data, *again;
    const char *path;
    asy_fetch *f = asy_fetch_new(NULL, get, s);
    const asy_brief *b = tell(f, s, s->path);
    assert_true(b->id == 4 && b->seed == 9 && b->folds == 1 && !b->is_own);
    assert_ptr_equal(asy_fetch_brief(f, 5), NULL);
    assert_int_equal(asy_fetch_data(f, b, 0, &data, &path), ASY_OK);
    assert_string_equal(path, s->path);
    assert_int_equal(data->classes, 3);
    assert_int_equal(asy_fetch_data(f, b, 0, &again, &path), ASY_OK);
    assert_ptr_equal(data, again);
    assert_int_equal(s->calls, 0);
    assert_int_equal(asy_fetch_data(f, b, 1, &data, &path),
                     ASY_EARG); /* no such fold */
    asy_fetch_free(f);
}

static void test_a_fetched_copy(void **state)
{
    source *s = *state;
    const asy_tensors *data;
    const char *path;
    char *cache = asy_path_join(s->folder, "cache");
    for (int round = 0; round < 2; round++) { /* the second finds it in the cache */
        s->calls = 0;
        asy_fetch *f = asy_fetch_new(cache, get, s);
        const asy_brief *b = tell(f, s, "/nowhere/data");
        assert_int_equal(asy_fetch_data(f, b, 0, &data, &path), ASY_OK);
        assert_int_equal(data->inputs, 4);
        assert_true(round == 0 ? s->calls > 2 : s->calls == 0);
        asy_fetch_free(f);
    }
    asy_free(cache);
}

/* A file of that name with other content is not taken for the data. */
static void test_a_wrong_file(void **state)
{
    source *s = *state;
    const asy_tensors *data;
    const char *path;
    asy_fetch *f = asy_fetch_new(NULL, get, s);
    const asy_brief *b = tell(f, s, ASY_SOURCE_DIR "/tests/fixtures/iris.csv");
    assert_int_equal(asy_fetch_data(f, b, 0, &data, &path), ASY_OK);
    assert_true(s->calls > 2);
    asy_fetch_free(f);
}

static void test_damage_on_the_way(void **state)
{
    source *s = *state;
    const asy_tensors *data;
    const char *path;
    s->is_bad = true;
    asy_fetch *f = asy_fetch_new(NULL, get, s);
    const asy_brief *b = tell(f, s, "/nowhere/data");
    assert_int_not_equal(asy_fetch_data(f, b, 0, &data, &path), ASY_OK);
    s->is_bad = false;
    assert_int_equal(asy_fetch_data(f, b, 0, &data, &path), ASY_OK);
    asy_fetch_free(f);
}

static void test_malformed_briefs(void **state)
{
    source *s = *state;
    asy_fetch *f = asy_fetch_new(NULL, get, s);
    json_t *v = json_pack("{s:s}", "id", "x");
    assert_int_equal(asy_fetch_tell(f, v), ASY_EARG);
    assert_int_equal(asy_fetch_tell(f, json_null()), ASY_EARG);
    json_decref(v);
    asy_fetch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_hosts_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_fetched_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_wrong_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_on_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_briefs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
