/* pack.h - MessagePack (https://msgpack.org): how trees travel between processes.
 *
 * Everything read is hostile until checked: depth is limited to 32, sizes to what the
 * bytes can hold, and text to UTF-8 (binary values become strings of bytes that only
 * asy_pack readers of `bin` fields should take).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/json.h"

/* Appends the encoding of v. Reals are float64, integers the shortest form. */
void asy_pack_value(asy_buf *b, const json_t *v);

/* Pieces, for encoders that never build a tree. */
void asy_pack_map(asy_buf *b, uint32_t n);
void asy_pack_array(asy_buf *b, uint32_t n);
void asy_pack_text(asy_buf *b, const char *text);
void asy_pack_bin(asy_buf *b, const void *bytes, size_t len);
void asy_pack_int(asy_buf *b, int64_t x);
void asy_pack_uint(asy_buf *b, uint64_t x);
void asy_pack_real(asy_buf *b, double x);
void asy_pack_bool(asy_buf *b, bool x);
void asy_pack_nil(asy_buf *b);

/* One whole value from bytes[0..len); trailing bytes are an error. A bin becomes a JSON
 * string holding the raw bytes (json_string_length tells how many). */
asy_err asy_unpack_value(const void *bytes, size_t len, json_t **out);

/* A cursor over encoded bytes, for decoders that never build a tree. After the first
 * failure every further call fails with the same code. */
typedef struct asy_unpack {
    const uint8_t *p, *end;
    asy_err err;
} asy_unpack;

typedef enum asy_unpack_kind {
    ASY_UNPACK_NIL,
    ASY_UNPACK_BOOL,
    ASY_UNPACK_INT,
    ASY_UNPACK_REAL,
    ASY_UNPACK_TEXT,
    ASY_UNPACK_BIN,
    ASY_UNPACK_ARRAY,
    ASY_UNPACK_MAP,
    ASY_UNPACK_OTHER /* an extension, the end, or a failed cursor */
} asy_unpack_kind;

asy_unpack asy_unpack_open(const void *bytes, size_t len);
/* What the next value is; does not move. */
asy_unpack_kind asy_unpack_peek(const asy_unpack *u);
asy_err asy_unpack_map(asy_unpack *u, uint32_t *n);
asy_err asy_unpack_array(asy_unpack *u, uint32_t *n);
asy_err asy_unpack_text(asy_unpack *u, const char **text,
                        size_t *len); /* borrowed, no NUL */
asy_err asy_unpack_bin(asy_unpack *u, const void **bytes, size_t *len); /* borrowed */
asy_err asy_unpack_int(asy_unpack *u, int64_t *x);
asy_err asy_unpack_uint(asy_unpack *u, uint64_t *x);
asy_err asy_unpack_real(asy_unpack *u, double *x); /* takes integers too; nil is NaN */
asy_err asy_unpack_bool(asy_unpack *u, bool *x);
asy_err asy_unpack_skip(asy_unpack *u); /* one whole value */
/* One whole value: its encoding as borrowed bytes, to pass on unread. */
asy_err asy_unpack_raw(asy_unpack *u, const void **bytes, size_t *len);
