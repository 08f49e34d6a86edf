/* findings.c - assay findings: what made the difference, with how sure that is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include "base/buf.h"
#include "cmd/command.h"
#include "cmd/grid.h"
#include "cmd/levels.h"
#include "cmd/pick.h"
#include "cmd/term.h"
#include "lab/findings.h"

static double number(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static const char *text(const json_t *o, const char *name)
{
    const char *t = json_string_value(json_object_get(o, name));
    return t ? t : "";
}

static void print_clean(const char *t)
{
    asy_buf b = {0};
    asy_put_clean(&b, t);
    fputs(asy_buf_text(&b), stdout);
    asy_buf_fini(&b);
}

/* --- one parameter --- */

static void print_holdout(const json_t *h)
{
    if (!isfinite(number(h, "difference"))) {
        printf("held-out half: %s\n", text(h, "verdict"));
        return;
    }
    printf("held-out half: ");
    print_clean(text(h, "better"));
    printf(" against ");
    print_clean(text(h, "worse"));
    printf(" %+.3g [%.3g, %.3g]: %s\n", number(h, "difference"), number(h, "low"),
           number(h, "high"), text(h, "verdict"));
}

static void print_parameter(const json_t *p)
{
    printf("\n%s", asy_term_paint(stdout, ASY_BOLD));
    print_clean(text(p, "parameter"));
    printf("%s explains %.1f %% [%.1f, %.1f] of the variance; chance alone %.1f %%\n",
           asy_term_paint(stdout, ASY_PLAIN), 100 * number(p, "eta2"),
           100 * number(p, "eta2_low"), 100 * number(p, "eta2_high"),
           100 * number(p, "eta2_by_chance"));
    print_clean(text(p, "text"));
    putchar('\n');
    if (number(p, "absent") > 0)
        printf("in %.0f proposals; %.0f do not have it\n", number(p, "n"),
               number(p, "absent"));
    asy_levels_print(json_object_get(p, "levels"));
    print_holdout(json_object_get(p, "holdout"));
}

/* --- the rest --- */

static void print_term(const json_t *line, const char *name, const char *what)
{
    const json_t *t = json_object_get(line, name);
    if (json_is_object(t))
        printf("  %-24s %.3g s  [%.3g, %.3g]\n", what, number(t, "value"),
               number(t, "low"), number(t, "high"));
}

static void print_time(const json_t *line)
{
    if (!json_is_object(line))
        return;
    printf("\n%straining time%s, a line through %.0f proposals (R2 %.2f)\n",
           asy_term_paint(stdout, ASY_BOLD), asy_term_paint(stdout, ASY_PLAIN),
           number(line, "n"), number(line, "r2"));
    print_term(line, "base", "to begin with");
    print_term(line, "layer", "for each hidden layer");
    print_term(line, "parameter", "for each learned number");
}

static void print_all(const json_t *found)
{
    const json_t *item;
    size_t i;
    printf("%s %s is better\n",
           json_is_true(json_object_get(found, "maximize")) ? "larger" : "smaller",
           text(found, "metric"));
    json_array_foreach (json_object_get(found, "parameters"), i, item)
        print_parameter(item);
    if (json_array_size(json_object_get(found, "parameters")) == 0)
        puts("\nno parameter varies: there is nothing to compare");
    print_time(json_object_get(found, "time"));
    putchar('\n');
    json_array_foreach (json_object_get(found, "notes"), i, item)
        printf("- %s\n", json_string_value(item));
}

static int findings(const asy_args *a)
{
    asy_store *store = NULL;
    asy_trials *t = NULL;
    asy_pick pick = {0};
    asy_err err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_pick_session(store, asy_args_at(a, 0), &pick);
    if (!err)
        err = asy_trials_load(store, pick.session.id, &t);
    if (!err) {
        json_t *found = asy_trials_findings(t);
        if (asy_args_flag(a, "json"))
            asy_print_json(found);
        else
            print_all(found);
        json_decref(found);
    }
    asy_trials_free(t);
    asy_pick_fini(&pick);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_findings = {
    .name = "findings",
    .summary = "say which parameters made the difference, and how sure that is",
    .arguments = "[SESSION]",
    .max_arguments = 1,
    .about = "For each parameter: the mean score of its levels with 95 % bootstrap "
             "intervals, "
             "the share of\nthe variance it explains beside what chance alone would "
             "show, and "
             "whether the better level,\nchosen on one half of the proposals, is "
             "better on the "
             "other half too. A ! marks levels with\nfewer than 5 proposals.\n",
    .options = options,
    .examples = "assay findings\n"
                "assay findings iris-3 --json\n",
    .run = findings};
