/* grid.c - tables of text with aligned columns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/grid.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "cmd/term.h"

enum { GAP = 2, LEAST_LAST = 8 };

size_t asy_text_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void asy_put_clean(asy_buf *b, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        bool is_c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
        asy_buf_putc(b, c < 0x20 || c == 0x7f || is_c1 ? '?' : (char)c);
        text += is_c1;
    }
}

void asy_grid_open(asy_grid *g, const char *const *heads, size_t n)
{
    *g = (asy_grid){.columns = n};
    for (size_t i = 0; i < n; i++)
        asy_grid_add(g, heads[i]);
}

void asy_grid_fini(asy_grid *g)
{
    asy_free(g->cell);
    asy_arena_fini(&g->texts);
    *g = (asy_grid){0};
}

void asy_grid_add(asy_grid *g, const char *text)
{
    asy_buf b = {0};
    if (g->cells == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 64;
        g->cell = asy_realloc(g->cell, g->cap, sizeof *g->cell);
    }
    asy_put_clean(&b, text);
    g->cell[g->cells++] = asy_arena_strdup(&g->texts, asy_buf_text(&b));
    asy_buf_fini(&b);
}

void asy_grid_addf(asy_grid *g, const char *fmt, ...)
{
    asy_buf b = {0};
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(&b, fmt, args);
    va_end(args);
    asy_grid_add(g, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static bool is_right(const asy_grid *g, size_t column)
{
    return g->cell[column][0] == '>';
}

static const char *text_at(const asy_grid *g, size_t i)
{
    return i < g->columns && is_right(g, i) ? g->cell[i] + 1 : g->cell[i];
}

/* At most `room` letters of a text. */
static void put_cut(asy_buf *b, const char *text, size_t room)
{
    size_t n = 0, at = 0;
    for (; text[at]; at++) {
        n += ((unsigned char)text[at] & 0xc0) != 0x80;
        if (n > room)
            break;
    }
    asy_buf_add(b, text, at);
}

static void put_row(const asy_grid *g, size_t row, const size_t *width, size_t room,
                    asy_buf *line)
{
    for (size_t c = 0; c < g->columns; c++) {
        const char *text = text_at(g, row * g->columns + c);
        size_t pad = width[c] - asy_text_width(text);
        bool last = c + 1 == g->columns;
        if (is_right(g, c))
            asy_buf_printf(line, "%*s", (int)pad, "");
        put_cut(line, text, last && room ? room : SIZE_MAX);
        if (!last)
            asy_buf_printf(line, "%*s", (int)(is_right(g, c) ? GAP : pad + GAP), "");
    }
}

void asy_grid_print(asy_grid *g, FILE *f)
{
    size_t *width = asy_alloc(g->columns + 1, sizeof *width), before = 0, room = 0;
    for (size_t i = 0; i < g->cells; i++) {
        size_t w = asy_text_width(text_at(g, i));
        width[i % g->columns] = w > width[i % g->columns] ? w : width[i % g->columns];
    }
    for (size_t c = 0; c + 1 < g->columns; c++)
        before += width[c] + GAP;
    if (asy_term_is(f))
        room = asy_term_width(f) > before + LEAST_LAST ? asy_term_width(f) - before
                                                       : LEAST_LAST;
    for (size_t row = 0; row < g->cells / g->columns; row++) {
        asy_buf line = {0};
        put_row(g, row, width, room, &line);
        while (line.len > 0 && line.data[line.len - 1] == ' ')
            line.len--;
        fprintf(f, "%s%.*s%s\n", row == 0 ? asy_term_paint(f, ASY_BOLD) : "",
                (int)line.len, asy_buf_text(&line),
                row == 0 ? asy_term_paint(f, ASY_PLAIN) : "");
        asy_buf_fini(&line);
    }
    asy_free(width);
    asy_grid_fini(g);
}
