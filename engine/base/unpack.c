/* unpack.c - the cursor of pack.h: reads MessagePack in place, believing nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pack.h"
#include <math.h>
#include <string.h>
#include "base/text.h"

/* The head of one value: what it is, and its number or the length of what follows. */
typedef struct head {
    asy_unpack_kind kind;
    uint64_t n;       /* items, pairs, bytes; or the bits of a number */
    bool is_negative; /* INT: n is a two's complement int64 below zero */
} head;

static asy_err refuse(asy_unpack *u, const char *why)
{
    u->err = asy_fail(ASY_EARG, "message: %s", why);
    return u->err;
}

static asy_err wrong_kind(asy_unpack *u, const char *expected, asy_unpack_kind got)
{
    static const char *const names[] = {"nil",    "true or false", "whole number",
                                        "number", "text",          "bytes",
                                        "list",   "map",           "an extension"};
    u->err = asy_fail(ASY_EARG, "message: %s expected, got %s", expected, names[got]);
    return u->err;
}

asy_unpack asy_unpack_open(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    return (asy_unpack){.p = p, .end = p + len};
}

/* Big-endian bytes as a number; the caller has checked that they are there. */
static uint64_t big_endian(const uint8_t *p, unsigned n)
{
    uint64_t x = 0;
    while (n--)
        x = x << 8 | *p++;
    return x;
}

static double real_of_bits(uint64_t bits, unsigned size)
{
    double wide;
    float narrow;
    uint32_t low = (uint32_t)bits;
    memcpy(&wide, &bits, sizeof wide);
    memcpy(&narrow, &low, sizeof narrow);
    return size == 4 ? (double)narrow : wide;
}

static uint64_t bits_of_real(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* What the lead bytes 0xC0 .. 0xDF mean: kind, and bytes of number or length after it.
 */
static const struct lead {
    uint8_t kind, size;
} leads[32] = {{ASY_UNPACK_NIL, 0},   {ASY_UNPACK_OTHER, 0}, {ASY_UNPACK_BOOL, 0},
               {ASY_UNPACK_BOOL, 0},  {ASY_UNPACK_BIN, 1},   {ASY_UNPACK_BIN, 2},
               {ASY_UNPACK_BIN, 4},   {ASY_UNPACK_OTHER, 1}, {ASY_UNPACK_OTHER, 2},
               {ASY_UNPACK_OTHER, 4}, {ASY_UNPACK_REAL, 4},  {ASY_UNPACK_REAL, 8},
               {ASY_UNPACK_INT, 1},   {ASY_UNPACK_INT, 2},   {ASY_UNPACK_INT, 4},
               {ASY_UNPACK_INT, 8},   {ASY_UNPACK_INT, 1},   {ASY_UNPACK_INT, 2},
               {ASY_UNPACK_INT, 4},   {ASY_UNPACK_INT, 8},   {ASY_UNPACK_OTHER, 0},
               {ASY_UNPACK_OTHER, 0}, {ASY_UNPACK_OTHER, 0}, {ASY_UNPACK_OTHER, 0},
               {ASY_UNPACK_OTHER, 0}, {ASY_UNPACK_TEXT, 1},  {ASY_UNPACK_TEXT, 2},
               {ASY_UNPACK_TEXT, 4},  {ASY_UNPACK_ARRAY, 2}, {ASY_UNPACK_ARRAY, 4},
               {ASY_UNPACK_MAP, 2},   {ASY_UNPACK_MAP, 4}};

enum {
    LEAD_UNUSED = 0xC1,
    LEAD_EXT_8 = 0xC7,
    LEAD_EXT_32 = 0xC9,
    LEAD_INT_8 = 0xD0,
    LEAD_INT_64 = 0xD3,
    LEAD_FIXEXT_1 = 0xD4,
    LEAD_FIXEXT_16 = 0xD8
};

static asy_unpack_kind kind_of(uint8_t lead)
{
    if (lead < 0x80 || lead >= 0xE0)
        return ASY_UNPACK_INT;
    if (lead < 0x90)
        return ASY_UNPACK_MAP;
    if (lead < 0xA0)
        return ASY_UNPACK_ARRAY;
    if (lead < 0xC0)
        return ASY_UNPACK_TEXT;
    return (asy_unpack_kind)leads[lead - 0xC0].kind;
}

asy_unpack_kind asy_unpack_peek(const asy_unpack *u)
{
    return u->err || u->p == u->end ? ASY_UNPACK_OTHER : kind_of(*u->p);
}

/* Values whose number sits in the lead byte itself. */
static head short_head(uint8_t lead)
{
    if (lead < 0x80)
        return (head){.kind = ASY_UNPACK_INT, .n = lead};
    if (lead >= 0xE0)
        return (head){ASY_UNPACK_INT, (uint64_t)(int64_t)(int8_t)lead, true};
    return (head){.kind = kind_of(lead), .n = lead & (lead < 0xA0 ? 15U : 31U)};
}

static head long_head(uint8_t lead, const uint8_t *p)
{
    unsigned size = leads[lead - 0xC0].size;
    head h = {.kind = kind_of(lead), .n = big_endian(p, size)};
    if (h.kind == ASY_UNPACK_BOOL)
        h.n = lead & 1;
    if (h.kind == ASY_UNPACK_REAL)
        h.n = bits_of_real(real_of_bits(h.n, size));
    if (lead >= LEAD_INT_8 && lead <= LEAD_INT_64) {
        unsigned unused = 64 - 8 * size;
        h.is_negative = h.n >> (8 * size - 1) & 1;
        h.n = h.is_negative && unused ? h.n | ~(uint64_t)0 << (64 - unused) : h.n;
    }
    if (lead >= LEAD_EXT_8 && lead <= LEAD_EXT_32)
        h.n += 1; /* the extension's type */
    if (lead >= LEAD_FIXEXT_1 && lead <= LEAD_FIXEXT_16)
        h.n = 1 + (1U << (lead - LEAD_FIXEXT_1));
    return h;
}

/* A claimed length is believed only as far as the bytes left could hold it. */
static asy_err check_length(asy_unpack *u, const head *h)
{
    uint64_t left = (uint64_t)(u->end - u->p);
    switch (h->kind) {
    case ASY_UNPACK_MAP: left /= 2; break;
    case ASY_UNPACK_TEXT:
    case ASY_UNPACK_BIN:
    case ASY_UNPACK_ARRAY:
    case ASY_UNPACK_OTHER: break;
    default: return ASY_OK;
    }
    return h->n > left ? refuse(u, "ends inside a value") : ASY_OK;
}

static asy_err read_head(asy_unpack *u, head *h)
{
    *h = (head){0};
    if (u->err)
        return u->err;
    if (u->p == u->end)
        return refuse(u, "ends where a value is expected");
    uint8_t lead = *u->p;
    size_t size = lead >= 0xC0 && lead < 0xE0 ? leads[lead - 0xC0].size : 0;
    if (lead == LEAD_UNUSED)
        return refuse(u, "holds a byte that MessagePack does not use");
    if ((size_t)(u->end - u->p) < 1 + size)
        return refuse(u, "ends inside a value");
    *h = lead < 0xC0 || lead >= 0xE0 ? short_head(lead) : long_head(lead, u->p + 1);
    u->p += 1 + size;
    return check_length(u, h);
}

/* As read_head(), but of one kind only. */
static asy_err expect(asy_unpack *u, asy_unpack_kind kind, const char *name, head *h)
{
    asy_err err = read_head(u, h);
    return !err && h->kind != kind ? wrong_kind(u, name, h->kind) : err;
}

asy_err asy_unpack_map(asy_unpack *u, uint32_t *n)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_MAP, "map", &h);
    *n = err ? 0 : (uint32_t)h.n;
    return err;
}

asy_err asy_unpack_array(asy_unpack *u, uint32_t *n)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_ARRAY, "list", &h);
    *n = err ? 0 : (uint32_t)h.n;
    return err;
}

asy_err asy_unpack_text(asy_unpack *u, const char **text, size_t *len)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_TEXT, "text", &h);
    const char *bytes = (const char *)u->p;
    if (!err && !asy_text_is_utf8(bytes, h.n, NULL))
        err = refuse(u, "holds text that is not UTF-8");
    *text = err ? "" : bytes;
    *len = err ? 0 : h.n;
    if (!err)
        u->p += h.n;
    return err;
}

asy_err asy_unpack_bin(asy_unpack *u, const void **bytes, size_t *len)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_BIN, "bytes", &h);
    *bytes = err ? NULL : u->p;
    *len = err ? 0 : h.n;
    if (!err)
        u->p += h.n;
    return err;
}

asy_err asy_unpack_int(asy_unpack *u, int64_t *x)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_INT, "whole number", &h);
    if (!err && !h.is_negative && h.n > INT64_MAX)
        err = refuse(u, "holds a whole number above 2^63 - 1");
    *x = err ? 0 : (int64_t)h.n;
    return err;
}

asy_err asy_unpack_uint(asy_unpack *u, uint64_t *x)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_INT, "whole number", &h);
    if (!err && h.is_negative)
        err = refuse(u, "holds a negative number where none may be");
    *x = err ? 0 : h.n;
    return err;
}

asy_err asy_unpack_real(asy_unpack *u, double *x)
{
    head h;
    asy_err err = read_head(u, &h);
    *x = NAN;
    if (err || h.kind == ASY_UNPACK_NIL)
        return err;
    if (h.kind == ASY_UNPACK_REAL)
        *x = real_of_bits(h.n, 8);
    else if (h.kind == ASY_UNPACK_INT)
        *x = h.is_negative ? (double)(int64_t)h.n : (double)h.n;
    else
        err = wrong_kind(u, "number", h.kind);
    return err;
}

asy_err asy_unpack_bool(asy_unpack *u, bool *x)
{
    head h;
    asy_err err = expect(u, ASY_UNPACK_BOOL, "true or false", &h);
    *x = !err && h.n;
    return err;
}

/* Counts values still to pass instead of recursing: depth costs nothing. */
asy_err asy_unpack_skip(asy_unpack *u)
{
    uint64_t pending = 1;
    while (pending > 0) {
        head h;
        if (read_head(u, &h))
            return u->err;
        pending--;
        if (h.kind == ASY_UNPACK_ARRAY)
            pending += h.n;
        else if (h.kind == ASY_UNPACK_MAP)
            pending += 2 * h.n;
        else if (h.kind == ASY_UNPACK_TEXT || h.kind == ASY_UNPACK_BIN ||
                 h.kind == ASY_UNPACK_OTHER)
            u->p += h.n;
    }
    return ASY_OK;
}

asy_err asy_unpack_raw(asy_unpack *u, const void **bytes, size_t *len)
{
    const uint8_t *from = u->p;
    asy_err err = asy_unpack_skip(u);
    *bytes = err ? NULL : from;
    *len = err ? 0 : (size_t)(u->p - from);
    return err;
}
