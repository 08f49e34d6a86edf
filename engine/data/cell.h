/* cell.h - what the text of one cell says: missing, a number, or a text.
 *
 * Missing are, as written: an empty cell, ?, NA, N/A, n/a, #N/A, <NA>, NULL, Null,
 * null, None, and nan in any case with or without a sign. (A lone - is not: it is a
 * class name in real data sets.)
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

bool asy_cell_is_missing(const char *text, size_t len);

/* A number of the usual kind, [-]digits[.digits] with at most 15 digits, exactly. *form
 * (never 0) together with the value gives back the text, byte for byte. */
bool asy_cell_plain_number(const char *text, size_t len, double *value, uint8_t *form);
void asy_cell_put_plain(asy_buf *b, double value, uint8_t form);

/* Any other number of asy_text_number(), but no nan; -0 is 0. */
bool asy_cell_odd_number(const char *text, size_t len, double *value);

/* Moves text and len past blanks at both ends. */
void asy_cell_trim(const char **text, size_t *len);
