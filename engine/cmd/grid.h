/* grid.h - tables of text with aligned columns. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdio.h>
#include "base/buf.h"
#include "base/mem.h"

typedef struct asy_grid {
    const char **cell; /* [cells], texts in the arena; owned */
    size_t cells, cap;
    size_t columns;
    asy_arena texts;
} asy_grid;

/* heads[n]; one that begins with '>' is aligned to the right. Borrowed. */
void asy_grid_open(asy_grid *g, const char *const *heads, size_t n);

/* The next cell, row by row. Control characters become '?', so that names from files
 * cannot steer the terminal. */
void asy_grid_add(asy_grid *g, const char *text);
void asy_grid_addf(asy_grid *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void asy_grid_fini(asy_grid *g);

/* Prints and empties the grid. On a terminal the last column is cut at its width. */
void asy_grid_print(asy_grid *g, FILE *f);

/* Appends text with control characters as '?'. */
void asy_put_clean(asy_buf *b, const char *text);

/* Letters that text takes on a terminal: its code points. */
size_t asy_text_width(const char *text);
