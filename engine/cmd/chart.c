/* chart.c - pictures out of letters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/chart.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "cmd/term.h"

enum { LABEL = 9 /* letters of a label at the left */ };

bool asy_chart_is_fine(FILE *f)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = "";
    for (size_t i = 0; i < sizeof names / sizeof *names && !*locale; i++)
        locale = getenv(names[i]) ? getenv(names[i]) : "";
    return asy_term_is(f) &&
           (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

static void repeat(asy_buf *b, const char *text, unsigned n)
{
    while (n-- > 0)
        asy_buf_puts(b, text);
}

void asy_chart_bar(asy_buf *b, double share, unsigned width, bool fine)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double s = share > 1 ? 1 : share > 0 ? share : 0;
    unsigned parts = (unsigned)lround(s * width * 8);
    repeat(b, fine ? "█" : "#", fine ? parts / 8 : (parts + 4) / 8);
    if (fine)
        asy_buf_puts(b, eighths[parts % 8]);
}

static unsigned place(double x, double least, double most, unsigned width)
{
    double share = most > least ? (x - least) / (most - least) : 0.5;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (unsigned)lround(share * (width - 1));
}

void asy_chart_interval(asy_buf *b, double low, double middle, double high,
                        double least, double most, unsigned width, bool fine)
{
    unsigned at = place(middle, least, most, width);
    unsigned from = isfinite(low) ? place(low, least, most, width) : at;
    unsigned to = isfinite(high) ? place(high, least, most, width) : at;
    const char *line = fine ? "─" : "-", *point = fine ? "●" : "o";
    for (unsigned i = 0; i < width; i++)
        asy_buf_puts(b, i == at ? point : i < from || i > to ? " " : line);
}

/* --- points --- */

/* The plane, in dots: a letter of Braille has two by four. */
typedef struct plane {
    unsigned columns, rows, width; /* width in letters */
    uint16_t *hits;                /* [rows * columns], owned */
    double x[2], y[2];             /* least and most, x on its scale */
} plane;

static double scaled(const asy_chart *c, double x) { return c->log_x ? log(x) : x; }

static bool is_shown(const asy_chart *c, size_t i)
{
    return isfinite(c->y[i]) && isfinite(scaled(c, c->x[i]));
}

static size_t measure(const asy_chart *c, plane *p)
{
    size_t n = 0;
    p->x[0] = p->y[0] = INFINITY;
    p->x[1] = p->y[1] = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        if (!is_shown(c, i))
            continue;
        double x = scaled(c, c->x[i]);
        p->x[0] = fmin(p->x[0], x);
        p->x[1] = fmax(p->x[1], x);
        p->y[0] = fmin(p->y[0], c->y[i]);
        p->y[1] = fmax(p->y[1], c->y[i]);
        n++;
    }
    return n;
}

static void strike(const asy_chart *c, plane *p)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!is_shown(c, i))
            continue;
        unsigned x = place(scaled(c, c->x[i]), p->x[0], p->x[1], p->columns);
        unsigned y = p->rows - 1 - place(c->y[i], p->y[0], p->y[1], p->rows);
        uint16_t *hit = &p->hits[(size_t)y * p->columns + x];
        *hit = *hit < UINT16_MAX ? (uint16_t)(*hit + 1) : *hit;
    }
}

/* The Braille letter of two by four dots, in UTF-8. */
static void put_braille(asy_buf *b, const plane *p, unsigned row, unsigned column)
{
    static const unsigned char dot[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned bits = 0;
    for (unsigned y = 0; y < 4; y++)
        for (unsigned x = 0; x < 2; x++)
            if (p->hits[(size_t)(row * 4 + y) * p->columns + column * 2 + x])
                bits |= dot[y][x];
    if (bits == 0) {
        asy_buf_putc(b, ' ');
        return;
    }
    asy_buf_putc(b, (char)0xe2);
    asy_buf_putc(b, (char)(0xa0 | bits >> 6));
    asy_buf_putc(b, (char)(0x80 | (bits & 0x3f)));
}

/* One, a few, many. */
static void put_ascii(asy_buf *b, const plane *p, unsigned row, unsigned column)
{
    uint16_t n = p->hits[(size_t)row * p->columns + column];
    asy_buf_putc(b, n == 0 ? ' ' : n < 2 ? '.' : n < 10 ? 'o' : '@');
}

static void put_plane(asy_buf *b, const asy_chart *c, const plane *p, bool fine)
{
    for (unsigned row = 0; row < c->height; row++) {
        size_t start = b->len;
        if (row == 0 || row + 1 == c->height)
            asy_buf_printf(b, "%*.4g ", LABEL, row == 0 ? p->y[1] : p->y[0]);
        else
            asy_buf_printf(b, "%*s ", LABEL, "");
        asy_buf_puts(b, fine ? "│" : "|");
        for (unsigned column = 0; column < c->width; column++) {
            if (fine)
                put_braille(b, p, row, column);
            else
                put_ascii(b, p, row, column);
        }
        while (b->len > start && b->data[b->len - 1] == ' ')
            b->len--;
        asy_buf_putc(b, '\n');
    }
}

static void put_x_axis(asy_buf *b, const asy_chart *c, const plane *p, bool fine)
{
    char from[32], to[32];
    snprintf(from, sizeof from, "%.4g", c->log_x ? exp(p->x[0]) : p->x[0]);
    snprintf(to, sizeof to, "%.4g", c->log_x ? exp(p->x[1]) : p->x[1]);
    asy_buf_printf(b, "%*s %s", LABEL, "", fine ? "└" : "+");
    repeat(b, fine ? "─" : "-", c->width);
    unsigned used = (unsigned)(strlen(from) + strlen(to));
    unsigned gap = c->width > used ? c->width - used : 1;
    asy_buf_printf(b, "\n%*s  %s%*s%s\n", LABEL, "", from, (int)gap, "", to);
    asy_buf_printf(b, "%*s  %s%s\n", LABEL, "", c->x_name,
                   c->log_x ? " (log scale)" : "");
}

void asy_chart_points(asy_buf *b, const asy_chart *c, bool fine)
{
    plane p = {.columns = c->width * (fine ? 2 : 1),
               .rows = c->height * (fine ? 4 : 1)};
    if (measure(c, &p) == 0)
        return;
    p.hits = asy_alloc((size_t)p.columns * p.rows, sizeof *p.hits);
    strike(c, &p);
    asy_buf_printf(b, "%*s %s\n", LABEL, "", c->y_name);
    put_plane(b, c, &p, fine);
    put_x_axis(b, c, &p, fine);
    asy_free(p.hits);
}
