/* report.c - the leaderboard and the findings as people read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report.h"
#include <stdio.h>
#include "base/text.h"
#include "cmd/term.h"

enum { NAME_DIGITS = 4 };

static double number(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

/* "depth=3 rate=0.0123": the parameters of a proposal, numbers in four digits. */
static void put_params(asy_buf *b, const json_t *params)
{
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)params, name, v) {
        asy_buf_printf(b, "%s%s=", b->len ? " " : "", name);
        if (json_is_string(v))
            asy_buf_puts(b, json_string_value(v));
        else if (json_is_real(v))
            asy_buf_printf(b, "%.*g", NAME_DIGITS, json_real_value(v));
        else
            asy_json_canonical(b, v);
    }
}

/* "[0.95, 0.97] of 5", or nothing when there was one trial. */
static void put_interval(asy_buf *b, const json_t *row)
{
    if (json_is_number(json_object_get(row, "low")))
        asy_buf_printf(b, "[%.4g, %.4g] of %.0f", number(row, "low"),
                       number(row, "high"), number(row, "n"));
}

static void print_row(const json_t *row)
{
    asy_buf params = {0}, interval = {0}, time = {0};
    put_params(&params, json_object_get(row, "params"));
    put_interval(&interval, row);
    asy_text_put_seconds(&time, number(row, "seconds"));
    printf("%5.0f %7.0f  %-9.4g %s%s%8s %9.0f  %s\n", number(row, "rank"),
           number(row, "number"), number(row, "score"), asy_buf_text(&interval),
           interval.len ? "  " : "", asy_buf_text(&time), number(row, "parameters"),
           asy_buf_text(&params));
    asy_buf_fini(&params);
    asy_buf_fini(&interval);
    asy_buf_fini(&time);
}

void asy_report_best(const json_t *best, const asy_aim *aim)
{
    size_t i;
    json_t *row;
    printf("\n%s%s first by %s%s\n", asy_term_paint(stdout, ASY_BOLD),
           aim->maximize ? "largest" : "smallest", aim->metric,
           asy_term_paint(stdout, ASY_PLAIN));
    printf(" rank   trial  %-9.9s    time  learned   parameters\n", aim->metric);
    json_array_foreach (best, i, row)
        print_row(row);
    if (json_array_size(best) == 0)
        puts("  no trial was scored");
}

static void print_finding(const json_t *f)
{
    const char *text = json_string_value(json_object_get(f, "text"));
    const char *name = json_string_value(json_object_get(f, "parameter"));
    printf("  %3.0f %%  %s%s%s\n", 100 * number(f, "eta2"),
           text   ? ""
           : name ? name
                  : "",
           text ? "" : " explains this share of the scores' variance",
           text ? text : "");
}

void asy_report_findings(const json_t *findings, const asy_aim *aim)
{
    size_t i;
    json_t *f;
    const json_t *list = json_object_get(findings, "parameters");
    if (json_array_size(list) == 0)
        return;
    printf("\n%swhat made the difference in %s%s (share of the variance)\n",
           asy_term_paint(stdout, ASY_BOLD), aim->metric,
           asy_term_paint(stdout, ASY_PLAIN));
    json_array_foreach (list, i, f)
        print_finding(f);
}
