/* test_table.c - columns are found and described; files come back as they were. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "csv_text.h"

static const char small[] = "age,kind,id\n31,a,1\n,b,2\n7.5,a,3\n";

static void temporary_path(char out[64], const char *name)
{
    snprintf(out, 64, "/tmp/assay-test-%ld-%s", (long)getpid(), name);
}

static void finds_columns(void **state)
{
    (void)state;
    asy_table *t = csv_table(small);
    uint32_t c = 99;
    assert_int_equal(asy_table_find(t, "kind", &c), ASY_OK);
    assert_int_equal(c, 1);
    assert_int_equal(asy_table_find(t, "1", &c), ASY_OK);
    assert_int_equal(c, 0);
    assert_int_equal(asy_table_find(t, "-1", &c), ASY_OK);
    assert_int_equal(c, 2);
    assert_int_equal(asy_table_find(t, "4", &c), ASY_EARG);
    assert_int_equal(asy_table_find(t, "kond", &c), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "did you mean \"kind\""));
    assert_non_null(strstr(asy_errmsg(), "age, kind, id"));
    asy_table_free(t);
}

static void describes_columns(void **state)
{
    (void)state;
    asy_table *t = csv_table(small);
    json_t *d = asy_table_describe(t);
    json_t *age = json_array_get(json_object_get(d, "columns"), 0);
    json_t *kind = json_array_get(json_object_get(d, "columns"), 1);
    json_t *id = json_array_get(json_object_get(d, "columns"), 2);
    assert_int_equal(json_integer_value(json_object_get(d, "rows")), 3);
    assert_int_equal(json_integer_value(json_object_get(age, "missing")), 1);
    assert_true(json_number_value(json_object_get(age, "mean")) == 19.25);
    assert_true(fabs(json_number_value(json_object_get(age, "std")) - 16.617009) <
                1e-5);
    assert_int_equal(json_integer_value(json_object_get(kind, "categories")), 2);
    json_t *top = json_array_get(json_object_get(kind, "top"), 0);
    assert_string_equal(json_string_value(json_object_get(top, "name")), "a");
    assert_int_equal(json_integer_value(json_object_get(top, "count")), 2);
    assert_string_equal(json_string_value(json_object_get(id, "reason")),
                        asy_ignored_index);
    json_decref(d);
    asy_table_free(t);
}

static void hash_is_of_the_content(void **state)
{
    (void)state;
    asy_table *a = csv_table("a;b\n1;x\n2.50;y\n"),
              *b = csv_table("a,b\n1.0,\"x\"\n2.5,y\n");
    asy_table *c = csv_table("a,b\n1,x\n2.5,z\n"), *d = csv_table("a,c\n1,x\n2.5,y\n");
    assert_true(asy_hash_equal(&a->hash, &b->hash));
    assert_false(asy_hash_equal(&a->hash, &c->hash));
    assert_false(asy_hash_equal(&a->hash, &d->hash));
    asy_table_free(a);
    asy_table_free(b);
    asy_table_free(c);
    asy_table_free(d);
}

static void assert_same(const asy_table *a, const asy_table *b)
{
    assert_true(asy_hash_equal(&a->hash, &b->hash));
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    for (uint32_t i = 0; i < a->columns; i++) {
        const asy_column *x = &a->column[i], *y = &b->column[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        assert_ptr_equal(x->reason, y->reason);
        assert_int_equal(x->missing, y->missing);
        assert_int_equal(x->categories, y->categories);
        for (uint64_t r = 0; x->number && r < a->rows; r++)
            assert_true(x->number[r] == y->number[r] ||
                        (isnan(x->number[r]) && isnan(y->number[r])));
        for (uint64_t r = 0; x->code && r < a->rows; r++)
            assert_string_equal(x->code[r] < 0 ? "" : x->names[x->code[r]],
                                y->code[r] < 0 ? "" : y->names[y->code[r]]);
    }
}

/* Cells of every width, missing ones among them, over several blocks. */
static asy_table *varied_table(int rows)
{
    asy_buf b = {0};
    asy_buf_puts(&b, "one,two,four,real,mixed,few,many,id,none\n");
    for (int i = 0; i < rows; i++) {
        asy_buf_printf(&b, "%d,%d,%d,%g,", i % 127, i % 9 ? i % 30000 : -32767,
                       i % 7 ? i * 1001 : -2147483647, i / 7.0);
        asy_buf_printf(&b, i % 3 ? "%d," : "%d.5,", i);
        asy_buf_printf(&b, "f%d,m%d,%d,\n", i % 5, i % 300, i + 1);
        if (i % 11 == 0)
            asy_buf_puts(&b, "NA,?,,nan,,,,0,null\n");
    }
    asy_table *t = csv_table(asy_buf_text(&b));
    asy_buf_fini(&b);
    return t;
}

static void files_come_back(void **state)
{
    (void)state;
    char path[64];
    temporary_path(path, "table");
    static const int sizes[] = {1, 2, 60, 8192, 9001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        asy_table *t = varied_table(sizes[i]), *u;
        assert_int_equal(asy_table_save(t, path), ASY_OK);
        assert_int_equal(asy_table_load(path, &u), ASY_OK);
        assert_same(t, u);
        asy_table_seal(u);
        assert_true(asy_hash_equal(&t->hash, &u->hash));
        asy_table_free(t);
        asy_table_free(u);
    }
    unlink(path);
    asy_table *t = csv_table(small);
    assert_int_equal(asy_table_save(t, "/no/such/folder/table"), ASY_EIO);
    asy_table_free(t);
    assert_int_equal(asy_table_load("/no/such/table", &t), ASY_EIO);
    assert_null(t);
}

/* Writes bytes with a right checksum, so that the reader has to look at them. */
static void write_sealed(const char *path, const unsigned char *bytes, size_t len)
{
    asy_buf b = {0};
    asy_hash h = asy_hash_of(bytes, len);
    asy_buf_add(&b, bytes, len);
    asy_buf_add(&b, h.b, sizeof h.b);
    assert_int_equal(asy_file_write(path, b.data, b.len), ASY_OK);
    asy_buf_fini(&b);
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    char path[64];
    asy_buf file = {0};
    temporary_path(path, "damaged");
    asy_table *t = varied_table(60);
    assert_int_equal(asy_table_save(t, path), ASY_OK);
    asy_table_free(t);
    assert_int_equal(asy_file_read(path, 1 << 20, &file), ASY_OK);
    size_t len = file.len - 32;
    asy_rng rng = asy_rng_open(asy_rng_key(1, 0), ASY_STREAM_RULE, 0);
    unsigned char *bytes = malloc(len);
    for (int i = 0; i < 250; i++) {
        memcpy(bytes, file.data, len);
        size_t n = i % 3 ? len : (size_t)asy_rng_below(&rng, len);
        for (int k = 0; k <= i % 4; k++)
            bytes[asy_rng_below(&rng, i % 2 ? 200 : len)] =
                (unsigned char)asy_rng_u32(&rng);
        write_sealed(path, bytes, n);
        if (asy_table_load(path, &t) == ASY_OK)
            asy_table_free(t);
    }
    bytes[20] ^= 1;
    assert_int_equal(asy_file_write(path, bytes, len), ASY_OK);
    assert_int_equal(asy_table_load(path, &t), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "checksum"));
    assert_int_equal(asy_file_write(path, "x", 1), ASY_OK);
    assert_int_equal(asy_table_load(path, &t), ASY_EARG);
    unlink(path);
    free(bytes);
    asy_buf_fini(&file);
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    char path[64];
    temporary_path(path, "memory");
    asy_table *t = varied_table(60), *u;
    assert_int_equal(asy_table_save(t, path), ASY_OK);
    asy_table_free(t);
    asy_err e = ASY_ENOMEM;
    for (int n = 0; e && n < 100; n++) {
        asy_alloc_fail_after(n);
        e = asy_table_load(path, &u);
        asy_alloc_fail_after(-1);
        assert_true(e == ASY_OK || e == ASY_ENOMEM);
        asy_table_free(u);
    }
    assert_int_equal(e, ASY_OK);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_columns),
        cmocka_unit_test(describes_columns),
        cmocka_unit_test(hash_is_of_the_content),
        cmocka_unit_test(files_come_back),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
