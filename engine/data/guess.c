/* guess.c - the dialect of delimited text, guessed from its first records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/guess.h"
#include <string.h>
#include "base/mem.h"
#include "data/builder.h"
#include "data/cell.h"
#include "data/dict.h"
#include "data/scan.h"

enum { RECORDS = 50 };

static bool is_empty_line(const char *text, size_t len)
{
    size_t n = len > 0 && text[len - 1] == '\n';
    n += len > n && text[len - 1 - n] == '\r';
    return n == len;
}

/* The cells of the first record when the first RECORDS all have that many, else 0. */
static uint32_t even_cells(const char *text, size_t len, char separator, bool final)
{
    uint32_t first = 0;
    for (int i = 0; i < RECORDS && len > 0; i++) {
        size_t next;
        uint32_t cells = asy_scan_first(text, len, separator, final, &next);
        if (cells == 0)
            break;
        if (!is_empty_line(text, next)) {
            if (first == 0)
                first = cells;
            if (cells != first)
                return 0;
        }
        text += next;
        len -= next;
    }
    return first;
}

char asy_guess_separator(const char *text, size_t len, bool final)
{
    static const char known[] = {'\t', ';', '|', ','};
    char best = ',';
    uint32_t most = 1;
    for (size_t i = 0; i < sizeof known; i++)
        if (even_cells(text, len, known[i], final) > 1)
            return known[i];
    for (size_t i = 0; i < sizeof known; i++) {
        size_t next;
        uint32_t cells = asy_scan_first(text, len, known[i], final, &next);
        if (cells > most) {
            best = known[i];
            most = cells;
        }
    }
    return best;
}

typedef enum cell_kind { MISSING, NUMBER, TEXT } cell_kind;

static cell_kind kind_of(const char *cell, size_t len, double *value)
{
    uint8_t form;
    if (asy_cell_is_missing(cell, len))
        return MISSING;
    return asy_cell_plain_number(cell, len, value, &form) ||
                   asy_cell_odd_number(cell, len, value)
               ? NUMBER
               : TEXT;
}

/* The records at hand and a look at their first. */
typedef struct sample {
    const char *text;
    asy_scan scan;
    asy_buf scratch;
} sample;

static void cell_at(sample *s, uint32_t row, uint32_t column, const char **cell,
                    size_t *len)
{
    const uint32_t *end = &s->scan.end[(size_t)row * s->scan.columns + column];
    size_t from = column ? (size_t)end[-1] + 1 : s->scan.row[row];
    *cell = s->text + from;
    *len = *end - from;
    asy_cell_content(cell, len, &s->scratch);
}

/* How a cell of the first record stands to those below it. */
typedef struct look {
    cell_kind kind;
    double value;
    bool above_numbers; /* the cells below are numbers, but for missing ones */
    bool seen_again;    /* below, or before in the first record */
} look;

static look look_at(sample *s, uint32_t column, asy_dict *names)
{
    const char *cell;
    size_t len;
    double value = 0;
    int32_t code;
    uint32_t numbers = 0, texts = 0, before = names->count;
    cell_at(s, 0, column, &cell, &len);
    look found = {.kind = kind_of(cell, len, &found.value)};
    if (asy_dict_intern(names, cell, len, &code))
        return found;
    found.seen_again = names->count == before;
    const char *name = asy_dict_text(names, code);
    size_t name_len = len;
    for (uint32_t row = 1; row < s->scan.rows; row++) {
        cell_at(s, row, column, &cell, &len);
        cell_kind kind = kind_of(cell, len, &value);
        numbers += kind == NUMBER;
        texts += kind == TEXT;
        found.seen_again |= len == name_len && memcmp(cell, name, len) == 0;
    }
    found.above_numbers = numbers > 0 && texts == 0;
    return found;
}

static bool names_columns(sample *s)
{
    uint32_t numbers = 0, counting = 0, texts = 0, again = 0;
    bool above_numbers = false;
    asy_dict names = {0};
    for (uint32_t c = 0; c < s->scan.columns && !above_numbers; c++) {
        look found = look_at(s, c, &names);
        above_numbers = found.kind == TEXT && found.above_numbers;
        texts += found.kind == TEXT;
        again += found.kind == TEXT && found.seen_again;
        numbers += found.kind == NUMBER;
        counting +=
            found.kind == NUMBER && (found.value == c || found.value == c + 1.0);
    }
    asy_dict_fini(&names);
    if (above_numbers)
        return true;
    return numbers == 0 ? texts > 0 && again == 0 : numbers == counting && numbers > 1;
}

bool asy_guess_header(const char *text, size_t len, char separator, bool final)
{
    size_t next;
    uint32_t columns = asy_scan_first(text, len, separator, final, &next);
    sample s = {.text = text};
    if (columns == 0 || asy_scan_init(&s.scan, separator, columns, UINT32_MAX, 1))
        return true;
    (void)asy_scan_block(&s.scan, text, len, final); /* faults are found again, later */
    if (s.scan.rows > RECORDS)
        s.scan.rows = RECORDS;
    bool header = s.scan.rows > 0 && names_columns(&s);
    asy_scan_fini(&s.scan);
    asy_buf_fini(&s.scratch);
    return header;
}
