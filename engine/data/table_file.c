/* table_file.c - a table as a stream of bytes: what its hash is of, and its file.
 *
 * All numbers are little-endian.
 *   "assay table 1\n\0\0", u64 rows, u32 columns, then for each column
 *   u32 length and bytes of the name, u8 type, u64 missing, then by type
 *     ignored   u8 reason, u8 1 when its numbers follow
 *     category  u32 categories, u32 length and bytes of each name, then the codes + 1
 * in 1, 2 or 4 bytes, the fewest that hold them all (0 is missing) number    blocks of
 * up to 8,192 rows: u8 width, then integers of 1, 2 or 4 bytes (the least of them is
 * missing) when all cells are such integers, else 8-byte reals and in a file the
 * BLAKE2b-256 of all that. So a table of small integers costs a byte a cell, to write
 * and to hash.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/pages.h"
#include "data/table.h"

enum { BLOCK = 8192, MAX_COLUMNS = 1 << 24 };

static const char magic[16] = "assay table 1\n";

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian");

/* --- writing --- */

/* Where the stream goes: always into a hash, and into a file if there is one. */
typedef struct sink {
    asy_hasher hasher;
    FILE *file;
    double last[BLOCK];
    unsigned char buffer[BLOCK * 8];
} sink;

static void put(sink *s, const void *bytes, size_t len)
{
    asy_hasher_add(&s->hasher, bytes, len);
    if (s->file)
        (void)fwrite(bytes, 1, len, s->file); /* ferror() tells at the end */
}

static void put_u8(sink *s, uint8_t x) { put(s, &x, 1); }
static void put_u32(sink *s, uint32_t x) { put(s, &x, 4); }
static void put_u64(sink *s, uint64_t x) { put(s, &x, 8); }

static void put_text(sink *s, const char *text)
{
    size_t len = strlen(text);
    put_u32(s, (uint32_t)len);
    put(s, text, len);
}

/* Adding this to a whole number below 2^31 leaves the number in the low bits of the
 * sum. */
static const double whole_magic = 6755399441055744.0; /* 1.5 * 2^52 */

static int32_t low_bits(double x)
{
    int64_t bits;
    double sum = x + whole_magic;
    memcpy(&bits, &sum, sizeof bits);
    return (int32_t)bits;
}

/* The fewest bytes that hold every cell of a whole block as an integer, or 8. The loops
 * over a block have a constant length and no branches, so compilers make vectors of
 * them. */
static int number_width(const double x[BLOCK])
{
    uint64_t above1 = 0, above2 = 0, above4 = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        double size = fabs(x[i]), whole = (x[i] + whole_magic) - whole_magic;
        uint64_t here = x[i] == x[i];
        above1 |= here & (size > INT8_MAX);
        above2 |= here & (size > INT16_MAX);
        above4 |= here & ((size > INT32_MAX) | (whole != x[i]));
    }
    return above4 ? 8 : above2 ? 4 : above1 ? 2 : 1;
}

static void narrow_numbers(const double x[BLOCK], int width, void *out)
{
    int8_t *one = out;
    int16_t *two = out;
    int32_t *four = out;
    for (size_t i = 0; width == 1 && i < BLOCK; i++)
        one[i] = x[i] == x[i] ? (int8_t)low_bits(x[i]) : INT8_MIN;
    for (size_t i = 0; width == 2 && i < BLOCK; i++)
        two[i] = x[i] == x[i] ? (int16_t)low_bits(x[i]) : INT16_MIN;
    for (size_t i = 0; width == 4 && i < BLOCK; i++)
        four[i] = x[i] == x[i] ? low_bits(x[i]) : INT32_MIN;
}

/* One bit pattern for each value: any NaN is the same missing cell. */
static void plain_numbers(const double *x, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] != x[i] ? (double)NAN : x[i] + 0.0;
}

/* The last block is filled up with zeros, which change no width; they are not written.
 */
static void put_numbers(sink *s, const double *x, uint64_t rows)
{
    for (uint64_t at = 0; at < rows; at += BLOCK) {
        size_t n = rows - at < BLOCK ? (size_t)(rows - at) : BLOCK;
        const double *block = x + at;
        if (n < BLOCK) {
            memset(s->last, 0, sizeof s->last);
            block = memcpy(s->last, x + at, n * sizeof *x);
        }
        int width = number_width(block);
        put_u8(s, (uint8_t)width);
        if (width == 8)
            plain_numbers(block, n, (double *)(void *)s->buffer);
        else
            narrow_numbers(block, width, s->buffer);
        put(s, s->buffer, n * (size_t)width);
    }
}

static int code_width(uint32_t categories)
{
    return categories < UINT8_MAX ? 1 : categories < UINT16_MAX ? 2 : 4;
}

static void put_codes(sink *s, const int32_t *code, uint64_t rows, int width)
{
    for (uint64_t at = 0; at < rows; at += BLOCK) {
        size_t n = rows - at < BLOCK ? (size_t)(rows - at) : BLOCK;
        for (size_t i = 0; i < n; i++) {
            uint32_t plus = (uint32_t)(code[at + i] + 1);
            memcpy(s->buffer + i * (size_t)width, &plus, (size_t)width);
        }
        put(s, s->buffer, n * (size_t)width);
    }
}

static const char *const *reasons(uint8_t i)
{
    static const char *const *const known[] = {&asy_ignored_empty, &asy_ignored_ids,
                                               &asy_ignored_index};
    return i < sizeof known / sizeof *known ? known[i] : NULL;
}

static uint8_t reason_number(const char *reason)
{
    uint8_t i = 0;
    while (reasons(i + 1) && *reasons(i) != reason)
        i++;
    return i;
}

static void put_column(sink *s, const asy_column *c, uint64_t rows)
{
    put_text(s, c->name);
    put_u8(s, (uint8_t)c->type);
    put_u64(s, c->missing);
    if (c->type == ASY_COLUMN_IGNORED) {
        put_u8(s, reason_number(c->reason));
        put_u8(s, c->number != NULL);
    }
    if (c->type == ASY_COLUMN_CATEGORY) {
        put_u32(s, c->categories);
        for (uint32_t i = 0; i < c->categories; i++)
            put_text(s, c->names[i]);
        put_codes(s, c->code, rows, code_width(c->categories));
    } else if (c->number) {
        put_numbers(s, c->number, rows);
    }
}

static asy_hash put_table(sink *s, const asy_table *t)
{
    asy_hasher_init(&s->hasher);
    put(s, magic, sizeof magic);
    put_u64(s, t->rows);
    put_u32(s, t->columns);
    for (uint32_t i = 0; i < t->columns; i++)
        put_column(s, &t->column[i], t->rows);
    return asy_hasher_end(&s->hasher);
}

void asy_table_seal(asy_table *t)
{
    sink *s = asy_alloc(1, sizeof *s);
    t->hash = put_table(s, t);
    asy_free(s);
}

static asy_err save_to(const asy_table *t, FILE *f)
{
    sink *s = asy_alloc(1, sizeof *s);
    s->file = f;
    asy_hash hash = put_table(s, t);
    (void)fwrite(hash.b, 1, sizeof hash.b, f);
    bool good = fflush(f) == 0 && !ferror(f) && fsync(fileno(f)) == 0;
    asy_free(s);
    return good ? ASY_OK : asy_fail(ASY_EIO, "cannot be written: %m");
}

asy_err asy_table_save(const asy_table *t, const char *path)
{
    asy_buf beside = {0};
    asy_buf_printf(&beside, "%s.%ld.part", path, (long)getpid());
    FILE *f = fopen(asy_buf_text(&beside), "wb");
    asy_err e = f ? save_to(t, f) : asy_fail(ASY_EIO, "cannot be made: %m");
    if (f && fclose(f) != 0 && !e)
        e = asy_fail(ASY_EIO, "cannot be written: %m");
    if (!e && rename(asy_buf_text(&beside), path) != 0)
        e = asy_fail(ASY_EIO, "cannot be renamed: %m");
    if (e) {
        (void)unlink(asy_buf_text(&beside));
        asy_fail_in(e, "%s", path);
    }
    asy_buf_fini(&beside);
    return e;
}

/* --- reading --- */

/* A cursor over the file. After the first fault every take fails. */
typedef struct source {
    const unsigned char *p, *end;
    bool bad;
} source;

static const void *take(source *s, uint64_t len)
{
    if (s->bad || len > (uint64_t)(s->end - s->p)) {
        s->bad = true;
        return NULL;
    }
    const void *bytes = s->p;
    s->p += len;
    return bytes;
}

static uint64_t take_integer(source *s, size_t size)
{
    uint64_t x = 0;
    const void *p = take(s, size);
    if (p)
        memcpy(&x, p, size);
    return x;
}

static char *take_text(source *s)
{
    size_t len = (size_t)take_integer(s, 4), bad;
    const char *p = take(s, len);
    if (p && (memchr(p, '\0', len) || !asy_text_is_utf8(p, len, &bad)))
        s->bad = true;
    return s->bad ? NULL : asy_strndup(p, len);
}

static double widen(const unsigned char *p, size_t i, unsigned width)
{
    int8_t one;
    int16_t two;
    int32_t four;
    double eight;
    switch (width) {
    case 1: memcpy(&one, p + i, 1); return one == INT8_MIN ? (double)NAN : one;
    case 2: memcpy(&two, p + i * 2, 2); return two == INT16_MIN ? (double)NAN : two;
    case 4: memcpy(&four, p + i * 4, 4); return four == INT32_MIN ? (double)NAN : four;
    default: memcpy(&eight, p + i * 8, 8); return eight;
    }
}

/* A block needs at least a byte a row, so hostile row counts fail before memory is
 * asked. */
static asy_err take_numbers(source *s, uint64_t rows, asy_column *c)
{
    if (rows > (uint64_t)(s->end - s->p)) {
        s->bad = true;
        return ASY_OK;
    }
    c->number = asy_try_alloc(rows, sizeof *c->number);
    if (!c->number)
        return asy_fail(ASY_ENOMEM, "no memory for %llu rows",
                        (unsigned long long)rows);
    asy_pages_large(c->number, rows * sizeof *c->number);
    for (uint64_t at = 0; at < rows && !s->bad; at += BLOCK) {
        size_t n = rows - at < BLOCK ? (size_t)(rows - at) : BLOCK;
        unsigned width = (unsigned)take_integer(s, 1);
        bool known = width == 1 || width == 2 || width == 4 || width == 8;
        const unsigned char *p = take(s, known ? n * width : UINT64_MAX);
        for (size_t i = 0; p && i < n; i++)
            c->number[at + i] = widen(p, i, width);
    }
    return ASY_OK;
}

static asy_err take_codes(source *s, uint64_t rows, asy_column *c)
{
    size_t width = (size_t)code_width(c->categories);
    if (rows > (uint64_t)(s->end - s->p) / width) {
        s->bad = true;
        return ASY_OK;
    }
    const unsigned char *p = take(s, rows * width);
    c->code = asy_try_alloc(rows, sizeof *c->code);
    if (!c->code)
        return asy_fail(ASY_ENOMEM, "no memory for %llu rows",
                        (unsigned long long)rows);
    for (uint64_t r = 0; r < rows; r++) {
        uint32_t plus = 0;
        memcpy(&plus, p + r * width, width);
        s->bad |= plus > c->categories;
        c->code[r] = plus > c->categories ? -1 : (int32_t)plus - 1;
    }
    return ASY_OK;
}

static asy_err take_category(source *s, uint64_t rows, asy_column *c)
{
    uint32_t n = (uint32_t)take_integer(s, 4);
    if (s->bad || n > (uint64_t)(s->end - s->p) / 4) {
        s->bad = true;
        return ASY_OK;
    }
    c->names = asy_try_alloc(n ? n : 1, sizeof *c->names);
    if (!c->names)
        return asy_fail(ASY_ENOMEM, "no memory for %u names", n);
    while (!s->bad && c->categories < n)
        c->names[c->categories++] = take_text(s);
    return s->bad ? ASY_OK : take_codes(s, rows, c);
}

static asy_err take_column(source *s, uint64_t rows, asy_column *c)
{
    c->name = take_text(s);
    unsigned type = (unsigned)take_integer(s, 1);
    c->missing = take_integer(s, 8);
    s->bad |= type > ASY_COLUMN_IGNORED || c->missing > rows;
    if (s->bad)
        return ASY_OK;
    c->type = (asy_column_type)type;
    if (c->type == ASY_COLUMN_CATEGORY)
        return take_category(s, rows, c);
    if (c->type == ASY_COLUMN_IGNORED) {
        const char *const *reason = reasons((uint8_t)take_integer(s, 1));
        s->bad |= !reason;
        c->reason = reason ? *reason : NULL;
        if (take_integer(s, 1) == 0)
            return ASY_OK;
    }
    return take_numbers(s, rows, c);
}

static asy_err take_table(source *s, asy_table *t)
{
    const void *head = take(s, sizeof magic);
    if (!head || memcmp(head, magic, sizeof magic) != 0)
        return asy_fail(ASY_EARG, "not a table of this version");
    t->rows = take_integer(s, 8);
    uint32_t columns = (uint32_t)take_integer(s, 4);
    s->bad |= t->rows > INT32_MAX || columns > MAX_COLUMNS;
    if (!s->bad)
        t->column = asy_try_alloc(columns ? columns : 1, sizeof *t->column);
    if (!s->bad && !t->column)
        return asy_fail(ASY_ENOMEM, "no memory for %u columns", columns);
    asy_err e = ASY_OK;
    while (!e && !s->bad && t->columns < columns)
        e = take_column(s, t->rows, &t->column[t->columns++]);
    if (!e && (s->bad || s->p != s->end))
        e = asy_fail(ASY_EARG, "the table is damaged");
    return e;
}

static asy_err load_from(const asy_map *map, asy_table *t)
{
    const unsigned char *bytes = map->bytes;
    if (map->len < sizeof magic + sizeof t->hash.b)
        return asy_fail(ASY_EARG, "too short for a table");
    size_t len = map->len - sizeof t->hash.b;
    memcpy(t->hash.b, bytes + len, sizeof t->hash.b);
    asy_hash is = asy_hash_of(bytes, len);
    if (!asy_hash_equal(&is, &t->hash))
        return asy_fail(ASY_EARG, "the table is damaged: its checksum differs");
    source s = {.p = bytes, .end = bytes + len};
    return take_table(&s, t);
}

asy_err asy_table_load(const char *path, asy_table **out)
{
    asy_map map;
    *out = NULL;
    asy_err e = asy_map_open(path, &map);
    if (e)
        return e;
    asy_table *t = asy_table_new();
    e = load_from(&map, t);
    asy_map_close(&map);
    if (e) {
        asy_table_free(t);
        return asy_fail_in(e, "%s", path);
    }
    *out = t;
    return ASY_OK;
}
