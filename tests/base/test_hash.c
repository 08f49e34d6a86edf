/* test_hash.c - BLAKE2b-256, hex and CRC-32C. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/crc.h"
#include "base/hash.h"

static const char *text_of(asy_hash h)
{
    static _Thread_local char text[ASY_HASH_TEXT];
    asy_hash_text(&h, text);
    return text;
}

/* The reference implementation's values for 32 bytes of output. */
static void test_known_answers(void **state)
{
    (void)state;
    assert_string_equal(
        text_of(asy_hash_of("", 0)),
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_string_equal(
        text_of(asy_hash_of("abc", 3)),
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_pieces_hash_as_the_whole(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    asy_hash whole = asy_hash_of(bytes, sizeof bytes);
    asy_hasher h;
    asy_hasher_init(&h);
    for (size_t at = 0, n = 1; at < sizeof bytes; at += n, n = n * 2 % 311)
        asy_hasher_add(&h, bytes + at, at + n > sizeof bytes ? sizeof bytes - at : n);
    asy_hasher_add(&h, NULL, 0);
    asy_hash pieces = asy_hasher_end(&h);
    assert_true(asy_hash_equal(&whole, &pieces));
    pieces.b[31] ^= 1;
    assert_false(asy_hash_equal(&whole, &pieces));
}

static void test_file(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-hash-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    asy_hash from_file, expected = asy_hash_of("abc", 3);
    assert_int_equal(asy_hash_file(path, &from_file), ASY_OK);
    assert_true(asy_hash_equal(&from_file, &expected));
    unlink(path);
    assert_int_equal(asy_hash_file(path, &from_file), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), path));
    assert_int_equal(asy_hash_file("/tmp", &from_file), ASY_EIO);
}

static void test_hex(void **state)
{
    (void)state;
    asy_hash h = asy_hash_of("x", 1), back;
    char text[ASY_HASH_TEXT];
    asy_hash_text(&h, text);
    assert_true(asy_hash_parse(text, &back));
    assert_true(asy_hash_equal(&h, &back));
    text[63] = 'g';
    assert_false(asy_hash_parse(text, &back));
    text[63] = '\0';
    assert_false(asy_hash_parse(text, &back));
    assert_false(asy_hash_parse("", &back));
    char longer[] = "00000000000000000000000000000000000000000000000000000000000000000";
    assert_false(asy_hash_parse(longer, &back));
}

static void test_random_bytes(void **state)
{
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    asy_random_bytes(a, sizeof a);
    asy_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

/* RFC 3720, B.4. */
static void test_crc(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(asy_crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(asy_crc32c(bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    assert_int_equal(asy_crc32c(bytes, 32), 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(asy_crc32c(bytes, 32), 0x46DD794E);
    assert_int_equal(asy_crc32c("", 0), 0);
}

static void test_crc_variants_agree(void **state)
{
    (void)state;
    unsigned char bytes[100];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i + 3);
    for (size_t n = 0; n <= sizeof bytes; n++)
        assert_int_equal(asy_crc32c(bytes, n), ~asy_crc32c_plain(~0U, bytes, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_pieces_hash_as_the_whole),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_crc_variants_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
