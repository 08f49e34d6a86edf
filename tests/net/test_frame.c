/* test_frame.c - what is written is read back; what is damaged is refused, never
 * believed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "base/rng.h"
#include "net/frame.h"
#include "net/url.h"

static asy_buf a_frame(const char *body)
{
    asy_frame f = {.type = ASY_WORK,
                   .flags = 3,
                   .epoch = 0x1122334455667788,
                   .worker = "0123456789abcde",
                   .incarnation = UINT64_MAX,
                   .seq = 42,
                   .last_work = UINT32_MAX - 1,
                   .body = body,
                   .body_len = strlen(body)};
    asy_buf out = {0};
    asy_frame_write(&out, &f);
    return out;
}

static void fields_come_back(void **state)
{
    (void)state;
    asy_buf b = a_frame("body");
    assert_int_equal(b.len, ASY_FRAME_HEADER + 4);
    asy_frame f;
    assert_int_equal(asy_frame_parse(b.data, b.len, &f), ASY_OK);
    assert_int_equal(f.major, ASY_FRAME_MAJOR);
    assert_int_equal(f.minor, ASY_FRAME_MINOR);
    assert_int_equal(f.type, ASY_WORK);
    assert_int_equal(f.flags, 3);
    assert_true(f.epoch == 0x1122334455667788);
    assert_string_equal((const char *)f.worker, "0123456789abcde");
    assert_true(f.incarnation == UINT64_MAX);
    assert_int_equal(f.seq, 42);
    assert_int_equal(f.last_work, UINT32_MAX - 1);
    assert_int_equal(f.body_len, 4);
    assert_memory_equal(f.body, "body", 4);
    asy_buf_fini(&b);
}

/* The layout is a promise to other versions. */
static void layout_is_as_promised(void **state)
{
    (void)state;
    asy_buf b = a_frame("");
    const uint8_t *p = (const uint8_t *)b.data;
    static const uint8_t start[16] = {0x58, 0x4c, 1,    0,    2,    3,    56,   0,
                                      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    assert_memory_equal(p, start, sizeof start);
    assert_memory_equal(p + 16, "0123456789abcde", 16);
    assert_int_equal(p[40], 42);
    assert_int_equal(p[48], 0xfe);
    assert_memory_equal(p + 52, "\0\0\0\0", 4); /* CRC of nothing */
    asy_buf_fini(&b);
}

static void assert_refused(const void *bytes, size_t len, const char *why)
{
    asy_frame f;
    assert_int_equal(asy_frame_parse(bytes, len, &f), ASY_EARG);
    if (!strstr(asy_errmsg(), why))
        fail_msg("\"%s\" expected in: %s", why, asy_errmsg());
    assert_null(f.body);
    assert_int_equal(f.body_len, 0);
}

static void damage_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        const char *why;
    } cases[] = {
        {0, 0, "magic"},      {1, 0, "magic"},     {2, 9, "protocol 1"},
        {2, 0, "protocol 1"}, {4, 0, "type"},      {4, 8, "type"},
        {4, 255, "type"},     {6, 55, "header"},   {7, 255, "header"},
        {6, 61, "header"},    {52, 1, "checksum"}, {ASY_FRAME_HEADER, 'x', "checksum"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asy_buf b = a_frame("body");
        b.data[cases[i].at] = (char)cases[i].value;
        assert_refused(b.data, b.len, cases[i].why);
        asy_buf_fini(&b);
    }
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    asy_buf b = a_frame("body");
    for (size_t len = 0; len < b.len; len++)
        assert_refused(b.data, len, len < ASY_FRAME_HEADER ? "bytes expected" : "");
    asy_buf_fini(&b);
    asy_buf large = {0};
    memset(asy_buf_reserve(&large, ASY_FRAME_LIMIT + 1), 0, ASY_FRAME_LIMIT + 1);
    assert_refused(large.data, ASY_FRAME_LIMIT + 1, "bytes expected");
    asy_buf_fini(&large);
    assert_refused("", 0, "bytes expected");
}

/* A header of a later minor version: longer, with fields that are not known here. */
static void longer_header_is_skipped(void **state)
{
    (void)state;
    asy_buf b = a_frame("--------body");
    b.data[6] = ASY_FRAME_HEADER + 8;
    uint32_t crc = 0; /* the checksum is of the body behind the longer header */
    asy_frame f;
    asy_buf inner = a_frame("body");
    memcpy(&crc, inner.data + 52, 4);
    memcpy(b.data + 52, &crc, 4);
    assert_int_equal(asy_frame_parse(b.data, b.len, &f), ASY_OK);
    assert_int_equal(f.body_len, 4);
    assert_memory_equal(f.body, "body", 4);
    asy_buf_fini(&inner);
    asy_buf_fini(&b);
}

static void every_type_has_a_name(void **state)
{
    (void)state;
    int named = 0;
    for (int i = 0; i < 256; i++)
        named += strcmp(asy_frame_name((uint8_t)i), "?") != 0;
    assert_int_equal(named, 14);
    assert_string_equal(asy_frame_name(ASY_RETRY_LATER), "RETRY_LATER");
}

/* Bytes are flipped, cut and grown at random: the parser reads inside its bytes (the
 * sanitizers watch) and what it accepts is consistent. */
static void random_damage_never_fools_the_parser(void **state)
{
    (void)state;
    asy_rng r = asy_rng_open(asy_rng_key(1, 2), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 20000; i++) {
        asy_buf b = a_frame("a body of some length, so that there is something to hit");
        for (uint64_t n = asy_rng_below(&r, 4); n > 0; n--)
            b.data[asy_rng_below(&r, b.len)] ^= (char)(1 << asy_rng_below(&r, 8));
        size_t len =
            asy_rng_below(&r, 3) ? b.len : (size_t)asy_rng_below(&r, b.len + 1);
        uint8_t *exact = asy_memdup(b.data, len); /* its end is guarded */
        asy_frame f;
        if (asy_frame_parse(exact, len, &f) == ASY_OK) {
            const uint8_t *body = f.body;
            assert_true(body >= exact + ASY_FRAME_HEADER &&
                        body + f.body_len <= exact + len);
            assert_int_equal(asy_frame_name(f.type)[0] != '?', 1);
        }
        asy_free(exact);
        asy_buf_fini(&b);
    }
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        uint16_t port;
    } good[] = {
        {"tcp://127.0.0.1:80", "127.0.0.1", 80},
        {"tcp://127.9.9.9:0", "127.9.9.9", 0},
        {"tcp://[::1]:65535", "::1", 65535},
        {"tcp://localhost:9", "localhost", 9},
    };
    static const char *const bad[] = {
        "",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://:80",
        "tcp://1.2.3.4:5",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:65536",
        "http://a",
        "tcp://::1:80",
        "tcp://127.0.0.1:-1",
        "tcp://localhost.evil:1",
        "tls+tcp://127.0.0.1:80",
    };
    asy_url u;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(asy_url_parse(good[i].text, &u), ASY_OK);
        assert_string_equal(u.name, good[i].name);
        assert_int_equal(u.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(asy_url_parse(bad[i], &u), ASY_EARG);
    asy_url_parse("tls+tcp://127.0.0.1:80", &u);
    assert_non_null(strstr(asy_errmsg(), "certificates"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back),
        cmocka_unit_test(layout_is_as_promised),
        cmocka_unit_test(damage_is_refused_with_its_reason),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(longer_header_is_skipped),
        cmocka_unit_test(every_type_has_a_name),
        cmocka_unit_test(random_damage_never_fools_the_parser),
        cmocka_unit_test(urls_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
