/* test_packet.c - packets: cutting streams, refusing nonsense. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/rng.h"
#include "script/packet.h"

static void put(asy_buf *b, asy_packet_type type, const char *body)
{
    size_t mark = asy_packet_begin(b, type);
    asy_buf_puts(b, body);
    assert_int_equal(asy_packet_end(b, mark), ASY_OK);
}

static void test_cutting(void **state)
{
    (void)state;
    asy_buf sent = {0};
    put(&sent, ASY_PACKET_CALL, "one");
    put(&sent, ASY_PACKET_READY, "");
    put(&sent, ASY_PACKET_LOG, "three");
    /* Whatever pieces the bytes arrive in, the same packets come out. */
    for (size_t piece = 1; piece <= sent.len; piece++) {
        int pair[2];
        asy_packet_reader r = {0};
        asy_packet p;
        bool have, again;
        size_t got, seen = 0;
        const char *const expected[] = {"one", "", "three"};
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        for (size_t at = 0; at < sent.len; at += piece) {
            size_t n = sent.len - at < piece ? sent.len - at : piece;
            assert_int_equal(write(pair[0], sent.data + at, n), n);
            assert_int_equal(asy_packet_fill(&r, pair[1], &got, &again), ASY_OK);
            assert_int_equal(got, n);
            for (;;) {
                assert_int_equal(asy_packet_next(&r, &p, &have), ASY_OK);
                if (!have)
                    break;
                assert_int_equal(p.len, strlen(expected[seen]));
                assert_memory_equal(p.body, expected[seen], p.len);
                seen++;
            }
        }
        assert_int_equal(seen, 3);
        close(pair[0]);
        assert_int_equal(asy_packet_fill(&r, pair[1], &got, &again), ASY_OK);
        assert_int_equal(got, 0);
        assert_false(again);
        close(pair[1]);
        asy_packet_reader_fini(&r);
    }
    asy_buf_fini(&sent);
}

static void test_nonsense(void **state)
{
    (void)state;
    const struct {
        unsigned char head[5];
        bool broken;
    } cases[] = {{{0, 0, 0, 1, ASY_PACKET_LOG}, false}, /* 16 MiB, not there yet */
                 {{1, 0, 0, 1, ASY_PACKET_LOG}, true},  /* a byte more */
                 {{255, 255, 255, 255, ASY_PACKET_LOG}, true},
                 {{0, 0, 0, 0, 0}, true},
                 {{0, 0, 0, 0, 6}, true},
                 {{0, 0, 0, 0, 64}, true},
                 {{0, 0, 0, 0, 72}, true},
                 {{0, 0, 0, 0, 255}, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asy_packet_reader r = {0};
        asy_packet p;
        bool have = true;
        asy_buf_add(&r.bytes, cases[i].head, sizeof cases[i].head);
        asy_err e = asy_packet_next(&r, &p, &have);
        assert_int_equal(e, cases[i].broken ? ASY_EIO : ASY_OK);
        assert_false(have);
        asy_packet_reader_fini(&r);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    asy_buf b = {0};
    put(&b, ASY_PACKET_LOG, "kept");
    size_t before = b.len;
    size_t mark = asy_packet_begin(&b, ASY_PACKET_REPLY);
    memset(asy_buf_reserve(&b, ASY_PACKET_MAX + 1), 'x', ASY_PACKET_MAX + 1);
    b.len += ASY_PACKET_MAX + 1;
    assert_int_equal(asy_packet_end(&b, mark), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "16 MiB"));
    assert_int_equal(b.len, before);
    asy_buf_fini(&b);
}

/* Random bytes are refused or wait for more; they never read past the end (ASan). */
static void test_noise(void **state)
{
    (void)state;
    asy_rng rng = asy_rng_open(asy_rng_key(1, 2), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 2000; i++) {
        asy_packet_reader r = {0};
        asy_packet p;
        bool have = true;
        asy_err e = ASY_OK;
        size_t n = asy_rng_below(&rng, 64);
        for (size_t k = 0; k < n; k++) {
            uint64_t kind = asy_rng_below(&rng, 3);
            char byte =
                (char)(kind ? asy_rng_below(&rng, 4) : asy_rng_below(&rng, 256));
            asy_buf_add(&r.bytes, &byte, 1);
        }
        while (!e && have)
            e = asy_packet_next(&r, &p, &have);
        assert_true(r.used <= r.bytes.len);
        asy_packet_reader_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cutting), cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
