/* describe.c - a table as people read it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/describe.h"
#include <string.h>
#include "base/text.h"
#include "cmd/chart.h"
#include "cmd/grid.h"
#include "cmd/term.h"

enum { MOST_COLUMNS = 60, BAR = 30 };

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static void add_number(asy_grid *g, const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    if (json_is_number(v))
        asy_grid_addf(g, "%.5g", json_number_value(v));
    else
        asy_grid_add(g, "");
}

/* Names and counts of the first categories, or why the column is ignored. */
static void add_remark(asy_grid *g, const json_t *column)
{
    asy_buf b = {0};
    const json_t *item;
    size_t i;
    if (json_object_get(column, "reason"))
        asy_buf_printf(&b, "ignored: %s", text_of(column, "reason"));
    if (json_object_get(column, "categories"))
        asy_buf_printf(
            &b, "%.0f: ", json_number_value(json_object_get(column, "categories")));
    json_array_foreach (json_object_get(column, "top"), i, item) {
        if (i < 4)
            asy_buf_printf(&b, "%s%s", i ? ", " : "", text_of(item, "name"));
        else if (i == 4)
            asy_buf_puts(&b, ", ...");
    }
    asy_grid_add(g, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void print_columns(const json_t *columns)
{
    static const char *const heads[] = {"column", "type", ">missing", ">min",
                                        ">mean",  ">max", ">std",     "categories"};
    asy_grid g;
    const json_t *c;
    size_t i;
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    json_array_foreach (columns, i, c) {
        if (i >= MOST_COLUMNS)
            break;
        asy_grid_add(&g, text_of(c, "name"));
        asy_grid_add(&g, text_of(c, "type"));
        add_number(&g, c, "missing");
        add_number(&g, c, "min");
        add_number(&g, c, "mean");
        add_number(&g, c, "max");
        add_number(&g, c, "std");
        add_remark(&g, c);
    }
    asy_grid_print(&g, stdout);
    if (json_array_size(columns) > MOST_COLUMNS)
        printf("... and %zu more columns; --json shows all\n",
               json_array_size(columns) - MOST_COLUMNS);
}

/* One class of the label: its name and how many rows have it. */
static void add_class(asy_grid *g, const json_t *item, double rows, double most)
{
    const json_t *name = json_object_get(item, "name");
    double count = json_number_value(json_object_get(item, "count"));
    asy_buf bar = {0};
    asy_chart_bar(&bar, count / most, BAR, asy_chart_is_fine(stdout));
    if (name)
        asy_grid_add(g, json_string_value(name));
    else
        asy_grid_addf(g, "%.6g", json_number_value(json_object_get(item, "value")));
    asy_grid_addf(g, "%.0f", count);
    asy_grid_addf(g, "%.1f %%", 100 * count / rows);
    asy_grid_add(g, asy_buf_text(&bar));
    asy_buf_fini(&bar);
}

static void print_balance(const json_t *column, double rows)
{
    static const char *const heads[] = {">class", ">rows", ">share", ""};
    asy_grid g;
    const json_t *item, *list = json_object_get(column, "top");
    size_t i;
    double most = 0;
    asy_buf name = {0};
    if (!list)
        list = json_object_get(column, "values");
    asy_put_clean(&name, text_of(column, "name"));
    printf("\nlabel %s\n", asy_buf_text(&name));
    asy_buf_fini(&name);
    json_array_foreach (list, i, item) {
        double count = json_number_value(json_object_get(item, "count"));
        most = count > most ? count : most;
    }
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    json_array_foreach (list, i, item)
        add_class(&g, item, rows, most);
    asy_grid_print(&g, stdout);
    size_t all = (size_t)json_number_value(json_object_get(column, "categories"));
    if (all > json_array_size(list))
        printf("... and %zu more classes\n", all - json_array_size(list));
}

void asy_describe_print(const char *name, const json_t *description, const char *label)
{
    const json_t *columns = json_object_get(description, "columns"), *c;
    double rows = json_number_value(json_object_get(description, "rows"));
    size_t i;
    asy_buf clean = {0};
    asy_put_clean(&clean, name);
    printf("%s%s%s: %.0f rows, %zu columns\n\n", asy_term_paint(stdout, ASY_BOLD),
           asy_buf_text(&clean), asy_term_paint(stdout, ASY_PLAIN), rows,
           json_array_size(columns));
    asy_buf_fini(&clean);
    print_columns(columns);
    json_array_foreach (columns, i, c)
        if (label && strcmp(text_of(c, "name"), label) == 0 &&
            (json_object_get(c, "top") || json_object_get(c, "values")))
            print_balance(c, rows - json_number_value(json_object_get(c, "missing")));
}
