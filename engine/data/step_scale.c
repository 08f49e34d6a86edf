/* step_scale.c - scale and standardize: x' = (x - shift) * factor + offset.
 *
 * A column without spread carries nothing: its factor is 0, so it becomes the offset.
 * Fitted: {op, offset, columns: {column: [shift, factor]}}.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include "base/mem.h"
#include "data/step.h"

/* What a training column holds. Missing cells are passed over. */
typedef struct spread {
    uint32_t n;
    double low, high, mean, deviation; /* deviation with n, as networks want it */
} spread;

static double cell(const asy_feature *x, uint32_t row)
{
    return x->kind == ASY_FEATURE_HOT ? x->code[row] == x->hot : x->number[row];
}

static asy_err measure(const asy_fit *fit, const asy_feature *x, spread *s)
{
    double sum = 0, squares = 0;
    *s = (spread){.low = INFINITY, .high = -INFINITY};
    for (uint32_t i = 0; i < fit->n; i++) {
        double v = cell(x, fit->row[i]);
        if (isnan(v))
            continue;
        if (isinf(v))
            return asy_fail(ASY_EARG,
                            "column %s, row %u: infinite; clip the column or drop it",
                            x->name, fit->row[i] + 1);
        s->low = v < s->low ? v : s->low;
        s->high = v > s->high ? v : s->high;
        sum += v;
        s->n++;
    }
    if (s->n == 0)
        return asy_fail(
            ASY_EARG,
            "column %s: all cells of the training part are missing; drop the "
            "column or fill it",
            x->name);
    s->mean = sum / s->n;
    for (uint32_t i = 0; i < fit->n; i++) {
        double d = cell(x, fit->row[i]) - s->mean;
        squares += isnan(d) ? 0 : d * d;
    }
    s->deviation = sqrt(squares / s->n);
    return ASY_OK;
}

static asy_err fit_columns(const asy_fit *fit, const json_t *step, double low,
                           double high, bool standard, json_t **fitted)
{
    uint8_t *mask;
    json_t *columns = json_object();
    asy_err e = asy_step_select(fit, step, false, asy_feature_is_number, &mask);
    for (uint32_t i = 0; !e && i < fit->frame->count; i++) {
        const asy_feature *x = &fit->frame->feature[i];
        spread s;
        if (!mask[i])
            continue;
        if (x->kind == ASY_FEATURE_CATEGORY) {
            e = asy_fail(ASY_EARG, "column %s holds categories; use one_hot before",
                         x->name);
            break;
        }
        e = measure(fit, x, &s);
        double width = standard ? s.deviation : s.high - s.low;
        double factor = e || !(width > 0) ? 0 : (high - low) / width;
        if (!e && (!isfinite(width) || !isfinite(factor)))
            e = asy_fail(ASY_EARG, "column %s: its spread of %g cannot be scaled",
                         x->name, width);
        json_object_set_new(columns, x->name,
                            json_pack("[f, f]",
                                      e          ? 0
                                      : standard ? s.mean
                                                 : s.low,
                                      factor));
    }
    asy_free(mask);
    *fitted =
        json_pack("{s:s, s:f, s:o}", "op", "scale", "offset", low, "columns", columns);
    return e;
}

asy_err asy_scale_fit(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    double low, high;
    asy_err e = asy_json_get_number(step, "scale", "lo", 0, &low);
    if (!e)
        e = asy_json_get_number(step, "scale", "hi", 1, &high);
    return e ? e : fit_columns(fit, step, low, high, false, fitted);
}

/* To mean 0 and deviation 1, so the width of the target is 1 and its offset 0. */
asy_err asy_standardize_fit(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    return fit_columns(fit, step, 0, 1, true, fitted);
}

asy_err asy_scale_apply(asy_frame *f, const json_t *fitted)
{
    const json_t *columns = json_object_get(fitted, "columns");
    double offset = json_number_value(json_object_get(fitted, "offset"));
    asy_err e = ASY_OK;
    for (uint32_t i = 0; !e && i < f->count; i++) {
        const json_t *fit = json_object_get(columns, f->feature[i].name);
        double *x, shift = json_number_value(json_array_get(fit, 0));
        double factor = json_number_value(json_array_get(fit, 1));
        if (!fit || f->feature[i].kind == ASY_FEATURE_CATEGORY)
            continue;
        e = asy_frame_numbers(f, &f->feature[i], &x);
        for (uint64_t r = 0; !e && r < f->table->rows; r++)
            x[r] = isinf(x[r]) ? x[r] : (x[r] - shift) * factor + offset;
    }
    return e;
}
