/* builder.h - grows one column of a table out of the text of its cells.
 *
 * A column is a number as long as every cell is one; the first other text makes it a
 * category, and the cells before it get back the text they were written as: plain
 * numbers keep a byte that says how they were written, odd ones (1e5, 0x10) their text.
 * So one pass is enough and no text of numbers is kept.
 */
#pragma once
#include "base/buf.h"
#include "data/dict.h"
#include "data/scan.h"
#include "data/table.h"

typedef enum asy_builder_kind {
    ASY_BUILDER_EMPTY, /* only missing cells so far */
    ASY_BUILDER_NUMBER,
    ASY_BUILDER_TEXT
} asy_builder_kind;

typedef struct asy_builder {
    asy_builder_kind kind;
    size_t rows, cap;
    size_t expected; /* rows that may come: a hint, so that arrays need not move */
    uint64_t missing;
    double *number; /* [cap] in NUMBER, owned; NaN is missing */
    uint8_t *form; /* [cap] in NUMBER, owned; 0: missing or odd (see cell.h). NULL while
                      all are whole numbers without leading zeros */
    char *odd;     /* owned; texts of odd numbers in order of rows, each with its NUL */
    size_t odd_len, odd_cap;
    int32_t *code; /* [cap] in TEXT, owned; -1 is missing */
    asy_dict dict; /* in TEXT */
    asy_buf scratch;
} asy_builder;

/* Adds column `column` of the block that `s` found in text[0..len). ASY_ENOMEM. */
asy_err asy_builder_add(asy_builder *b, const asy_scan *s, uint32_t column,
                        const char *text, size_t len);

/* Moves the finished column into *out (all but its name) and empties the builder.
 * Columns without content, and text that nearly never repeats, become
 * ASY_COLUMN_IGNORED. */
asy_err asy_builder_end(asy_builder *b, asy_column *out);

void asy_builder_fini(asy_builder *b);

/* The content of a cell as it lies in the text: without quotes, or trimmed of blanks.
 * It points into the cell or, when quotes inside had to go, into *scratch. */
void asy_cell_content(const char **cell, size_t *len, asy_buf *scratch);
