/* parts.c - draws which rows train, validate and test. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/dict.h"

enum { NOT_DRAWN = 255 };

/* What the split step says. */
typedef struct plan {
    double share[ASY_PARTS]; /* of validate and test */
    bool stratify;
    const char *by; /* column name or NULL */
    uint64_t seed;
    uint32_t folds, fold;
} plan;

/* The rows in strata: shuffled inside each. `part[i]` is that of row[i]. */
typedef struct strata {
    uint32_t *row;  /* [n] */
    uint8_t *part;  /* [n] */
    uint32_t *from; /* [groups + 1] where each stratum begins */
    uint32_t n, groups;
} strata;

static void free_strata(strata *s)
{
    asy_free(s->row);
    asy_free(s->part);
    asy_free(s->from);
}

void asy_parts_fini(asy_parts *p)
{
    for (int i = 0; i < ASY_PARTS; i++)
        asy_free(p->row[i]);
    *p = (asy_parts){0};
}

static asy_err fail_memory(void)
{
    return asy_fail(ASY_ENOMEM, "no memory for the parts");
}

/* Sorts the labelled rows by `group` (counting sort) and shuffles each group. */
static asy_err make_strata(const asy_label *l, const int32_t *group, uint32_t groups,
                           uint64_t seed, strata *s)
{
    *s = (strata){.n = l->count, .groups = groups};
    s->row = asy_try_alloc(s->n, sizeof *s->row);
    s->part = asy_try_alloc(s->n, sizeof *s->part);
    s->from = asy_try_alloc((size_t)groups + 2, sizeof *s->from);
    if (!s->row || !s->part || !s->from)
        return fail_memory();
    memset(s->part, NOT_DRAWN, s->n);
    uint32_t *next = s->from + 1; /* next[g] moves from the start of g to its end */
    for (uint32_t i = 0; i < s->n; i++)
        s->from[(group ? group[l->row[i]] : 0) + 2]++;
    for (uint32_t g = 1; g <= groups; g++)
        s->from[g + 1] += s->from[g];
    for (uint32_t i = 0; i < s->n; i++)
        s->row[next[group ? group[l->row[i]] : 0]++] = l->row[i];
    for (uint32_t g = 0; g < groups; g++) {
        asy_rng rng = asy_rng_open(asy_rng_key(seed, 0), ASY_STREAM_SPLIT, g);
        asy_rng_shuffle(&rng, s->row + s->from[g], s->from[g + 1] - s->from[g]);
    }
    return ASY_OK;
}

static uint32_t undrawn(const strata *s, uint32_t group)
{
    uint32_t n = 0;
    for (uint32_t i = s->from[group]; i < s->from[group + 1]; i++)
        n += s->part[i] == NOT_DRAWN;
    return n;
}

typedef struct quota {
    double rest;
    uint32_t group, take, most;
} quota;

static int by_rest(const void *a, const void *b)
{
    const quota *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest < y->rest ? 1 : -1;
    return x->group < y->group ? -1 : 1;
}

/* Gives `total` rows to a part, from each stratum its share of the whole: the floors
 * first, then one each in order of the remainders. */
static asy_err draw_share(strata *s, double share, asy_part_name part)
{
    uint32_t total = (uint32_t)llround(share * s->n);
    if (total == 0 && share > 0)
        total = 1;
    quota *q = asy_try_alloc(s->groups, sizeof *q);
    if (!q)
        return fail_memory();
    for (uint32_t g = 0; g < s->groups; g++) {
        double exact = share * (s->from[g + 1] - s->from[g]);
        uint32_t left = undrawn(s, g);
        q[g] = (quota){
            .group = g, .take = (uint32_t)(exact + 1e-9), .most = left ? left - 1 : 0};
        q[g].rest = exact - q[g].take;
        if (q[g].take > q[g].most)
            q[g].take = q[g].most;
        total = total > q[g].take ? total - q[g].take : 0;
    }
    qsort(q, s->groups, sizeof *q, by_rest);
    for (uint32_t g = 0; g < s->groups; g++) {
        if (total > 0 && q[g].take < q[g].most) {
            q[g].take++;
            total--;
        }
        for (uint32_t i = s->from[q[g].group]; q[g].take > 0; i++) {
            if (s->part[i] != NOT_DRAWN)
                continue;
            s->part[i] = (uint8_t)part;
            q[g].take--;
        }
    }
    asy_free(q);
    return ASY_OK;
}

/* Every folds-th row, counted through the strata, so each fold gets its share of all.
 */
static void draw_fold(strata *s, uint32_t folds, uint32_t fold)
{
    for (uint32_t i = fold; i < s->n; i += folds)
        s->part[i] = ASY_TEST;
}

/* --- by column --- */

static int part_of_name(const char *name)
{
    static const struct {
        const char *name;
        int part;
    } known[] = {{"train", ASY_TRAIN},       {"training", ASY_TRAIN},
                 {"validate", ASY_VALIDATE}, {"validation", ASY_VALIDATE},
                 {"valid", ASY_VALIDATE},    {"val", ASY_VALIDATE},
                 {"dev", ASY_VALIDATE},      {"test", ASY_TEST},
                 {"testing", ASY_TEST}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].part;
    return -1;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The group of each row by the value of a number column, numbered in ascending order.
 */
static asy_err group_numbers(const asy_table *t, const double *x, int32_t *group,
                             uint32_t *groups)
{
    double *sorted = asy_try_alloc(t->rows, sizeof *sorted);
    uint32_t n = 0;
    if (!sorted)
        return fail_memory();
    for (uint64_t r = 0; r < t->rows; r++)
        if (!isnan(x[r]))
            sorted[n++] = x[r];
    qsort(sorted, n, sizeof *sorted, by_number);
    *groups = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[*groups - 1])
            sorted[(*groups)++] = sorted[i];
    for (uint64_t r = 0; r < t->rows; r++) {
        const double *at =
            isnan(x[r]) ? NULL
                        : bsearch(&x[r], sorted, *groups, sizeof *sorted, by_number);
        group[r] = at ? (int32_t)(at - sorted) : -1;
    }
    asy_free(sorted);
    return ASY_OK;
}

static asy_err group_rows(const asy_table *t, const asy_label *l, const asy_column *c,
                          int32_t *group, uint32_t *groups)
{
    asy_err e = ASY_OK;
    if (c->type == ASY_COLUMN_IGNORED)
        return asy_fail(ASY_EARG, "split.by: column %s: %s", c->name, c->reason);
    if (c->type == ASY_COLUMN_NUMBER)
        e = group_numbers(t, c->number, group, groups);
    else
        memcpy(group, c->code, t->rows * sizeof *group);
    if (c->type == ASY_COLUMN_CATEGORY)
        *groups = c->categories;
    for (uint32_t i = 0; !e && i < l->count; i++)
        if (group[l->row[i]] < 0)
            e = asy_fail(ASY_EARG, "split.by: column %s, row %u: the cell is missing",
                         c->name, l->row[i] + 1);
    return e;
}

static bool names_parts(const asy_column *c)
{
    for (uint32_t i = 0; i < c->categories; i++)
        if (part_of_name(c->names[i]) < 0)
            return false;
    return c->type == ASY_COLUMN_CATEGORY;
}

/* Which part each group goes to: as its name says, or whole groups in a random order,
 * first to the test part until it has its share of rows, then to validation. */
static void place_groups(const plan *p, const asy_column *c, const uint32_t *size,
                         uint32_t groups, uint32_t rows, uint8_t *part)
{
    uint32_t *order = asy_alloc(groups, sizeof *order);
    for (uint32_t g = 0; g < groups; g++)
        order[g] = g;
    asy_rng rng = asy_rng_open(asy_rng_key(p->seed, 0), ASY_STREAM_SPLIT, 0);
    asy_rng_shuffle(&rng, order, groups);
    double want_test = p->share[ASY_TEST] * rows, want = p->share[ASY_VALIDATE] * rows;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t g = order[i];
        bool tests = p->folds > 1 ? i % p->folds == p->fold : want_test > 0.5;
        part[g] = tests ? ASY_TEST : want > 0.5 ? ASY_VALIDATE : ASY_TRAIN;
        if (tests)
            want_test -= size[g];
        else
            want -= want > 0.5 ? size[g] : 0;
    }
    for (uint32_t g = 0; names_parts(c) && g < groups; g++)
        part[g] = (uint8_t)part_of_name(c->names[g]);
    asy_free(order);
}

static asy_err draw_by_column(const asy_parts_job *job, const plan *p, strata *s)
{
    uint32_t column, groups = 0;
    const asy_label *l = job->label;
    asy_err e = asy_table_find(job->table, p->by, &column);
    if (e)
        return asy_fail_in(e, "split.by");
    const asy_column *c = &job->table->column[column];
    int32_t *group = asy_try_alloc(job->table->rows, sizeof *group);
    uint32_t *size = asy_try_alloc(job->table->rows + 1, sizeof *size);
    uint8_t *part = asy_try_alloc(job->table->rows + 1, 1);
    e = group && size && part ? group_rows(job->table, l, c, group, &groups)
                              : fail_memory();
    for (uint32_t i = 0; !e && i < l->count; i++)
        size[group[l->row[i]]]++;
    if (!e)
        place_groups(p, c, size, groups, l->count, part);
    for (uint32_t i = 0; !e && i < s->n; i++)
        s->part[i] = part[group[s->row[i]]];
    asy_free(group);
    asy_free(size);
    asy_free(part);
    return e;
}

/* --- all together --- */

static asy_err read_plan(const asy_parts_job *job, plan *p)
{
    int64_t seed, folds, fold;
    const json_t *o = job->split;
    bool any = job->folds > 1 || json_object_get(o, "folds");
    asy_err e = asy_json_get_text(o, "split", "by", NULL, &p->by);
    if (!e)
        e = asy_json_get_number(o, "split", "test", any ? 0 : 0.2, &p->share[ASY_TEST]);
    if (!e)
        e = asy_json_get_number(o, "split", "validate", 0, &p->share[ASY_VALIDATE]);
    if (!e)
        e = asy_json_get_bool(o, "split", "stratify", true, &p->stratify);
    if (!e)
        e = asy_json_get_int(o, "split", "seed", (int64_t)job->seed, &seed);
    if (!e)
        e = asy_json_get_int(o, "split", "folds", 1, &folds);
    if (!e)
        e = asy_json_get_int(o, "split", "fold", 0, &fold);
    if (e)
        return e;
    p->seed = (uint64_t)seed;
    p->folds = job->folds > 1 ? job->folds : (uint32_t)folds;
    p->fold = job->folds > 1 ? job->fold : (uint32_t)fold;
    if (p->folds > job->label->count)
        return asy_fail(ASY_EARG, "split.folds: %u folds of %u rows", p->folds,
                        job->label->count);
    return ASY_OK;
}

static asy_err draw(const asy_parts_job *job, const plan *p, strata *s)
{
    asy_err e = ASY_OK;
    if (p->by)
        return draw_by_column(job, p, s);
    if (p->folds > 1)
        draw_fold(s, p->folds, p->fold);
    else if (p->share[ASY_TEST] > 0)
        e = draw_share(s, p->share[ASY_TEST], ASY_TEST);
    if (!e && p->share[ASY_VALIDATE] > 0)
        e = draw_share(s, p->share[ASY_VALIDATE], ASY_VALIDATE);
    return e;
}

static int by_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static asy_err collect(const strata *s, asy_parts *out)
{
    uint32_t count[ASY_PARTS] = {0};
    for (uint32_t i = 0; i < s->n; i++)
        count[s->part[i] == NOT_DRAWN ? ASY_TRAIN : s->part[i]]++;
    for (int k = 0; k < ASY_PARTS; k++) {
        out->row[k] = asy_try_alloc(count[k] + 1, sizeof *out->row[k]);
        if (!out->row[k])
            return fail_memory();
    }
    for (uint32_t i = 0; i < s->n; i++) {
        int k = s->part[i] == NOT_DRAWN ? ASY_TRAIN : s->part[i];
        out->row[k][out->count[k]++] = s->row[i];
    }
    for (int k = 0; k < ASY_PARTS; k++)
        qsort(out->row[k], out->count[k], sizeof *out->row[k], by_row);
    return ASY_OK;
}

static asy_err check_train(const asy_parts *p, const asy_label *l, uint32_t folds)
{
    if (p->count[ASY_TRAIN] == 0)
        return asy_fail(ASY_EARG, "split: no rows are left for the training part");
    if (!l->classify)
        return ASY_OK;
    uint8_t *seen = asy_alloc(l->classes, 1);
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < p->count[ASY_TRAIN]; i++)
        seen[l->class_of[p->row[ASY_TRAIN][i]]] = 1;
    for (uint32_t k = 0; !e && k < l->classes; k++)
        if (!seen[k])
            e = asy_fail(
                ASY_EARG, "split: the training part has no row of class \"%s\"; %s",
                json_string_value(json_array_get(l->names, k)),
                folds > 1 ? "stratify, and leave classes of a single row out of folds"
                          : "stratify, or choose another seed");
    asy_free(seen);
    return e;
}

asy_err asy_parts_draw(const asy_parts_job *job, asy_parts *out)
{
    plan p = {0};
    strata s = {0};
    *out = (asy_parts){0};
    const asy_label *l = job->label;
    asy_err e = read_plan(job, &p);
    bool by_class = p.stratify && l->classify && !p.by;
    if (!e)
        e = make_strata(l, by_class ? l->class_of : NULL, by_class ? l->classes : 1,
                        p.seed, &s);
    if (!e)
        e = draw(job, &p, &s);
    if (!e)
        e = collect(&s, out);
    if (!e)
        e = check_train(out, l, job->folds);
    if (e)
        asy_parts_fini(out);
    free_strata(&s);
    return e;
}

void asy_parts_shuffle(asy_parts *p, uint64_t seed)
{
    asy_rng rng = asy_rng_open(asy_rng_key(seed, 0), ASY_STREAM_SPLIT, UINT32_MAX);
    asy_rng_shuffle(&rng, p->row[ASY_TRAIN], p->count[ASY_TRAIN]);
}

asy_err asy_parts_balance(asy_parts *p, const asy_label *label, bool over,
                          uint64_t seed)
{
    if (!label->classify)
        return asy_fail(ASY_EARG,
                        "balance: classes expected, but the label is a number");
    strata s = {0};
    asy_label train = {.row = p->row[ASY_TRAIN], .count = p->count[ASY_TRAIN]};
    asy_err e = make_strata(&train, label->class_of, label->classes, seed, &s);
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t g = 0; !e && g < s.groups; g++) {
        uint32_t n = s.from[g + 1] - s.from[g];
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    uint32_t each = over ? most : least;
    uint32_t *row = e ? NULL : asy_try_alloc((size_t)each * s.groups, sizeof *row);
    if (!e && (!row || (uint64_t)each * s.groups > INT32_MAX))
        e = fail_memory();
    for (uint32_t g = 0; !e && g < s.groups; g++) {
        uint32_t n = s.from[g + 1] - s.from[g];
        asy_rng rng = asy_rng_open(asy_rng_key(seed, 0), ASY_STREAM_BALANCE, g);
        for (uint32_t i = 0; i < each; i++)
            row[(size_t)g * each + i] =
                s.row[s.from[g] + (i < n ? i : asy_rng_below(&rng, n))];
    }
    if (!e) {
        qsort(row, (size_t)each * s.groups, sizeof *row, by_row);
        asy_free(p->row[ASY_TRAIN]);
        p->row[ASY_TRAIN] = row;
        p->count[ASY_TRAIN] = each * s.groups;
    } else {
        asy_free(row);
    }
    free_strata(&s);
    return e;
}
