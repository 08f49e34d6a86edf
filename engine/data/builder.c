/* builder.c - grows one column of a table out of the text of its cells. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/builder.h"
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "data/cell.h"
#include "data/pages.h"

/* Text is taken for ids when a column has more rows than this and nine of ten differ.
 */
enum { ID_ROWS = 50 };

void asy_cell_content(const char **cell, size_t *len, asy_buf *scratch)
{
    const char *p = *cell;
    if (*len < 2 || *p != '"') {
        asy_cell_trim(cell, len);
        return;
    }
    *cell = p + 1;
    *len -= 2;
    if (!memchr(*cell, '"', *len))
        return;
    asy_buf_clear(scratch);
    for (size_t i = 0; i < *len; i++) {
        asy_buf_putc(scratch, (*cell)[i]);
        i += (*cell)[i] == '"';
    }
    *cell = asy_buf_text(scratch);
    *len = scratch->len;
}

static asy_err fail_memory(size_t rows)
{
    return asy_fail(ASY_ENOMEM, "no memory for a column of %zu rows", rows);
}

static asy_err grow(void **array, size_t count, size_t size)
{
    void *p = asy_try_realloc(*array, count, size);
    if (!p)
        return fail_memory(count);
    asy_pages_large(p, count * size);
    *array = p;
    return ASY_OK;
}

/* Room for `more` rows in the arrays of the column's kind. */
static asy_err make_room(asy_builder *b, size_t more)
{
    if (b->cap - b->rows >= more)
        return ASY_OK;
    size_t cap = b->cap * 2 > b->rows + more ? b->cap * 2 : b->rows + more;
    if (cap < b->expected)
        cap = b->expected;
    asy_err e = ASY_OK;
    if (b->kind == ASY_BUILDER_NUMBER) {
        e = grow((void **)&b->number, cap, sizeof *b->number);
        if (!e && b->form)
            e = grow((void **)&b->form, cap, sizeof *b->form);
    } else if (b->kind == ASY_BUILDER_TEXT) {
        e = grow((void **)&b->code, cap, sizeof *b->code);
    }
    if (!e)
        b->cap = cap;
    return e;
}

static asy_err keep_odd(asy_builder *b, const char *text, size_t len)
{
    if (b->odd_cap - b->odd_len < len + 1) {
        size_t cap = (b->odd_cap + len) * 2 + 64;
        asy_err e = grow((void **)&b->odd, cap, 1);
        if (e)
            return e;
        b->odd_cap = cap;
    }
    memcpy(b->odd + b->odd_len, text, len);
    b->odd[b->odd_len + len] = '\0';
    b->odd_len += len + 1;
    return ASY_OK;
}

static asy_err become_number(asy_builder *b)
{
    asy_err e = grow((void **)&b->number, b->cap, sizeof *b->number);
    if (e)
        return e;
    for (size_t i = 0; i < b->rows; i++)
        b->number[i] = NAN;
    b->kind = ASY_BUILDER_NUMBER;
    return ASY_OK;
}

/* How a whole number without leading zeros is written; 0 for a missing cell. */
static uint8_t form_of_whole(double x)
{
    unsigned digits = 1;
    if (isnan(x))
        return 0;
    for (uint64_t n = (uint64_t)fabs(x); n >= 10; n /= 10)
        digits++;
    return (uint8_t)(digits << 4);
}

/* From now on the form of each cell is kept, not only told by its value. */
static asy_err keep_forms(asy_builder *b)
{
    asy_err e = grow((void **)&b->form, b->cap, sizeof *b->form);
    for (size_t i = 0; !e && i < b->rows; i++)
        b->form[i] = form_of_whole(b->number[i]);
    return e;
}

static asy_err add_number(asy_builder *b, double value, uint8_t form)
{
    if (!b->form && form != form_of_whole(value)) {
        asy_err e = keep_forms(b);
        if (e)
            return e;
    }
    if (b->form)
        b->form[b->rows] = form;
    b->number[b->rows++] = value;
    return ASY_OK;
}

/* Numbers the texts of the rows so far, taken back out of the values. */
static asy_err number_texts(asy_builder *b)
{
    const char *odd = b->odd;
    for (size_t i = 0; i < b->rows; i++) {
        b->code[i] = -1;
        if (b->kind == ASY_BUILDER_EMPTY || isnan(b->number[i]))
            continue;
        asy_buf_clear(&b->scratch);
        uint8_t form = b->form ? b->form[i] : form_of_whole(b->number[i]);
        if (form) {
            asy_cell_put_plain(&b->scratch, b->number[i], form);
        } else {
            asy_buf_puts(&b->scratch, odd);
            odd += b->scratch.len + 1;
        }
        asy_err e =
            asy_dict_intern(&b->dict, b->scratch.data, b->scratch.len, &b->code[i]);
        if (e)
            return e;
    }
    return ASY_OK;
}

static void drop_numbers(asy_builder *b)
{
    asy_free(b->number);
    asy_free(b->form);
    asy_free(b->odd);
    b->number = NULL;
    b->form = NULL;
    b->odd = NULL;
    b->odd_len = b->odd_cap = 0;
}

static asy_err become_text(asy_builder *b)
{
    asy_err e = grow((void **)&b->code, b->cap, sizeof *b->code);
    if (!e)
        e = number_texts(b);
    if (e)
        return e;
    drop_numbers(b);
    b->kind = ASY_BUILDER_TEXT;
    return ASY_OK;
}

static void add_missing(asy_builder *b)
{
    b->missing++;
    if (b->kind == ASY_BUILDER_NUMBER) {
        b->number[b->rows] = NAN;
        if (b->form)
            b->form[b->rows] = 0;
    } else if (b->kind == ASY_BUILDER_TEXT) {
        b->code[b->rows] = -1;
    }
    b->rows++;
}

/* Any cell in any kind of column. There is room for it. */
static asy_err add_cell(asy_builder *b, const char *cell, size_t len)
{
    asy_err e = ASY_OK;
    double value;
    uint8_t form = 0;
    if (b->kind != ASY_BUILDER_TEXT) {
        bool plain = asy_cell_plain_number(cell, len, &value, &form);
        if (plain || asy_cell_odd_number(cell, len, &value)) {
            if (b->kind == ASY_BUILDER_EMPTY)
                e = become_number(b);
            if (!e && !plain)
                e = keep_odd(b, cell, len);
            if (e)
                return e;
            return add_number(b, value, form);
        }
        e = become_text(b);
    }
    return e ? e : asy_dict_intern(&b->dict, cell, len, &b->code[b->rows++]);
}

static asy_err add_slowly(asy_builder *b, const char *cell, size_t len)
{
    asy_cell_content(&cell, &len, &b->scratch);
    if (asy_cell_is_missing(cell, len)) {
        add_missing(b);
        return ASY_OK;
    }
    if (cell != b->scratch.data || b->kind == ASY_BUILDER_TEXT)
        return add_cell(b, cell, len);
    asy_buf own = b->scratch; /* become_text() writes to the scratch */
    b->scratch = (asy_buf){0};
    asy_err e = add_cell(b, cell, len);
    asy_buf_fini(&own);
    return e;
}

/* One to eight digits, without a branch on how many. Reads eight bytes at `cell`. */
static inline bool short_digits(const char *cell, size_t len, double *value)
{
    const uint64_t every = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, cell, 8);
    unsigned empty = (unsigned)(64 - 8 * len);
    word <<= empty; /* the last digit is now the highest byte */
    word |= (0x30 * every) & (((uint64_t)1 << empty) - 1);
    if (((word & (0xf0 * every)) ^ (0x30 * every)) |
        (((word + 0x06 * every) & (0xf0 * every)) ^ (0x30 * every)))
        return false;
    word &= 0x0f * every;
    word = word * 10 + (word >> 8); /* pairs, in every second byte */
    word = (((word & 0x000000ff000000ffu) * 0x000f424000000064u) +
            (((word >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >>
           32;
    *value = (double)(uint32_t)word;
    return true;
}

/* Where the cell of a record begins. */
static inline size_t cell_start(const asy_scan *s, uint32_t column, uint32_t r)
{
    return column ? (size_t)s->end[(size_t)r * s->columns + column - 1] + 1 : s->row[r];
}

/* Adds cells from record `r` on as long as they are short whole numbers as most are
 * written; the record of the first other one. */
static uint32_t add_short_numbers(asy_builder *b, const asy_scan *s, uint32_t column,
                                  const char *text, size_t len, uint32_t r)
{
    double *out = b->number + b->rows;
    const uint32_t *end = s->end + (size_t)r * s->columns + column;
    uint32_t first = r;
    for (; r < s->rows; r++, end += s->columns) {
        size_t from = cell_start(s, column, r), size = *end - from;
        bool is_short =
            size - 1 < 8 && len - from >= 8 && (text[from] != '0' || size == 1);
        if (!is_short || !short_digits(text + from, size, out))
            break;
        out++;
    }
    for (uint32_t i = first; b->form && i < r; i++)
        b->form[b->rows + i - first] =
            (uint8_t)((s->end[(size_t)i * s->columns + column] -
                       cell_start(s, column, i))
                      << 4);
    b->rows += r - first;
    return r;
}

asy_err asy_builder_add(asy_builder *b, const asy_scan *s, uint32_t column,
                        const char *text, size_t len)
{
    asy_err e = make_room(b, s->rows);
    for (uint32_t r = 0; !e && r < s->rows; r++) {
        if (b->kind == ASY_BUILDER_NUMBER)
            r = add_short_numbers(b, s, column, text, len, r);
        if (r == s->rows)
            break;
        size_t from = cell_start(s, column, r), size;
        size = s->end[(size_t)r * s->columns + column] - from;
        double value;
        uint8_t form;
        if (b->kind == ASY_BUILDER_NUMBER &&
            asy_cell_plain_number(text + from, size, &value, &form))
            e = add_number(b, value, form);
        else
            e = add_slowly(b, text + from, size);
    }
    return e;
}

static void ignore(asy_column *out, const char *reason)
{
    out->type = ASY_COLUMN_IGNORED;
    out->reason = reason;
}

/* The names of a category, copied out of the dictionary. */
static asy_err take_names(asy_builder *b, asy_column *out)
{
    out->names = asy_try_alloc(b->dict.count, sizeof *out->names);
    if (!out->names)
        return fail_memory(b->dict.count);
    for (uint32_t i = 0; i < b->dict.count; i++)
        out->names[out->categories++] = asy_strdup(asy_dict_text(&b->dict, (int32_t)i));
    return ASY_OK;
}

asy_err asy_builder_end(asy_builder *b, asy_column *out)
{
    asy_err e = ASY_OK;
    uint64_t present = b->rows - b->missing;
    out->missing = b->missing;
    if (b->kind == ASY_BUILDER_EMPTY) {
        ignore(out, asy_ignored_empty);
    } else if (b->kind == ASY_BUILDER_NUMBER) {
        void *p = asy_try_realloc(b->number, b->rows, sizeof *b->number);
        out->type = ASY_COLUMN_NUMBER;
        out->number = p ? p : b->number;
        b->number = NULL;
    } else if (present > ID_ROWS && b->dict.count > present / 10 * 9) {
        ignore(out, asy_ignored_ids);
    } else {
        out->type = ASY_COLUMN_CATEGORY;
        e = take_names(b, out);
        out->code = b->code;
        b->code = NULL;
    }
    asy_builder_fini(b);
    return e;
}

void asy_builder_fini(asy_builder *b)
{
    drop_numbers(b);
    asy_free(b->code);
    asy_dict_fini(&b->dict);
    asy_buf_fini(&b->scratch);
    *b = (asy_builder){0};
}
