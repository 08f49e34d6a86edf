/* scan.h - finds the cells of delimited text, block by block: where records begin and
 * where their cells end. What the cells say is not looked at (see builder.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef struct asy_scan {
    char separator;
    uint32_t columns;   /* cells that every record must have */
    uint32_t max_field; /* bytes */
    uint64_t line; /* of the next record, from 1; counts the newlines in quotes too */

    /* The block found last, as offsets into its text. Cell c of record r ends at
     * end[r * columns + c]; it starts at row[r] or one past the end of the cell before.
     */
    uint32_t rows, cap;
    uint32_t *row; /* [cap], owned */
    uint32_t *end; /* [cap * columns], owned */
    size_t used;   /* bytes of the text that the records took */
} asy_scan;

asy_err asy_scan_init(asy_scan *s, char separator, uint32_t columns, uint32_t max_field,
                      uint64_t line);
void asy_scan_fini(asy_scan *s);

/* Finds the next whole records of text[0..len), len < 4 GiB, as many as fit a block.
 * Empty lines are skipped. `final`: the text ends here, so the last record needs no
 * newline. Faults (ASY_EARG) name the line: a record of another length, a quote never
 * closed, text after a closing quote, a cell above max_field. */
asy_err asy_scan_block(asy_scan *s, const char *text, size_t len, bool final);

/* The cells of the first record of text, for guessing: how many, 0 when the text holds
 * no whole record. *next is the offset of the record after it. */
uint32_t asy_scan_first(const char *text, size_t len, char separator, bool final,
                        size_t *next);
