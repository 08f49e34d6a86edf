/* term.c - is somebody looking, how wide, and may it be coloured? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/term.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80 };

bool asy_term_is(FILE *f) { return isatty(fileno(f)); }

unsigned asy_term_width(FILE *f)
{
    struct winsize size;
    if (ioctl(fileno(f), TIOCGWINSZ, &size) || size.ws_col == 0)
        return USUAL_WIDTH;
    return size.ws_col;
}

static bool has_colors(FILE *f)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return asy_term_is(f) && !(off && *off) && !(term && strcmp(term, "dumb") == 0);
}

const char *asy_term_paint(FILE *f, asy_paint paint)
{
    if (!has_colors(f))
        return "";
    switch (paint) {
    case ASY_PLAIN: return "\033[0m";
    case ASY_BOLD: return "\033[1m";
    case ASY_DIM: return "\033[2m";
    case ASY_RED: return "\033[31m";
    case ASY_GREEN: return "\033[32m";
    case ASY_CYAN: return "\033[36m";
    }
    return "";
}
