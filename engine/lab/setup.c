/* setup.c - reads a described rule. It came out of a script: everything is checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/setup.h"

#include <math.h>
#include <string.h>

#include "nn/metrics.h"

static asy_err get_count(const json_t *o, const char *where, const char *name,
                         int64_t fallback, int64_t least, int64_t most, int64_t *out)
{
    asy_err err = asy_json_get_int(o, where, name, fallback, out);
    if (err)
        return err;
    if (*out < least || *out > most)
        return asy_fail(
            ASY_EARG, "%s.%s: whole number from %lld to %lld expected, got %lld", where,
            name, (long long)least, (long long)most, (long long)*out);
    return ASY_OK;
}

static asy_err read_limits(const json_t *v, asy_setup *out)
{
    int64_t trials, parallel;
    asy_err err = get_count(v, "limits", "trials", 0, 0, UINT32_MAX, &trials);
    if (!err)
        err = get_count(v, "limits", "parallel", 0, 0, UINT32_MAX, &parallel);
    if (!err)
        err = asy_json_get_number(v, "limits", "time", 0, &out->seconds);
    if (err)
        return err;
    if (!(out->seconds >= 0) || isinf(out->seconds))
        return asy_fail(ASY_EARG, "limits.time: seconds >= 0 expected");
    out->trials = (uint64_t)trials;
    out->parallel = (uint32_t)parallel;
    return ASY_OK;
}

static asy_err read_numbers(const json_t *v, asy_setup *out)
{
    int64_t repeats, folds, planned;
    asy_err err = get_count(v, "rule", "repeats", 1, 1, ASY_MAX_REPEATS, &repeats);
    if (!err)
        err = get_count(v, "rule", "folds", 1, 1, ASY_MAX_FOLDS, &folds);
    if (!err)
        err = asy_json_get_int(json_object_get(v, "strategy"), "strategy", "trials", 0,
                               &planned);
    if (err)
        return err;
    out->repeats = (uint32_t)repeats;
    out->folds = (uint32_t)folds;
    out->planned = planned > 0 ? (uint64_t)planned : 0;
    return read_limits(json_object_get(v, "limits"), out);
}

static asy_err read_words(const json_t *v, asy_setup *out)
{
    const char *kind, *form;
    asy_err err = asy_json_get_text(v, "rule", "kind", "design", &kind);
    if (!err)
        err = asy_json_get_text(v, "rule", "form", "space", &form);
    if (!err)
        err = asy_json_get_bool(v, "rule", "pruner", false, &out->has_pruner);
    if (!err)
        err = asy_json_get_bool(v, "rule", "adaptive", strcmp(form, "sweep") == 0,
                                &out->is_adaptive);
    if (err)
        return err;
    out->is_own = strcmp(kind, "trial") == 0;
    if (!out->is_own && strcmp(kind, "design") != 0)
        return asy_fail(ASY_EARG, "rule.kind: design or trial expected, got '%.40s'",
                        kind);
    return ASY_OK;
}

/* The description as it is stored: others read the objective from it. */
static void keep_told(const json_t *described, asy_setup *out)
{
    out->told = json_copy((json_t *)described);
    json_t *o = json_object_get(described, "objective");
    if (json_is_array(o) && json_array_size(o))
        return;
    json_object_set_new(out->told, "objective",
                        json_pack("[{s:s,s:b}]", "metric", out->objective.metric,
                                  "maximize", (int)out->objective.maximize));
}

asy_err asy_setup_read(const json_t *described, bool has_classes, asy_setup *out)
{
    *out = (asy_setup){0};
    if (!json_is_object(described))
        return asy_fail(ASY_EARG, "rule: a table expected, got %s",
                        asy_json_kind(described));
    asy_setup s = {0};
    asy_err err = read_words(described, &s);
    if (!err)
        err = read_numbers(described, &s);
    if (!err)
        err = asy_objective_read(json_object_get(described, "objective"), s.is_own,
                                 has_classes, &s.objective);
    if (err)
        return err;
    keep_told(described, &s);
    *out = s;
    return ASY_OK;
}

/* --- the objective and the label ---------------------------------------------- */

typedef enum aim { AIM_ANY, AIM_CLASS, AIM_NUMBER } aim;

/* What kind of label a metric judges. */
static aim aim_of(const asy_setup *s)
{
    static const char *const parts[] = {"train_", "validate_", "test_"};
    const char *name = s->objective.metric;
    if (s->is_own)
        return AIM_ANY;
    for (int i = 0; i < 3; i++)
        if (strncmp(name, parts[i], strlen(parts[i])) == 0) {
            name += strlen(parts[i]);
            break;
        }
    for (int i = ASY_METRIC_ACCURACY; i < ASY_METRIC_COUNT; i++)
        if (strcmp(name, asy_metric_names[i]) == 0)
            return i < ASY_METRIC_RMSE ? AIM_CLASS : AIM_NUMBER;
    return AIM_ANY;
}

json_t *asy_setup_steps(const asy_setup *s, const json_t *steps)
{
    json_t *list = json_copy((json_t *)steps);
    if (aim_of(s) == AIM_NUMBER)
        json_array_append_new(list,
                              json_pack("{s:s,s:s}", "op", "task", "task", "regress"));
    return list;
}

asy_err asy_setup_check_label(const asy_setup *s, const char *label, uint32_t classes)
{
    if (aim_of(s) != AIM_CLASS || classes > 0)
        return ASY_OK;
    return asy_fail(
        ASY_EARG,
        "objective: '%s' needs a label with classes, but label '%s' is a "
        "number; say objective = { minimize = \"rmse\" }, or choose another "
        "label",
        s->objective.metric, label);
}

void asy_setup_fini(asy_setup *s)
{
    json_decref(s->told);
    *s = (asy_setup){0};
}
