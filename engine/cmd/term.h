/* term.h - is somebody looking, how wide, and may it be coloured? */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

typedef enum asy_paint {
    ASY_PLAIN,
    ASY_BOLD,
    ASY_DIM,
    ASY_RED,
    ASY_GREEN,
    ASY_CYAN
} asy_paint;

bool asy_term_is(FILE *f);

/* Columns; 80 when unknown, and for files and pipes. */
unsigned asy_term_width(FILE *f);

/* The escape sequence that starts a paint (ASY_PLAIN ends it), or "" when `f` is no
 * terminal, NO_COLOR is set or TERM is "dumb". Static. */
const char *asy_term_paint(FILE *f, asy_paint paint);
