/* hash.c - BLAKE2b-256 through libsodium, and hex. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(asy_hasher),
               "asy_hasher is too small for libsodium's state");
_Static_assert(_Alignof(crypto_generichash_state) <= _Alignof(asy_hasher),
               "asy_hasher is not aligned for libsodium's state");

static crypto_generichash_state *state_of(asy_hasher *h) { return (void *)h->opaque; }

void asy_hasher_init(asy_hasher *h)
{
    crypto_generichash_init(state_of(h), NULL, 0, ASY_HASH_BYTES);
}

void asy_hasher_add(asy_hasher *h, const void *bytes, size_t len)
{
    if (len)
        crypto_generichash_update(state_of(h), bytes, len);
}

asy_hash asy_hasher_end(asy_hasher *h)
{
    asy_hash out;
    crypto_generichash_final(state_of(h), out.b, sizeof out.b);
    return out;
}

asy_hash asy_hash_of(const void *bytes, size_t len)
{
    asy_hasher h;
    asy_hasher_init(&h);
    asy_hasher_add(&h, bytes, len);
    return asy_hasher_end(&h);
}

/* Reads to the end of the file. */
static asy_err hash_descriptor(int fd, const char *path, asy_hasher *h)
{
    unsigned char piece[64 * 1024];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n == 0)
            return ASY_OK;
        if (n > 0)
            asy_hasher_add(h, piece, (size_t)n);
        else if (errno != EINTR)
            return asy_fail(ASY_EIO, "cannot read %s: %s", path, strerror(errno));
    }
}

asy_err asy_hash_file(const char *path, asy_hash *out)
{
    *out = (asy_hash){{0}};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return asy_fail(ASY_EIO, "cannot open %s: %s", path, strerror(errno));
    asy_hasher h;
    asy_hasher_init(&h);
    asy_err err = hash_descriptor(fd, path, &h);
    close(fd);
    if (!err)
        *out = asy_hasher_end(&h);
    return err;
}

bool asy_hash_equal(const asy_hash *a, const asy_hash *b)
{
    return sodium_memcmp(a->b, b->b, ASY_HASH_BYTES) == 0;
}

void asy_hash_text(const asy_hash *h, char out[ASY_HASH_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < ASY_HASH_BYTES; i++) {
        out[2 * i] = digits[h->b[i] >> 4];
        out[2 * i + 1] = digits[h->b[i] & 15];
    }
    out[2 * ASY_HASH_BYTES] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool asy_hash_parse(const char *text, asy_hash *out)
{
    asy_hash h;
    for (size_t i = 0; i < ASY_HASH_BYTES; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        h.b[i] = (uint8_t)(high << 4 | low);
    }
    if (text[2 * ASY_HASH_BYTES] != '\0')
        return false;
    *out = h;
    return true;
}

void asy_random_bytes(void *out, size_t n) { randombytes_buf(out, n); }
