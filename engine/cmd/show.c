/* show.c - assay show: a session at a glance. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "cmd/chart.h"
#include "cmd/command.h"
#include "cmd/failures.h"
#include "cmd/grid.h"
#include "cmd/levels.h"
#include "cmd/pick.h"
#include "cmd/report.h"
#include "cmd/term.h"
#include "cmd/view.h"
#include "lab/trials.h"
#include "lab/verb.h"

enum { WIDE = 60, HIGH = 12, MARGIN = 14 };

/* --- the summary --- */

static void say(const char *name, const char *value)
{
    asy_buf b = {0};
    asy_put_clean(&b, value);
    if (*value)
        printf("  %-9s %s\n", name, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void put_count(asy_buf *b, uint64_t n, const char *what)
{
    if (n > 0)
        asy_buf_printf(b, "%s%llu %s", b->len ? ", " : "", (unsigned long long)n, what);
}

static void print_summary(const asy_row_session *s)
{
    asy_buf counts = {0}, time = {0}, when = {0};
    put_count(&counts, s->done, "done");
    put_count(&counts, s->failed, "failed");
    put_count(&counts, s->pruned, "pruned");
    put_count(&counts, s->cancelled, "cancelled");
    put_count(&counts, s->cached, "of them from the cache");
    asy_text_put_seconds(&time, s->seconds);
    asy_view_time(&when, s->created);
    printf("%ssession %s%s: %s\n", asy_term_paint(stdout, ASY_BOLD), s->name,
           asy_term_paint(stdout, ASY_PLAIN), asy_verb_state(s->state));
    say("title", s->title);
    say("rule", s->rule_name);
    printf("  %-9s %.16s, label ", "data", s->dataset);
    asy_buf label = {0};
    asy_put_clean(&label, s->label);
    printf("%s\n", asy_buf_text(&label));
    asy_buf_fini(&label);
    say("trials", counts.len ? asy_buf_text(&counts) : "none");
    say("started", asy_buf_text(&when));
    say("time", asy_buf_text(&time));
    say("error", s->error);
    asy_buf_fini(&counts);
    asy_buf_fini(&time);
    asy_buf_fini(&when);
}

/* --- the plot --- */

/* A quantity of each proposal: a parameter, or a fact of its networks. */
typedef struct quantity {
    const char *name;
    const asy_factor *factor; /* NULL: a fact */
    double *value;            /* [rows], owned; NaN where there is none */
} quantity;

static double fact(const asy_proposal *p, const char *name)
{
    if (strcmp(name, "layers") == 0)
        return p->layers;
    if (strcmp(name, "learned") == 0)
        return p->parameters;
    return p->seconds.n ? p->seconds.mean : NAN;
}

static asy_err fail_quantity(const asy_trials *t, const char *name)
{
    const char *names[ASY_MAX_FACTORS + 3] = {"layers", "learned", "seconds"};
    size_t n = 3;
    asy_buf b = {0};
    for (size_t i = 0; i < t->factors; i++)
        names[n++] = t->factor[i].name;
    const char *near = asy_text_nearest(name, names, n);
    asy_buf_printf(&b, "plot: no parameter is named \"%s\"", name);
    if (near)
        asy_buf_printf(&b, "; did you mean \"%s\"?", near);
    asy_buf_puts(&b, " Known: ");
    for (size_t i = 0; i < n; i++)
        asy_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    asy_err err = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    return err;
}

static asy_err find_quantity(const asy_trials *t, const char *name, quantity *q)
{
    *q = (quantity){.name = name};
    for (size_t i = 0; i < t->factors; i++)
        if (strcmp(t->factor[i].name, name) == 0)
            q->factor = &t->factor[i];
    bool known = q->factor || strcmp(name, "layers") == 0 ||
                 strcmp(name, "learned") == 0 || strcmp(name, "seconds") == 0;
    if (!known)
        return fail_quantity(t, name);
    q->value = asy_alloc(t->rows + 1, sizeof *q->value);
    for (size_t i = 0; i < t->rows; i++)
        q->value[i] = q->factor ? q->factor->number[i] : fact(&t->row[i], name);
    return ASY_OK;
}

static void plot_numbers(const asy_trials *t, const quantity *q)
{
    asy_buf picture = {0}, name = {0};
    double *score = asy_alloc(t->rows + 1, sizeof *score);
    unsigned width = asy_term_width(stdout);
    width = width < WIDE / 2 + MARGIN ? WIDE / 2 : width - MARGIN;
    asy_put_clean(&name, q->name);
    for (size_t i = 0; i < t->rows; i++)
        score[i] = t->row[i].score.n ? t->row[i].score.mean : NAN;
    const asy_chart c = {.x = q->value,
                         .y = score,
                         .n = t->rows,
                         .x_name = asy_buf_text(&name),
                         .y_name = t->metric,
                         .log_x = q->factor && q->factor->is_log,
                         .width = width < WIDE ? width : WIDE,
                         .height = HIGH};
    asy_chart_points(&picture, &c, asy_chart_is_fine(stdout));
    printf("\n%s", asy_buf_text(&picture));
    asy_buf_fini(&picture);
    asy_buf_fini(&name);
    asy_free(score);
}

/* What findings say about a parameter; NULL when it does not vary. The first one is the
 * parameter that explains most. Borrowed. */
static const json_t *effect_of(const json_t *found, const char *name)
{
    const json_t *p;
    size_t i;
    json_array_foreach (json_object_get(found, "parameters"), i, p)
        if (!name ||
            strcmp(json_string_value(json_object_get(p, "parameter")), name) == 0)
            return p;
    return NULL;
}

/* Texts have no order: the mean of each, with its interval. */
static void plot_levels(const asy_trials *t, const json_t *effect)
{
    asy_buf name = {0};
    asy_put_clean(&name, json_string_value(json_object_get(effect, "parameter")));
    printf("\n%s by %s\n", t->metric, asy_buf_text(&name));
    asy_levels_print(json_object_get(effect, "levels"));
    asy_buf_fini(&name);
}

/* name: a quantity that is known to be there, or NULL. */
static void plot(const asy_trials *t, const char *name)
{
    quantity q = {0};
    json_t *found = asy_trials_findings(t);
    const json_t *effect = effect_of(found, name);
    if (!name && effect)
        name = json_string_value(json_object_get(effect, "parameter"));
    if (name && !find_quantity(t, name, &q)) {
        if (effect && q.factor && q.factor->has_text)
            plot_levels(t, effect);
        else
            plot_numbers(t, &q);
    }
    asy_free(q.value);
    json_decref(found);
}

/* --- the command --- */

static void print_json(const asy_pick *p, const asy_aim *aim, const json_t *best)
{
    json_t *o = asy_verb_session(&p->session);
    json_object_set_new(o, "metric", json_string(aim->metric));
    json_object_set_new(o, "maximize", json_boolean(aim->maximize));
    json_object_set(o, "best", (json_t *)(uintptr_t)best);
    asy_print_json(o);
    json_decref(o);
}

static asy_err print(const asy_args *a, asy_store *s, const asy_pick *p,
                     const asy_trials *t)
{
    asy_err err = ASY_OK;
    json_t *best = asy_trials_best(t, (size_t)asy_args_whole(a, "top"));
    asy_aim aim = asy_pick_aim(&p->session);
    if (asy_args_flag(a, "json")) {
        print_json(p, &aim, best);
    } else {
        print_summary(&p->session);
        asy_report_best(best, &aim);
        err = asy_failures_print(s, p->session.id);
        plot(t, asy_args_text(a, "plot"));
        if (*p->session.digest)
            printf("\ndigest %s\n", p->session.digest);
    }
    json_decref(best);
    return err;
}

/* A wrong name is told before anything is printed. */
static asy_err check_plot(const asy_args *a, const asy_trials *t)
{
    quantity q = {0};
    const char *name = asy_args_text(a, "plot");
    asy_err err = name ? find_quantity(t, name, &q) : ASY_OK;
    asy_free(q.value);
    return err;
}

static int show(const asy_args *a)
{
    asy_store *store = NULL;
    asy_trials *t = NULL;
    asy_pick pick = {0};
    asy_err err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_pick_session(store, asy_args_at(a, 0), &pick);
    if (!err)
        err = asy_trials_load(store, pick.session.id, &t);
    if (!err)
        err = check_plot(a, t);
    if (!err)
        err = print(a, store, &pick, t);
    asy_trials_free(t);
    asy_pick_fini(&pick);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"top", ASY_OPTION_WHOLE, "N", "10", "lines of the leaderboard"},
    {"plot", ASY_OPTION_TEXT, "NAME", NULL, "plot against this [what explains most]"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_show = {
    .name = "show",
    .summary = "show a session: summary, leaderboard, plot",
    .arguments = "[SESSION]",
    .max_arguments = 1,
    .about =
        "SESSION is a name, a number, or \"last\". Where designs were tried more than "
        "once, the\nleaderboard gives their mean and its 95 % interval.\n"
        "--plot takes a parameter, layers, learned, or seconds.\n",
    .options = options,
    .examples = "assay show\n"
                "assay show iris-3 --plot depth --top 20\n"
                "assay show last --json\n",
    .run = show};
