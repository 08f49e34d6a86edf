/* findings.c - what the trials of a session say, with how sure that is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/findings.h"
#include <math.h>
#include <stdlib.h>
#include "lab/effect.h"
#include "lab/timing.h"

enum { FEW_PROPOSALS = 30, FEW_IN_LEVEL = 5 };

/* --- one parameter --- */

static json_t *level_json(const asy_level *l)
{
    json_t *o = json_object();
    json_object_set_new(o, "level", json_string(l->name));
    if (!isnan(l->from)) {
        json_object_set_new(o, "from", asy_json_real(l->from));
        json_object_set_new(o, "to", asy_json_real(l->to));
    }
    json_object_set_new(o, "n", json_integer((json_int_t)l->score.n));
    json_object_set_new(o, "mean", asy_json_real(l->score.mean));
    json_object_set_new(o, "low", asy_json_real(l->low));
    json_object_set_new(o, "high", asy_json_real(l->high));
    if (l->score.n < FEW_IN_LEVEL)
        json_object_set_new(o, "few", json_true());
    return o;
}

static json_t *holdout_json(const asy_effect *e)
{
    const asy_holdout *h = &e->holdout;
    json_t *o = json_object();
    json_object_set_new(o, "verdict", json_string(h->verdict));
    if (isnan(h->difference))
        return o;
    json_object_set_new(o, "better", json_string(e->level[h->better].name));
    json_object_set_new(o, "worse", json_string(e->level[h->worse].name));
    json_object_set_new(o, "difference", asy_json_real(h->difference));
    json_object_set_new(o, "low", asy_json_real(h->low));
    json_object_set_new(o, "high", asy_json_real(h->high));
    return o;
}

/* "IF activation = tanh THEN accuracy +0.110 [0.080, 0.140] against sigmoid", when the
 * second look agrees. */
static json_t *sentence(const asy_trials *t, const asy_effect *e)
{
    const asy_holdout *h = &e->holdout;
    const char *name = e->factor->name;
    asy_buf b = {0};
    if (e->low <= e->chance)
        asy_buf_printf(&b, "%s: no clear effect on %s in %zu proposals", name,
                       t->metric, e->n);
    else if (isnan(h->difference))
        asy_buf_printf(&b, "%s: seems to matter for %s; too few proposals to check",
                       name, t->metric);
    else if (h->is_sure)
        asy_buf_printf(&b, "IF %s = %s THEN %s %+.3g [%.3g, %.3g] against %s", name,
                       e->level[h->better].name, t->metric, h->difference, h->low,
                       h->high, e->level[h->worse].name);
    else
        asy_buf_printf(
            &b,
            "%s: matters for %s, but not settled which is best (%s against %s: "
            "%+.3g [%.3g, %.3g])",
            name, t->metric, e->level[h->better].name, e->level[h->worse].name,
            h->difference, h->low, h->high);
    json_t *text = json_string(asy_buf_text(&b));
    asy_buf_fini(&b);
    return text;
}

static json_t *effect_json(const asy_trials *t, const asy_effect *e)
{
    json_t *o = json_object(), *levels = json_array();
    for (size_t k = 0; k < e->levels; k++)
        json_array_append_new(levels, level_json(&e->level[k]));
    json_object_set_new(o, "parameter", json_string(e->factor->name));
    json_object_set_new(o, "of_design", json_boolean(e->factor->is_derived));
    json_object_set_new(o, "n", json_integer((json_int_t)e->n));
    json_object_set_new(o, "absent", json_integer((json_int_t)e->absent));
    json_object_set_new(o, "bins", json_boolean(e->is_binned));
    json_object_set_new(o, "log", json_boolean(e->factor->is_log));
    json_object_set_new(o, "levels", levels);
    json_object_set_new(o, "eta2", asy_json_real(e->eta));
    json_object_set_new(o, "eta2_low", asy_json_real(e->low));
    json_object_set_new(o, "eta2_high", asy_json_real(e->high));
    json_object_set_new(o, "eta2_by_chance", asy_json_real(e->chance));
    json_object_set_new(o, "holdout", holdout_json(e));
    json_object_set_new(o, "text", sentence(t, e));
    return o;
}

/* Beyond what chance would show, largest first. */
static int by_share(const void *a, const void *b)
{
    const asy_effect *x = *(asy_effect *const *)a, *y = *(asy_effect *const *)b;
    double dx = x->eta - x->chance, dy = y->eta - y->chance;
    if (dx != dy)
        return dx > dy ? -1 : 1;
    return x->factor < y->factor ? -1 : 1;
}

static json_t *effects_json(const asy_trials *t)
{
    asy_effect **found = asy_alloc(t->factors + 1, sizeof *found);
    size_t n = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < t->factors; i++) {
        asy_effect *e = asy_alloc(1, sizeof *e);
        if (asy_effect_measure(t, i, e))
            found[n++] = e;
        else
            asy_free(e);
    }
    qsort(found, n, sizeof *found, by_share);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, effect_json(t, found[i]));
        asy_free(found[i]);
    }
    asy_free(found);
    return list;
}

/* --- how far to trust it --- */

static size_t scored(const asy_trials *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++)
        n += t->row[i].score.n > 0;
    return n;
}

static void note(json_t *notes, const asy_buf *b)
{
    json_array_append_new(notes, json_string(asy_buf_text(b)));
}

static void note_trials(const asy_trials *t, json_t *notes)
{
    asy_buf b = {0};
    size_t n = scored(t);
    asy_buf_printf(&b, "%zu proposals have a score (%s); intervals are 95 %%", n,
                   t->metric);
    note(notes, &b);
    if (n < FEW_PROPOSALS) {
        asy_buf_clear(&b);
        asy_buf_printf(&b, "fewer than %d proposals: take this as a hint only",
                       FEW_PROPOSALS);
        note(notes, &b);
    }
    if (t->failed + t->pruned > 0) {
        asy_buf_clear(&b);
        asy_buf_printf(
            &b,
            "%llu failed and %llu pruned trials have no final score and are left "
            "out; levels that fail often look better than they are",
            (unsigned long long)t->failed, (unsigned long long)t->pruned);
        note(notes, &b);
    }
    asy_buf_fini(&b);
}

static void note_looks(const asy_trials *t, size_t effects, json_t *notes)
{
    asy_buf b = {0};
    if (t->is_adaptive) {
        asy_buf_puts(
            &b, "the strategy chose designs by earlier results, so levels it liked "
                "were tried more, and together with other good choices");
        note(notes, &b);
        asy_buf_clear(&b);
    }
    if (effects > 1) {
        asy_buf_printf(
            &b,
            "%zu parameters were looked at: about %.1f of such intervals miss the "
            "truth, and the best of many looks better than it is; the hold-out "
            "half was not used to choose",
            effects, 0.05 * (double)effects);
        note(notes, &b);
        asy_buf_clear(&b);
    }
    if (t->left_out > 0) {
        asy_buf_printf(&b, "only the first %d parameters were looked at",
                       ASY_MAX_FACTORS);
        note(notes, &b);
    }
    asy_buf_fini(&b);
}

json_t *asy_trials_findings(const asy_trials *t)
{
    json_t *o = json_object(), *notes = json_array(), *counts = json_object();
    json_t *effects = effects_json(t);
    json_object_set_new(counts, "done", json_integer((json_int_t)t->done));
    json_object_set_new(counts, "failed", json_integer((json_int_t)t->failed));
    json_object_set_new(counts, "pruned", json_integer((json_int_t)t->pruned));
    json_object_set_new(counts, "cancelled", json_integer((json_int_t)t->cancelled));
    json_object_set_new(counts, "cached", json_integer((json_int_t)t->cached));
    note_trials(t, notes);
    note_looks(t, json_array_size(effects), notes);
    json_object_set_new(o, "metric", json_string(t->metric));
    json_object_set_new(o, "maximize", json_boolean(t->maximize));
    json_object_set_new(o, "adaptive", json_boolean(t->is_adaptive));
    json_object_set_new(o, "proposals", json_integer((json_int_t)scored(t)));
    json_object_set_new(o, "trials", counts);
    json_object_set_new(o, "parameters", effects);
    json_object_set_new(o, "time", asy_timing_line(t));
    json_object_set_new(o, "notes", notes);
    return o;
}
