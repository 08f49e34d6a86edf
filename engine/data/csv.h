/* csv.h - reads delimited text (RFC 4180 and its dialects) piece by piece.
 *
 * Quotes, CRLF and LF, a byte order mark, separators comma, semicolon, tab or bar
 * (guessed from the first lines), with or without a header (guessed). Text must be
 * UTF-8. Memory stays about the size of the columns that come out. Faults name the
 * line.
 *
 * Empty lines are skipped, unquoted cells trimmed of blanks, and a first line "sep=;"
 * obeyed. data/cell.h says what counts as missing. An empty column name becomes cN, one
 * given twice name_2 (with a warning). A column is a number when every present cell is
 * one, else a category. Ignored, with a reason, are columns without cells, text that
 * nearly never repeats (more than 50 rows of which nine of ten differ), and numbers
 * that only count the rows in a column without name or called id, index, row, rownames,
 * no or nr.
 */
#pragma once
#include "base/err.h"
#include "data/table.h"

typedef struct asy_csv_options {
    char separator; /* 0 = guess */
    int header; /* -1 = guess, 0 = none (columns are named c1, c2, ...), 1 = first line
                 */
    uint64_t max_bytes;   /* 0 = no limit */
    uint32_t max_columns; /* 0 = 100,000 */
    uint32_t max_field;   /* bytes; 0 = 1 MiB */
} asy_csv_options;

typedef struct asy_csv asy_csv;

/* A reader that is fed bytes (an upload) and ends in a table. */
asy_err asy_csv_new(const asy_csv_options *options, asy_csv **out);
asy_err asy_csv_feed(asy_csv *c, const void *bytes, size_t len);
asy_err asy_csv_end(asy_csv *c, asy_table **out); /* c stays to be freed */
void asy_csv_free(asy_csv *c);

/* The whole file at once. */
asy_err asy_csv_load(const char *path, const asy_csv_options *options, asy_table **out);
