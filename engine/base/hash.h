/* hash.h - BLAKE2b-256 (RFC 7693) of bytes; names datasets, prepared data and trials.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ASY_HASH_BYTES = 32, ASY_HASH_TEXT = 65 /* 64 hex digits and a NUL */ };

typedef struct asy_hash {
    uint8_t b[ASY_HASH_BYTES];
} asy_hash;

/* An incremental hash; on the caller's stack, nothing to release. */
typedef struct asy_hasher {
    _Alignas(64) unsigned char opaque[384];
} asy_hasher;

void asy_hasher_init(asy_hasher *h);
void asy_hasher_add(asy_hasher *h, const void *bytes, size_t len);
asy_hash asy_hasher_end(asy_hasher *h);

asy_hash asy_hash_of(const void *bytes, size_t len);
asy_err asy_hash_file(const char *path, asy_hash *out);

bool asy_hash_equal(const asy_hash *a, const asy_hash *b); /* constant time */
void asy_hash_text(const asy_hash *h, char out[ASY_HASH_TEXT]);
bool asy_hash_parse(const char *text, asy_hash *out); /* 64 hex digits */

/* n random bytes from the operating system. */
void asy_random_bytes(void *out, size_t n);

/* CRC-32C (Castagnoli) of bytes; guards frames against line noise, not against people.
 */
uint32_t asy_crc32c(const void *bytes, size_t len);
