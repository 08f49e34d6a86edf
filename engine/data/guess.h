/* guess.h - the dialect of delimited text, guessed from its first records. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tab, semicolon, bar or comma: the first of these that splits every record at hand
 * into the same number of cells, at least two; else the one that gives the first record
 * the most cells. */
char asy_guess_separator(const char *text, size_t len, bool final);

/* True when the first record names the columns: a text stands above numbers; or no cell
 * is a number and all differ, from each other and from the cells below them; or its
 * numbers only count the columns (0,1,2,class). */
bool asy_guess_header(const char *text, size_t len, char separator, bool final);
