/* csv.c - reads delimited text piece by piece into a typed table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/builder.h"
#include "data/guess.h"

enum {
    PIECE = 1 << 18,      /* bytes looked at together */
    SAMPLE = 1 << 16,     /* bytes the dialect is guessed from */
    MAX_RECORD = 1 << 25, /* bytes */
    MAX_COLUMNS = 100000, /* defaults of the options */
    MAX_FIELD = 1 << 20,
};

struct asy_csv {
    asy_csv_options options;
    asy_err err;  /* the first failure; the reader stays failed */
    bool started; /* the dialect is known and the columns are made */
    bool had_header;
    asy_buf pending; /* bytes not yet read as records */
    size_t wake;     /* pending bytes at which another look is worth it */
    uint64_t total;  /* bytes fed */
    uint64_t size;   /* bytes of the whole file, or 0 when not known */
    asy_scan scan;
    uint64_t rows;
    uint32_t columns;
    char **name;          /* [columns], owned */
    asy_builder *builder; /* [columns], owned */
};

asy_err asy_csv_new(const asy_csv_options *options, asy_csv **out)
{
    static const asy_csv_options defaults = {.header = -1};
    *out = NULL;
    if (options && options->separator && strchr("\"\r\n", options->separator))
        return asy_fail(ASY_EARG, "separator: a quote or a line end cannot part cells");
    asy_csv *c = asy_alloc(1, sizeof *c);
    c->options = options ? *options : defaults;
    if (c->options.max_columns == 0)
        c->options.max_columns = MAX_COLUMNS;
    if (c->options.max_field == 0)
        c->options.max_field = MAX_FIELD;
    c->scan.line = 1;
    *out = c;
    return ASY_OK;
}

void asy_csv_free(asy_csv *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->columns; i++) {
        if (c->builder)
            asy_builder_fini(&c->builder[i]);
        if (c->name)
            asy_free(c->name[i]);
    }
    asy_free(c->builder);
    asy_free(c->name);
    asy_scan_fini(&c->scan);
    asy_buf_fini(&c->pending);
    asy_free(c);
}

/* --- the start: dialect and names ------------------------------------------------ */

static asy_err check_is_text(const char *text, size_t len)
{
    if (len >= 2 &&
        (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return asy_fail(ASY_EARG, "the file is UTF-16; save it as UTF-8");
    if (len >= 4 && memcmp(text, "PK\3\4", 4) == 0)
        return asy_fail(
            ASY_EARG, "the file is a zip archive (a spreadsheet?), not CSV; export it "
                      "as CSV");
    if (len >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
        return asy_fail(ASY_EARG, "the file is compressed with gzip; unpack it first");
    if (memchr(text, '\r', len) && !memchr(text, '\n', len))
        return asy_fail(ASY_EARG,
                        "lines end in bare carriage returns; save the file with "
                        "LF or CRLF line ends");
    return ASY_OK;
}

/* Bytes of a record must be UTF-8 without NUL. `line` is that of text[0]. */
static asy_err check_bytes(const char *text, size_t len, uint64_t line)
{
    const char *nul = memchr(text, '\0', len);
    size_t bad = len;
    unsigned char high = 0;
    for (size_t i = 0; i < len; i++)
        high |= (unsigned char)text[i];
    if (high & 0x80)
        (void)asy_text_is_utf8(text, len, &bad);
    if (nul && (size_t)(nul - text) < bad)
        bad = (size_t)(nul - text);
    if (bad >= len)
        return ASY_OK;
    for (size_t i = 0; i < bad; i++)
        line += text[i] == '\n';
    if (text[bad] == '\0')
        return asy_fail(ASY_EARG, "line %llu: a zero byte; this is not a text file",
                        (unsigned long long)line);
    return asy_fail(ASY_EARG,
                    "line %llu: byte 0x%02X is not UTF-8; save the file as UTF-8",
                    (unsigned long long)line, (unsigned char)text[bad]);
}

/* The names given so far. */
typedef struct naming {
    asy_dict taken;
    uint32_t *copies; /* [columns], by code: how often a name was asked for */
    uint32_t renamed; /* columns that asked for a name that was taken */
    uint32_t first;   /* the first of them */
} naming;

/* Puts a name into *text that no other column has: an empty one becomes cN, one that is
 * taken becomes name_2, name_3, ... */
static asy_err choose_name(naming *n, uint32_t column, const char *cell, size_t len,
                           asy_buf *text)
{
    int32_t stem, code;
    asy_buf_add(text, cell, len);
    if (len == 0)
        asy_buf_printf(text, "c%u", column + 1);
    uint32_t known = n->taken.count;
    asy_err e = asy_dict_intern(&n->taken, text->data, text->len, &stem);
    if (e || n->taken.count > known)
        return e;
    if (n->renamed++ == 0)
        n->first = column;
    size_t stem_len = text->len;
    do {
        text->len = stem_len;
        asy_buf_printf(text, "_%u", ++n->copies[stem] + 1);
    } while (asy_dict_find(&n->taken, text->data, text->len) >= 0);
    return asy_dict_intern(&n->taken, text->data, text->len, &code);
}

/* Names from the first record, or c1, c2, ... without one. */
static asy_err make_names(asy_csv *c, const char *text)
{
    naming n = {.copies = asy_try_alloc(c->columns, sizeof *n.copies)};
    asy_buf scratch = {0};
    asy_err e = n.copies ? ASY_OK : asy_fail(ASY_ENOMEM, "no memory for names");
    for (uint32_t i = 0; !e && i < c->columns; i++) {
        size_t from = i ? (size_t)c->scan.end[i - 1] + 1 : c->scan.row[0];
        size_t len = c->had_header ? c->scan.end[i] - from : 0;
        const char *cell = text + from;
        asy_cell_content(&cell, &len, &scratch);
        asy_buf name = {0};
        e = choose_name(&n, i, cell, len, &name);
        c->name[i] = asy_buf_take(&name);
    }
    if (n.renamed > 0)
        asy_log(ASY_WARN, "%u column name%s given twice; column %u is now called %s",
                n.renamed, n.renamed == 1 ? " is" : "s are", n.first + 1,
                c->name[n.first]);
    asy_buf_fini(&scratch);
    asy_dict_fini(&n.taken);
    asy_free(n.copies);
    return e;
}

static asy_err make_columns(asy_csv *c, uint32_t columns)
{
    if (columns > c->options.max_columns)
        return asy_fail(ASY_EARG,
                        "the first line has %u cells; at most %u columns are read",
                        columns, c->options.max_columns);
    c->name = asy_try_alloc(columns, sizeof *c->name);
    c->builder = asy_try_alloc(columns, sizeof *c->builder);
    c->columns = columns;
    if (!c->name || !c->builder)
        return asy_fail(ASY_ENOMEM, "no memory for %u columns", columns);
    return asy_scan_init(&c->scan, c->options.separator, columns, c->options.max_field,
                         c->scan.line);
}

/* Drops what comes before the first record: a byte order mark and empty lines. */
static void skip_to_content(asy_csv *c)
{
    size_t n = 0;
    asy_buf *p = &c->pending;
    if (c->total == p->len && p->len >= 3 && memcmp(p->data, "\xef\xbb\xbf", 3) == 0)
        n = 3;
    while (n < p->len && (p->data[n] == '\n' || p->data[n] == '\r'))
        c->scan.line += p->data[n++] == '\n';
    memmove(p->data, p->data + n, p->len - n);
    p->len -= n;
}

/* Spreadsheets may say the separator in a first line of their own: "sep=;". */
static void take_separator_line(asy_csv *c)
{
    asy_buf *p = &c->pending;
    size_t end = 5;
    if (c->options.separator || p->len < 6 || strncasecmp(p->data, "sep=", 4) != 0)
        return;
    end += p->data[end] == '\r';
    if (end >= p->len || p->data[end] != '\n' || strchr("\"\r\n", p->data[4]))
        return;
    c->options.separator = p->data[4];
    c->scan.line++;
    p->len -= ++end;
    memmove(p->data, p->data + end, p->len);
}

/* Guesses the dialect from the pending bytes and makes the columns. The header, if
 * there is one, is used up. Stays unstarted while the first record is not whole. */
static asy_err start(asy_csv *c, bool final)
{
    if (c->pending.len == 0)
        return ASY_OK;
    asy_err e = check_is_text(c->pending.data, c->pending.len);
    if (e)
        return e;
    skip_to_content(c);
    take_separator_line(c);
    const char *text = asy_buf_text(&c->pending);
    size_t len = c->pending.len, next;
    if (c->options.separator == 0)
        c->options.separator = asy_guess_separator(text, len, final);
    char separator = c->options.separator;
    uint32_t columns = asy_scan_first(text, len, separator, final, &next);
    if (columns == 0)
        return ASY_OK;
    c->had_header =
        c->options.header > 0 ||
        (c->options.header < 0 && asy_guess_header(text, len, separator, final));
    e = make_columns(c, columns);
    uint64_t line = c->scan.line;
    if (!e)
        e = asy_scan_block(&c->scan, text, next, true);
    if (!e)
        e = check_bytes(text, next, line);
    if (!e)
        e = make_names(c, text);
    if (e)
        return e;
    c->started = true;
    if (!c->had_header) {
        c->scan.line = line;
        return ASY_OK;
    }
    memmove(c->pending.data, text + next, len - next);
    c->pending.len -= next;
    return ASY_OK;
}

/* --- the rows ----------------------------------------------------------------------
 */

/* After the first block: how many rows a file of that size may hold, and some more. */
static void expect_rows(asy_csv *c)
{
    if (c->rows > 0 || c->scan.used == 0)
        return;
    double rows = (double)c->size / (double)c->scan.used * c->scan.rows * 1.02;
    for (uint32_t i = 0; i < c->columns && rows < INT32_MAX; i++)
        c->builder[i].expected = (size_t)rows;
}

static asy_err add_block(asy_csv *c, const char *text, size_t len)
{
    asy_err e = ASY_OK;
    expect_rows(c);
    for (uint32_t i = 0; !e && i < c->columns; i++)
        e = asy_builder_add(&c->builder[i], &c->scan, i, text, len);
    c->rows += c->scan.rows;
    if (!e && c->rows > INT32_MAX)
        e = asy_fail(ASY_EARG, "more than %d rows", INT32_MAX);
    return e;
}

/* Reads all whole records of the pending bytes. */
static asy_err consume(asy_csv *c, bool final)
{
    const char *text = asy_buf_text(&c->pending);
    size_t at = 0;
    asy_err e = ASY_OK;
    while (!e && at < c->pending.len) {
        uint64_t line = c->scan.line;
        e = asy_scan_block(&c->scan, text + at, c->pending.len - at, final);
        if (!e && c->scan.used == 0)
            break;
        if (!e)
            e = check_bytes(text + at, c->scan.used, line);
        if (!e)
            e = add_block(c, text + at, c->pending.len - at);
        at += c->scan.used;
    }
    if (e)
        return e;
    memmove(c->pending.data, text + at, c->pending.len - at);
    c->pending.len -= at;
    return ASY_OK;
}

/* A record that is not whole yet is looked at again when twice as much is there. */
static asy_err advance(asy_csv *c, bool final)
{
    asy_err e = ASY_OK;
    if (!final && c->pending.len < c->wake)
        return ASY_OK;
    if (!c->started)
        e = start(c, final);
    if (!e && c->started && c->pending.len > 0)
        e = consume(c, final);
    c->wake = c->started ? c->pending.len * 2 : c->pending.len * 2 + SAMPLE;
    if (!e && c->pending.len > MAX_RECORD)
        e = asy_fail(ASY_EARG, "line %llu: longer than %d bytes",
                     (unsigned long long)c->scan.line, MAX_RECORD);
    return e;
}

/* After `len` bytes have been put behind the pending ones. */
static asy_err take_piece(asy_csv *c, size_t len)
{
    c->pending.len += len;
    c->total += len;
    if (c->options.max_bytes && c->total > c->options.max_bytes)
        return c->err = asy_fail(ASY_EARG, "the file is larger than %llu bytes",
                                 (unsigned long long)c->options.max_bytes);
    return c->err = advance(c, false);
}

asy_err asy_csv_feed(asy_csv *c, const void *bytes, size_t len)
{
    const char *p = bytes;
    if (c->total == 0)
        c->wake = SAMPLE;
    while (!c->err && len > 0) {
        size_t n = len < PIECE ? len : PIECE;
        memcpy(asy_buf_reserve(&c->pending, n), p, n);
        (void)take_piece(c, n);
        p += n;
        len -= n;
    }
    return c->err;
}

/* --- the end -------------------------------------------------------------------------
 */

/* True for columns that only count the rows, as programs write beside their tables. */
static bool is_index(const asy_column *col, uint64_t rows, bool unnamed)
{
    static const char *const names[] = {"id", "index", "row",       "rownames",
                                        "no", "nr",    "unnamed: 0"};
    bool known = unnamed;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        known |= strcasecmp(col->name, names[i]) == 0;
    if (!known || col->type != ASY_COLUMN_NUMBER || rows < 3)
        return false;
    for (uint64_t r = 1; r < rows; r++)
        if (col->number[r] != col->number[r - 1] + 1)
            return false;
    return true;
}

/* "1,5" and "2": numbers in many countries, but "1,5" is a text here. */
static bool is_comma_number(const char *text, bool *has_comma)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    *has_comma = text[whole] == ',';
    if (whole == 0 || !*has_comma)
        return whole > 0 && text[whole] == '\0';
    size_t decimals = strspn(text + whole + 1, "0123456789");
    return decimals > 0 && text[whole + 1 + decimals] == '\0';
}

/* Most of the column's first texts have a comma, and the others are whole numbers. */
static void warn_of_commas(const asy_csv *c, uint32_t i)
{
    const asy_dict *d = &c->builder[i].dict;
    uint32_t n = d->count < 20 ? d->count : 20, commas = 0;
    const char *example = NULL;
    for (uint32_t k = 0; k < n; k++) {
        const char *text = asy_dict_text(d, (int32_t)k);
        bool has_comma;
        if (!is_comma_number(text, &has_comma))
            return;
        commas += has_comma;
        example = has_comma && !example ? text : example;
    }
    if (commas > 1 && 2 * commas > n)
        asy_log(
            ASY_WARN,
            "column %s is taken for text: its numbers have a decimal comma (%s); write "
            "them with a point",
            c->name[i], example);
}

static asy_err end_column(asy_csv *c, uint32_t i, asy_column *col)
{
    warn_of_commas(c, i);
    asy_err e = asy_builder_end(&c->builder[i], col);
    col->name = c->name[i];
    c->name[i] = NULL;
    char generated[16];
    snprintf(generated, sizeof generated, "c%u", i + 1);
    if (!e &&
        is_index(col, c->rows, c->had_header && strcmp(col->name, generated) == 0)) {
        col->type = ASY_COLUMN_IGNORED;
        col->reason = asy_ignored_index;
    }
    return e;
}

static asy_err check_has_rows(const asy_csv *c)
{
    if (!c->started)
        return asy_fail(ASY_EARG,
                        "the file is empty: a line of names and rows expected");
    if (c->rows == 0)
        return asy_fail(ASY_EARG, "the file has a line of %u names but no rows",
                        c->columns);
    return ASY_OK;
}

asy_err asy_csv_end(asy_csv *c, asy_table **out)
{
    *out = NULL;
    if (!c->err)
        c->err = advance(c, true);
    if (!c->err)
        c->err = check_has_rows(c);
    if (c->err)
        return c->err;
    asy_table *t = asy_table_new();
    t->column = asy_try_alloc(c->columns, sizeof *t->column);
    asy_err e = t->column
                    ? ASY_OK
                    : asy_fail(ASY_ENOMEM, "no memory for %u columns", c->columns);
    for (uint32_t i = 0; !e && i < c->columns; i++) {
        t->columns++;
        e = end_column(c, i, &t->column[i]);
    }
    t->rows = c->rows;
    if (e) {
        asy_table_free(t);
        return c->err = e;
    }
    asy_table_seal(t);
    *out = t;
    return ASY_OK;
}

/* --- files --- */

/* Reads straight into the pending bytes. */
static asy_err feed_file(asy_csv *c, int fd)
{
    asy_err e = ASY_OK;
    c->wake = SAMPLE;
    while (!e) {
        ssize_t n = read(fd, asy_buf_reserve(&c->pending, PIECE), PIECE);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            e = asy_fail(ASY_EIO, "%m");
        if (n > 0)
            e = take_piece(c, (size_t)n);
    }
    return e;
}

asy_err asy_csv_load(const char *path, const asy_csv_options *options, asy_table **out)
{
    struct stat about;
    asy_csv *c = NULL;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return asy_fail(ASY_EIO, "%s: %m", path);
    asy_err e = asy_csv_new(options, &c);
    if (!e && fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        c->size = (uint64_t)about.st_size;
    if (!e)
        e = feed_file(c, fd);
    if (!e)
        e = asy_csv_end(c, out);
    if (e)
        asy_fail_in(e, "%s", path);
    asy_csv_free(c);
    close(fd);
    return e;
}
