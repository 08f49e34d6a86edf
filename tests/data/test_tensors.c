/* test_tensors.c - .safetensors files are written, read back, and refused when hostile.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "base/rng.h"
#include "data/tensors.h"

static const float x[6] = {1, 2, 3, 4, 5, 6};
static const int32_t y[3] = {0, 1, 1};
static const int32_t row[3] = {7, 8, 9};

/* The bytes of a small prepared data set, at an address fit for floats. */
static unsigned char *prepared(size_t *len, const char *meta)
{
    const asy_tensor t[] = {
        {.name = "x_train", .dtype = "F32", .rank = 2, .shape = {3, 2}, .data = x},
        {.name = "y_train", .dtype = "I32", .rank = 1, .shape = {3}, .data = y},
        {.name = "row_train", .dtype = "I32", .rank = 1, .shape = {3}, .data = row}};
    asy_buf b = {0};
    json_t *metadata = json_pack("{s:s}", "assay", meta);
    assert_int_equal(asy_safetensors_write(&b, t, 3, metadata), ASY_OK);
    json_decref(metadata);
    *len = b.len;
    return (unsigned char *)asy_buf_take(&b);
}

static const char good_meta[] =
    "{\"task\":\"classify\",\"label\":\"k\",\"classes\":[\"a\",\"b\"],"
    "\"inputs\":[\"u\",\"v\"],\"fitted\":[]}";

static void path_of(char out[64])
{
    snprintf(out, 64, "/tmp/assay-test-%ld.safetensors", (long)getpid());
}

static asy_err open_bytes(const void *bytes, size_t len, asy_tensors **t)
{
    char path[64];
    path_of(path);
    assert_int_equal(asy_file_write(path, bytes, len), ASY_OK);
    asy_err e = asy_tensors_open(path, NULL, t);
    unlink(path);
    return e;
}

static void tensors_come_back(void **state)
{
    (void)state;
    size_t len;
    unsigned char *bytes = prepared(&len, good_meta);
    asy_tensors *t;
    assert_int_equal(open_bytes(bytes, len, &t), ASY_OK);
    assert_int_equal(t->inputs, 2);
    assert_int_equal(t->classes, 2);
    assert_int_equal(t->outputs, 1);
    const asy_tensors_part *p = &t->part[ASY_TRAIN];
    assert_int_equal(p->rows, 3);
    assert_memory_equal(p->x, x, sizeof x);
    assert_memory_equal(p->label, y, sizeof y);
    assert_memory_equal(p->row, row, sizeof row);
    assert_int_equal((uintptr_t)p->x % 64, 0);
    assert_int_equal(t->part[ASY_TEST].rows, 0);
    assert_string_equal(json_string_value(json_object_get(t->meta, "label")), "k");
    asy_tensors_free(t);
    asy_free(bytes);
}

static void the_hash_guards_the_file(void **state)
{
    (void)state;
    size_t len;
    char path[64];
    asy_tensors *t;
    unsigned char *bytes = prepared(&len, good_meta);
    asy_hash right = asy_hash_of(bytes, len), wrong = asy_hash_of("x", 1);
    path_of(path);
    assert_int_equal(asy_file_write(path, bytes, len), ASY_OK);
    assert_int_equal(asy_tensors_open(path, &wrong, &t), ASY_EARG);
    assert_null(t);
    assert_int_equal(asy_tensors_open(path, &right, &t), ASY_OK);
    assert_int_equal(asy_tensors_save(t, path), ASY_OK);
    asy_tensors_free(t);
    assert_int_equal(asy_tensors_open(path, &right, &t), ASY_OK);
    asy_tensors_free(t);
    unlink(path);
    assert_int_equal(asy_tensors_open(path, NULL, &t), ASY_EIO);
    asy_free(bytes);
}

/* A file of that header and `data` bytes after it. */
static asy_err read_text(const char *header, size_t data)
{
    asy_buf b = {0};
    uint64_t len = (strlen(header) + 7) / 8 * 8;
    static const char zeros[64];
    asy_buf_add(&b, &len, 8);
    asy_buf_printf(&b, "%-*s", (int)len, header);
    asy_buf_add(&b, zeros, data);
    asy_tensor *t;
    size_t n;
    json_t *h;
    asy_err e = asy_safetensors_read(b.data, b.len, &t, &n, &h);
    if (!e) {
        asy_free(t);
        json_decref(h);
    }
    asy_buf_fini(&b);
    return e;
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{\"a\":1}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":["
        "0,8]}}",
        "{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[4,12]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_text(bad[i], 8) != ASY_EARG)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(
        read_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                  8),
        ASY_OK);
    uint64_t huge[2] = {UINT64_MAX, 0};
    asy_tensor *t;
    size_t n;
    json_t *h;
    assert_int_equal(asy_safetensors_read(huge, sizeof huge, &t, &n, &h), ASY_EARG);
    assert_int_equal(asy_safetensors_read(huge, 3, &t, &n, &h), ASY_EARG);
}

static void wrong_descriptions_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x",
        "{}",
        "{\"task\":\"guess\",\"inputs\":[\"u\",\"v\"]}",
        "{\"task\":\"regress\",\"inputs\":[\"u\",\"v\"]}",
        "{\"task\":\"classify\",\"classes\":[\"a\"],\"inputs\":[\"u\",\"v\"]}",
        "{\"task\":\"classify\",\"classes\":[\"a\",\"b\"],\"inputs\":[\"u\"]}",
        "{\"task\":\"classify\",\"classes\":[\"a\",\"b\"],\"inputs\":7}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t len;
        asy_tensors *t;
        unsigned char *bytes = prepared(&len, bad[i]);
        if (open_bytes(bytes, len, &t) != ASY_EARG)
            fail_msg("accepted: %s", bad[i]);
        asy_free(bytes);
    }
}

/* Random damage never crashes; what is still accepted holds only labels that are
 * classes. */
static void random_damage_is_survived(void **state)
{
    (void)state;
    size_t len;
    unsigned char *bytes = prepared(&len, good_meta);
    unsigned char *copy = malloc(len);
    asy_rng rng = asy_rng_open(asy_rng_key(2, 0), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 500; i++) {
        asy_tensors *t;
        memcpy(copy, bytes, len);
        for (int k = 0; k <= i % 3; k++)
            copy[asy_rng_below(&rng, len)] = (unsigned char)asy_rng_u32(&rng);
        size_t n = i % 5 ? len : (size_t)asy_rng_below(&rng, len + 1);
        if (open_bytes(copy, n, &t) != ASY_OK)
            continue;
        for (uint32_t r = 0; r < t->part[ASY_TRAIN].rows && t->classes; r++)
            assert_in_range(t->part[ASY_TRAIN].label[r], 0, t->classes - 1);
        asy_tensors_free(t);
    }
    free(copy);
    asy_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_come_back),
        cmocka_unit_test(the_hash_guards_the_file),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(wrong_descriptions_are_refused),
        cmocka_unit_test(random_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
