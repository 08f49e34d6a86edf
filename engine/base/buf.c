/* buf.c - a growing run of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include <stdio.h>
#include <string.h>
#include "base/mem.h"

enum { FIRST_CAP = 64 };

/* Room for len more bytes and the NUL. Doubling keeps appending linear in the end. */
static void grow(asy_buf *b, size_t len)
{
    size_t need = b->len + len + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap *= 2;
    b->data = asy_realloc(b->data, cap, 1);
    b->cap = cap;
}

char *asy_buf_reserve(asy_buf *b, size_t len)
{
    grow(b, len);
    b->data[b->len] = '\0';
    return b->data + b->len;
}

void asy_buf_add(asy_buf *b, const void *bytes, size_t len)
{
    grow(b, len);
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void asy_buf_puts(asy_buf *b, const char *text) { asy_buf_add(b, text, strlen(text)); }

void asy_buf_putc(asy_buf *b, char c)
{
    grow(b, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

void asy_buf_vprintf(asy_buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    grow(b, FIRST_CAP);
    size_t room = b->cap - b->len;
    int len = vsnprintf(b->data + b->len, room, fmt, args);
    if (len > 0 && (size_t)len >= room) {
        grow(b, (size_t)len);
        len = vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
    }
    va_end(again);
    if (len > 0)
        b->len += (size_t)len;
    b->data[b->len] = '\0';
}

void asy_buf_printf(asy_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(b, fmt, args);
    va_end(args);
}

void asy_buf_clear(asy_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

const char *asy_buf_text(const asy_buf *b) { return b->data ? b->data : ""; }

char *asy_buf_take(asy_buf *b)
{
    char *text = asy_buf_reserve(b, 0) - b->len;
    *b = (asy_buf){0};
    return text;
}

void asy_buf_fini(asy_buf *b)
{
    asy_free(b->data);
    *b = (asy_buf){0};
}
