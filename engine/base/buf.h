/* buf.h - a growing run of bytes, always followed by a NUL so that text is a C string.
 *
 * Zeroed memory is an empty buffer. Appending never fails for want of memory below
 * 1 GiB; callers that read hostile sizes check them first.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

typedef struct asy_buf {
    char *data; /* owned; NULL while empty and never written */
    size_t len;
    size_t cap;
} asy_buf;

void asy_buf_add(asy_buf *b, const void *bytes, size_t len);
void asy_buf_puts(asy_buf *b, const char *text);
void asy_buf_putc(asy_buf *b, char c);
void asy_buf_printf(asy_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void asy_buf_vprintf(asy_buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Makes room for `len` more bytes and returns where they go; does not move len. */
char *asy_buf_reserve(asy_buf *b, size_t len);

/* Forgets the content, keeps the memory. */
void asy_buf_clear(asy_buf *b);

/* The text ("" when empty). Borrowed until the next change. */
const char *asy_buf_text(const asy_buf *b);

/* Hands the memory to the caller (free with asy_free) and empties the buffer. Never
 * NULL. */
char *asy_buf_take(asy_buf *b);

void asy_buf_fini(asy_buf *b);
