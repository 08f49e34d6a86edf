/* test_pack.c - MessagePack: against msgpack-c, and against hostile bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <msgpack.h>
#include <string.h>
#include "base/mem.h"
#include "base/pack.h"
#include "base/rng.h"

static void test_round_trip(void **state)
{
    (void)state;
    const char *texts[] = {"null",
                           "true",
                           "false",
                           "0",
                           "-1",
                           "-32",
                           "-33",
                           "127",
                           "128",
                           "255",
                           "256",
                           "65535",
                           "65536",
                           "4294967295",
                           "4294967296",
                           "-128",
                           "-129",
                           "-32768",
                           "-32769",
                           "-2147483648",
                           "-2147483649",
                           "9223372036854775807",
                           "-9223372036854775808",
                           "0.1",
                           "-1e300",
                           "\"\"",
                           "\"h\xC3\xA9\"",
                           "[]",
                           "{}",
                           "[1,[2,[3,{}]],\"x\"]",
                           "{\"a\":{\"b\":[null,true]},\"c\":-0.5}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *v, *back;
        asy_buf b = {0};
        assert_int_equal(asy_json_parse(texts[i], strlen(texts[i]), &v), ASY_OK);
        asy_pack_value(&b, v);
        assert_int_equal(asy_unpack_value(b.data, b.len, &back), ASY_OK);
        assert_true(json_equal(v, back));
        for (size_t cut = 0; cut < b.len; cut++) {
            json_t *none;
            assert_int_equal(asy_unpack_value(b.data, cut, &none), ASY_EARG);
            assert_null(none);
        }
        json_decref(back);
        asy_buf_putc(&b, '\0');
        assert_int_equal(asy_unpack_value(b.data, b.len, &back), ASY_EARG);
        json_decref(v);
        asy_buf_fini(&b);
    }
}

static void pack_one_of_each(asy_buf *b)
{
    asy_pack_map(b, 2);
    asy_pack_text(b, "list");
    asy_pack_array(b, 7);
    asy_pack_int(b, -5);
    asy_pack_uint(b, UINT64_MAX);
    asy_pack_real(b, 2.5);
    asy_pack_bool(b, true);
    asy_pack_nil(b);
    asy_pack_bin(b, "\xFF\0", 2);
    asy_pack_int(b, 7);
    asy_pack_text(b, "rest");
    asy_pack_map(b, 0);
}

static void test_cursor(void **state)
{
    (void)state;
    asy_buf b = {0};
    pack_one_of_each(&b);
    asy_unpack u = asy_unpack_open(b.data, b.len);
    uint32_t n;
    const char *text;
    const void *bytes;
    size_t len;
    int64_t i;
    uint64_t un;
    double x;
    bool flag;
    assert_int_equal(asy_unpack_peek(&u), ASY_UNPACK_MAP);
    assert_true(!asy_unpack_map(&u, &n) && n == 2);
    assert_true(!asy_unpack_text(&u, &text, &len) && len == 4 &&
                !memcmp(text, "list", 4));
    assert_true(!asy_unpack_array(&u, &n) && n == 7);
    assert_true(!asy_unpack_int(&u, &i) && i == -5);
    assert_true(!asy_unpack_uint(&u, &un) && un == UINT64_MAX);
    assert_true(!asy_unpack_real(&u, &x) && x == 2.5);
    assert_true(!asy_unpack_bool(&u, &flag) && flag);
    assert_true(!asy_unpack_real(&u, &x) && isnan(x));
    assert_true(!asy_unpack_bin(&u, &bytes, &len) && len == 2 &&
                !memcmp(bytes, "\xFF\0", 2));
    assert_true(!asy_unpack_real(&u, &x) && x == 7);
    assert_true(!asy_unpack_skip(&u));
    assert_true(!asy_unpack_raw(&u, &bytes, &len) && len == 1);
    assert_int_equal(u.err, ASY_OK);
    assert_ptr_equal(u.p, u.end);
    assert_int_equal(asy_unpack_skip(&u), ASY_EARG);
    asy_buf_fini(&b);
}

/* Our bytes are read by msgpack-c as what they are meant to be. */
static void test_encoder_against_msgpack(void **state)
{
    (void)state;
    asy_buf b = {0};
    pack_one_of_each(&b);
    msgpack_unpacked result;
    msgpack_unpacked_init(&result);
    assert_int_equal(msgpack_unpack_next(&result, b.data, b.len, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(result.data.type, MSGPACK_OBJECT_MAP);
    msgpack_object_array list = result.data.via.map.ptr[0].val.via.array;
    assert_int_equal(list.size, 7);
    assert_true(list.ptr[0].via.i64 == -5);
    assert_true(list.ptr[1].via.u64 == UINT64_MAX);
    assert_true(list.ptr[2].via.f64 == 2.5);
    assert_int_equal(list.ptr[5].type, MSGPACK_OBJECT_BIN);
    msgpack_unpacked_destroy(&result);
    asy_buf_fini(&b);
}

/* Every form msgpack-c can write, the long ones included, is read by the cursor. */
static void test_cursor_against_msgpack(void **state)
{
    (void)state;
    msgpack_sbuffer out;
    msgpack_packer p;
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&p, &out, msgpack_sbuffer_write);
    size_t lengths[] = {0, 31, 32, 255, 256, 65535, 65536};
    char *zeros = asy_alloc(70000, 1);
    for (size_t i = 0; i < 7; i++) {
        msgpack_pack_str_with_body(&p, zeros, lengths[i]);
        msgpack_pack_bin_with_body(&p, zeros, lengths[i]);
        msgpack_pack_ext_with_body(&p, zeros, lengths[i] ? lengths[i] : 1, 5);
        msgpack_pack_array(&p, lengths[i]);
        for (size_t k = 0; k < lengths[i]; k++)
            msgpack_pack_float(&p, 0.5f);
    }
    msgpack_pack_fix_int64(&p, -9);
    msgpack_pack_fix_uint8(&p, 200);
    asy_unpack u = asy_unpack_open(out.data, out.size);
    for (size_t i = 0; i < 7; i++) {
        const char *text;
        const void *bytes;
        size_t len;
        uint32_t n;
        double x = 0;
        assert_true(!asy_unpack_text(&u, &text, &len) && len == lengths[i]);
        assert_true(!asy_unpack_bin(&u, &bytes, &len) && len == lengths[i]);
        assert_true(!asy_unpack_skip(&u));
        assert_true(!asy_unpack_array(&u, &n) && n == lengths[i]);
        for (size_t k = 0; k < n; k++)
            assert_true(!asy_unpack_real(&u, &x) && x == 0.5);
    }
    int64_t x;
    assert_true(!asy_unpack_int(&u, &x) && x == -9);
    assert_true(!asy_unpack_int(&u, &x) && x == 200);
    assert_ptr_equal(u.p, u.end);
    asy_free(zeros);
    msgpack_sbuffer_destroy(&out);
}

static void expect_refused(const char *bytes, size_t len, const char *why)
{
    json_t *v;
    assert_int_equal(asy_unpack_value(bytes, len, &v), ASY_EARG);
    if (!strstr(asy_errmsg(), why))
        fail_msg("\"%s\" expected in \"%s\"", why, asy_errmsg());
}

static void test_hostile(void **state)
{
    (void)state;
    expect_refused("\xDD\xFF\xFF\xFF\xFF", 5, "ends inside"); /* 4 G items */
    expect_refused("\xDF\xFF\xFF\xFF\xFF", 5, "ends inside"); /* 4 G pairs */
    expect_refused("\xDB\xFF\xFF\xFF\xFF", 5, "ends inside"); /* 4 GiB of text */
    expect_refused("\xC6\x00\x00\x00\x02x", 6, "ends inside");
    expect_refused("\xC9\xFF\xFF\xFF\xFF\x01", 6, "ends inside");
    expect_refused("\xC1", 1, "does not use");
    expect_refused("\xA2\xFF\xFE", 3, "UTF-8");
    expect_refused("\x81\x01\x02", 3, "text expected, got whole number");
    expect_refused("\x82\xA1x\x01\xA1x\x02", 7, "twice");
    expect_refused("\xC7\x01\x05x", 4, "no place");
    expect_refused("\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9, "2^63");
    expect_refused("", 0, "ends where");
    char deep[40];
    memset(deep, '\x91', sizeof deep);
    deep[39] = '\xC0';
    expect_refused(deep, sizeof deep, "deeper than 32");
}

static void test_failure_sticks(void **state)
{
    (void)state;
    asy_unpack u = asy_unpack_open("\x01\x02", 2);
    const char *text;
    size_t len;
    int64_t x;
    assert_int_equal(asy_unpack_text(&u, &text, &len), ASY_EARG);
    assert_string_equal(text, "");
    assert_int_equal(asy_unpack_int(&u, &x), ASY_EARG);
    assert_int_equal(asy_unpack_peek(&u), ASY_UNPACK_OTHER);
}

/* Random bytes, and good messages with random bytes changed, never crash the reader. */
static void test_fuzz(void **state)
{
    (void)state;
    asy_rng r = asy_rng_open(asy_rng_key(1, 2), ASY_STREAM_RULE, 0);
    asy_buf b = {0};
    for (int i = 0; i < 30000; i++) {
        asy_buf_clear(&b);
        if (i & 1)
            pack_one_of_each(&b);
        else
            for (uint64_t n = asy_rng_below(&r, 40); n > 0; n--)
                asy_buf_putc(&b, (char)asy_rng_u32(&r));
        for (int k = 0; k < 2 && b.len; k++)
            b.data[asy_rng_below(&r, b.len)] = (char)asy_rng_u32(&r);
        json_t *v;
        char *copy = asy_memdup(asy_buf_text(&b), b.len);
        if (asy_unpack_value(copy, b.len, &v) == ASY_OK)
            json_decref(v);
        asy_free(copy);
    }
    asy_buf_fini(&b);
}

int main(void)
{
    asy_json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_encoder_against_msgpack),
        cmocka_unit_test(test_cursor_against_msgpack),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
