/* scan.c - finds the cells of delimited text, block by block. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/scan.h"
#include <string.h>
#include "base/mem.h"

/* Cells a block holds, unless one record has more: its index stays in the second cache.
 */
enum { BLOCK_CELLS = 1 << 15 };

/* The marks of a text: its separators, newlines and quotes, in order, found eight bytes
 * at a time. */
typedef struct marks {
    const char *base, *end; /* `hits` speaks of the eight bytes at base */
    uint64_t hits;          /* 0x80 in each byte that is a mark not yet taken */
    uint64_t separators;    /* the separator, eight times */
} marks;

static const uint64_t every_byte = 0x0101010101010101u;

/* 0x80 in each byte of `word` that is zero, exactly. */
static inline uint64_t zero_bytes(uint64_t word)
{
    const uint64_t low = 0x7f * every_byte;
    return ~(((word & low) + low) | word | low);
}

static inline void look(marks *m)
{
    uint64_t word = 0;
    size_t left = (size_t)(m->end - m->base);
    if (left >= 8)
        memcpy(&word, m->base, 8);
    else
        memcpy(&word, m->base, left);
    m->hits = zero_bytes(word ^ m->separators) |
              zero_bytes(word ^ ('\n' * every_byte)) |
              zero_bytes(word ^ ('"' * every_byte));
}

static inline void jump(marks *m, const char *to)
{
    m->base = to;
    if (to < m->end)
        look(m);
    else
        m->hits = 0;
}

/* The next mark, or the end of the text. */
static inline const char *next_mark(marks *m)
{
    while (m->hits == 0) {
        if (m->end - m->base <= 8)
            return m->end;
        m->base += 8;
        look(m);
    }
    const char *at = m->base + (__builtin_ctzll(m->hits) >> 3);
    m->hits &= m->hits - 1;
    return at;
}

static marks open_marks(const char *text, size_t len, char separator)
{
    marks m = {.end = text + len, .separators = (unsigned char)separator * every_byte};
    jump(&m, text);
    return m;
}

/* The quote that ends the cell whose content starts at p, or NULL. Two quotes are one
 * quote of the content. Adds the newlines on the way. */
static const char *closing_quote(const char *p, const char *end, uint64_t *lines)
{
    for (; p < end; p++) {
        if (*p == '"' && (p + 1 == end || p[1] != '"'))
            return p;
        p += *p == '"';
        *lines += *p == '\n';
    }
    return NULL;
}

/* True when a cell may end at p: separator, newline, or the end. */
static bool is_cell_end(const char *p, const char *end, char separator)
{
    return p == end || *p == separator || *p == '\n' ||
           (*p == '\r' && (p + 1 == end || p[1] == '\n'));
}

asy_err asy_scan_init(asy_scan *s, char separator, uint32_t columns, uint32_t max_field,
                      uint64_t line)
{
    uint32_t cap = BLOCK_CELLS / columns + 1;
    *s = (asy_scan){.separator = separator,
                    .columns = columns,
                    .max_field = max_field,
                    .line = line,
                    .cap = cap};
    s->row = asy_try_alloc(cap, sizeof *s->row);
    s->end = asy_try_alloc((size_t)cap * columns, sizeof *s->end);
    if (s->row && s->end)
        return ASY_OK;
    asy_scan_fini(s);
    return asy_fail(ASY_ENOMEM, "no memory for %u columns", columns);
}

void asy_scan_fini(asy_scan *s)
{
    asy_free(s->row);
    asy_free(s->end);
    *s = (asy_scan){0};
}

/* A record while it is being found. */
typedef struct record {
    const char *start, *cell; /* where it and its open cell begin */
    uint64_t cells;           /* closed so far */
    uint64_t line;            /* on which it begins */
} record;

static inline void close_cell(asy_scan *s, record *r, const char *text, const char *at)
{
    if (r->cells < s->columns)
        s->end[(size_t)s->rows * s->columns + r->cells] = (uint32_t)(at - text);
    r->cells++;
}

static asy_err fail_length(const asy_scan *s, const record *r)
{
    return asy_fail(
        ASY_EARG, "line %llu: %u cells expected as in the first line, got %llu",
        (unsigned long long)r->line, s->columns, (unsigned long long)r->cells);
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p == end;
}

/* Closes the record that ends before `at` (a newline or the end of the text) and goes
 * on to the next. An empty line is no record. */
static asy_err close_record(asy_scan *s, record *r, const char *text, const char *at)
{
    const char *stop = at > r->cell && at[-1] == '\r' ? at - 1 : at;
    if (r->cells == 0 && is_blank(r->start, stop))
        goto next;
    close_cell(s, r, text, stop);
    if (r->cells != s->columns)
        return fail_length(s, r);
    s->row[s->rows++] = (uint32_t)(r->start - text);
next:
    *r = (record){.start = at + 1, .cell = at + 1, .line = ++s->line};
    return ASY_OK;
}

static asy_err fail_cell(const asy_scan *s, uint64_t line, bool open_quote)
{
    return asy_fail(ASY_EARG, "line %llu: a cell is longer than %u bytes%s",
                    (unsigned long long)line, s->max_field,
                    open_quote ? "; is its quote never closed?" : "");
}

/* Jumps over the quoted cell that starts at `at`. *more: its end is not in the text
 * yet. */
static asy_err skip_quoted(asy_scan *s, marks *m, const char *at, bool final,
                           bool *more)
{
    uint64_t opened = s->line;
    const char *close = closing_quote(at + 1, m->end, &s->line);
    size_t len = (size_t)((close ? close : m->end) - at);
    if (len > s->max_field)
        return fail_cell(s, opened, !close);
    *more = !final && (!close || close + 1 == m->end);
    if (*more)
        return ASY_OK;
    if (!close)
        return asy_fail(ASY_EARG, "line %llu: a quote opens here and is never closed",
                        (unsigned long long)opened);
    if (!is_cell_end(close + 1, m->end, s->separator))
        return asy_fail(
            ASY_EARG,
            "line %llu: text after the closing quote of a cell; a quote inside "
            "a quoted cell is written twice",
            (unsigned long long)s->line);
    jump(m, close + 1);
    return ASY_OK;
}

/* The last record has no newline: it counts only when the text ends here. */
static asy_err end_of_text(asy_scan *s, record *r, const char *text, size_t len,
                           bool final)
{
    const char *end = text + len;
    if ((size_t)(end - r->cell) > s->max_field)
        return fail_cell(s, s->line, *r->cell == '"');
    if (!final && r->cells > s->columns) /* no need to wait for the end of the line */
        return fail_length(s, r);
    if (!final || r->start == end)
        return ASY_OK;
    asy_err e = close_record(s, r, text, end);
    r->start = end;
    return e;
}

asy_err asy_scan_block(asy_scan *s, const char *text, size_t len, bool final)
{
    marks m = open_marks(text, len, s->separator);
    record r = {.start = text, .cell = text, .line = s->line};
    bool more = false;
    asy_err e = ASY_OK;
    s->rows = 0;
    while (!e && !more && s->rows < s->cap) {
        const char *at = next_mark(&m);
        if (at == m.end) {
            e = end_of_text(s, &r, text, len, final);
            break;
        }
        if (*at == '"') {
            if (at == r.cell)
                e = skip_quoted(s, &m, at, final, &more);
        } else if ((size_t)(at - r.cell) > s->max_field) {
            e = fail_cell(s, s->line, false);
        } else if (*at == '\n') {
            e = close_record(s, &r, text, at);
        } else {
            close_cell(s, &r, text, at);
            r.cell = at + 1;
        }
    }
    s->used = (size_t)(r.start - text);
    s->line = r.line;
    return e;
}

uint32_t asy_scan_first(const char *text, size_t len, char separator, bool final,
                        size_t *next)
{
    marks m = open_marks(text, len, separator);
    const char *cell = text;
    uint32_t cells = 1;
    uint64_t lines = 0;
    for (;;) {
        const char *at = next_mark(&m);
        *next = (size_t)(at - text) + (at < m.end);
        if (at == m.end)
            return final && len > 0 ? cells : 0;
        if (*at == '\n')
            return cells;
        if (*at == separator) {
            cells++;
            cell = at + 1;
        } else if (at == cell) {
            const char *close = closing_quote(at + 1, m.end, &lines);
            if (!close || (close + 1 == m.end && !final))
                return 0;
            jump(&m, close + 1);
        }
    }
}
