/* check.c - whether preparation steps are well formed, before any data is looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "data/prepare.h"

enum { KEYS = 8, MAX_STEPS = 10000 };

/* "columns": a list of names; needed by some steps. */
static asy_err check_columns(const json_t *step, const char *where, bool needed)
{
    const json_t *list = json_object_get(step, "columns"), *item;
    size_t i;
    if ((!list || json_is_null(list)) && !needed)
        return ASY_OK;
    if (!json_is_array(list))
        return asy_fail(ASY_EARG, "%s.columns: list of names expected, got %s", where,
                        list ? asy_json_kind(list) : "nothing");
    json_array_foreach (list, i, item)
        if (!json_is_string(item))
            return asy_fail(ASY_EARG, "%s.columns[%zu]: name expected, got %s", where,
                            i + 1, asy_json_kind(item));
    return ASY_OK;
}

static asy_err check_range(const json_t *step, const char *where, double lo, double hi)
{
    asy_err e = asy_json_get_number(step, where, "lo", lo, &lo);
    if (!e)
        e = asy_json_get_number(step, where, "hi", hi, &hi);
    if (!e && !(lo < hi))
        e = asy_fail(ASY_EARG, "%s: lo < hi expected, got %g and %g", where, lo, hi);
    return e;
}

static asy_err check_fill(const json_t *step, const char *where)
{
    const json_t *with = json_object_get(step, "with");
    const char *word = json_string_value(with);
    bool indicator;
    asy_err e = asy_json_get_bool(step, where, "indicator", false, &indicator);
    if (e)
        return e;
    if (json_is_number(with) ||
        (word && (strcmp(word, "mean") == 0 || strcmp(word, "median") == 0 ||
                  strcmp(word, "mode") == 0)))
        return ASY_OK;
    return asy_fail(ASY_EARG,
                    "%s.with: number, \"mean\", \"median\" or \"mode\" expected, got "
                    "%s%s",
                    where, word ? word : "",
                    word   ? ""
                    : with ? asy_json_kind(with)
                           : "nothing");
}

static asy_err check_word(const json_t *step, const char *where, const char *key,
                          const char *a, const char *b)
{
    const char *word = json_string_value(json_object_get(step, key));
    if (word && (strcmp(word, a) == 0 || strcmp(word, b) == 0))
        return ASY_OK;
    return asy_fail(ASY_EARG, "%s.%s: \"%s\" or \"%s\" expected, got \"%s\"", where,
                    key, a, b, word ? word : "");
}

static asy_err check_shares(const json_t *step, const char *where)
{
    double test, validate;
    asy_err e = asy_json_get_number(step, where, "test", 0, &test);
    if (!e)
        e = asy_json_get_number(step, where, "validate", 0, &validate);
    if (!e && !(test >= 0 && validate >= 0 && test + validate < 1))
        e = asy_fail(
            ASY_EARG,
            "%s: shares of at least 0 and together below 1 expected, got test = %g "
            "and validate = %g",
            where, test, validate);
    return e;
}

static asy_err check_split(const json_t *step, const char *where)
{
    int64_t seed, folds, fold;
    bool stratify;
    const char *by;
    asy_err e = check_shares(step, where);
    if (!e)
        e = asy_json_get_bool(step, where, "stratify", true, &stratify);
    if (!e)
        e = asy_json_get_text(step, where, "by", NULL, &by);
    if (!e)
        e = asy_json_get_int(step, where, "seed", 0, &seed);
    if (!e)
        e = asy_json_get_int(step, where, "folds", 1, &folds);
    if (!e)
        e = asy_json_get_int(step, where, "fold", 0, &fold);
    if (!e && (folds < 1 || folds > 1000 || fold < 0 || fold >= folds))
        e = asy_fail(ASY_EARG,
                     "%s: folds from 1 to 1000 and fold from 0 to folds - 1 expected",
                     where);
    return e;
}

static asy_err check_hot(const json_t *step, const char *where)
{
    int64_t limit;
    asy_err e = asy_json_get_int(step, where, "max_categories", 1, &limit);
    if (!e && (limit < 1 || limit > INT32_MAX))
        e = asy_fail(ASY_EARG, "%s.max_categories: whole number >= 1 expected", where);
    return e;
}

static asy_err check_derive(const json_t *step, const char *where)
{
    const char *name = json_string_value(json_object_get(step, "name"));
    if (!name || !*name)
        return asy_fail(ASY_EARG, "%s.name: name of the new column expected", where);
    if (!json_is_array(json_object_get(step, "values")))
        return asy_fail(ASY_EARG, "%s.values: list of numbers expected", where);
    return ASY_OK;
}

static asy_err check_standardize(const json_t *step, const char *where)
{
    bool label;
    return asy_json_get_bool(step, where, "label", false, &label);
}

static asy_err check_scale(const json_t *step, const char *where)
{
    return check_range(step, where, 0, 1);
}

static asy_err check_clip(const json_t *step, const char *where)
{
    return check_range(step, where, -INFINITY, INFINITY);
}

static asy_err check_needs_columns(const json_t *step, const char *where)
{
    return check_columns(step, where, true);
}

static asy_err check_seed(const json_t *step, const char *where)
{
    int64_t seed;
    return asy_json_get_int(step, where, "seed", 0, &seed);
}

static asy_err check_balance(const json_t *step, const char *where)
{
    asy_err e = check_seed(step, where);
    return e ? e : check_word(step, where, "how", "over", "under");
}

static asy_err check_task(const json_t *step, const char *where)
{
    return check_word(step, where, "task", "classify", "regress");
}

static asy_err check_nothing(const json_t *step, const char *where)
{
    (void)step;
    (void)where;
    return ASY_OK;
}

/* --- the table --- */

static const struct known {
    const char *op;
    asy_err (*check)(const json_t *step, const char *where);
    const char *key[KEYS]; /* besides op, NULL-ended */
} known_ops[] = {
    {"fill_missing", check_fill, {"with", "columns", "indicator"}},
    {"scale", check_scale, {"lo", "hi", "columns"}},
    {"standardize", check_standardize, {"columns", "label"}},
    {"one_hot", check_hot, {"max_categories", "columns"}},
    {"drop", check_needs_columns, {"columns"}},
    {"keep", check_needs_columns, {"columns"}},
    {"shuffle", check_seed, {"seed"}},
    {"log", check_nothing, {"columns"}},
    {"clip", check_clip, {"lo", "hi", "columns"}},
    {"derive", check_derive, {"name", "values"}},
    {"balance", check_balance, {"how", "seed"}},
    {"task", check_task, {"task"}},
    {"split",
     check_split,
     {"test", "validate", "stratify", "by", "seed", "folds", "fold"}},
};
enum { OPS = sizeof known_ops / sizeof *known_ops };

static asy_err fail_op(const char *where, const char *op)
{
    const char *names[OPS];
    asy_buf b = {0};
    for (size_t i = 0; i < OPS; i++)
        names[i] = known_ops[i].op;
    const char *near = op ? asy_text_nearest(op, names, OPS) : NULL;
    asy_buf_printf(&b, "%s: unknown op \"%s\"", where, op ? op : "");
    if (near)
        asy_buf_printf(&b, "; did you mean %s?", near);
    asy_buf_puts(&b, " Known: ");
    for (size_t i = 0; i < OPS; i++)
        asy_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    asy_err e = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    return e;
}

static asy_err check_keys(const json_t *step, const char *where, const struct known *k)
{
    const char *names[KEYS + 1] = {"op"};
    size_t n = 1;
    for (size_t i = 0; i < KEYS && k->key[i]; i++)
        names[n++] = k->key[i];
    return asy_json_only(step, where, names, n);
}

static asy_err check_step(const json_t *step, size_t i)
{
    char where[32];
    snprintf(where, sizeof where, "prepare[%zu]", i + 1);
    if (!json_is_object(step))
        return asy_fail(ASY_EARG, "%s: a step expected, got %s", where,
                        asy_json_kind(step));
    const char *op = json_string_value(json_object_get(step, "op"));
    const struct known *k = NULL;
    for (size_t n = 0; op && n < OPS; n++)
        if (strcmp(known_ops[n].op, op) == 0)
            k = &known_ops[n];
    if (!k)
        return fail_op(where, op);
    char named[64];
    snprintf(named, sizeof named, "%s %s", where, op);
    asy_err e = check_keys(step, named, k);
    if (!e)
        e = check_columns(step, named, false);
    return e ? e : k->check(step, named);
}

asy_err asy_prepare_check(const json_t *steps)
{
    const json_t *step;
    size_t i;
    asy_err e = ASY_OK;
    if (!steps || json_is_null(steps))
        return ASY_OK;
    if (!json_is_array(steps) || json_array_size(steps) > MAX_STEPS)
        return asy_fail(ASY_EARG, "prepare: list of up to %d steps expected, got %s",
                        MAX_STEPS, asy_json_kind(steps));
    json_array_foreach (steps, i, step) {
        e = check_step(step, i);
        if (e)
            break;
    }
    return e;
}
