/* step.h - the preparation steps that change features. Each is fitted on the training
 * part into a JSON object, and applied from that object alone: to the data it was
 * fitted on and, for `predict`, to any other.
 */
#pragma once
#include "data/frame.h"

/* What a step may look at while it is fitted. */
typedef struct asy_fit {
    asy_frame *frame;
    uint32_t label;      /* column of the table */
    const uint32_t *row; /* [n] rows of the training part */
    uint32_t n;
} asy_fit;

typedef struct asy_step {
    const char *op;
    /* Makes *fitted (owned by the caller) from the rule's step; NULL when nothing is to
     * be done. */
    asy_err (*fit)(const asy_fit *fit, const json_t *step, json_t **fitted);
    asy_err (*apply)(asy_frame *f, const json_t *fitted);
} asy_step;

/* The step of that name, or NULL (split, balance, shuffle and task choose rows
 * instead). */
const asy_step *asy_step_find(const char *op);

/* The first entry of every list of fitted steps: which columns of a table are features,
 * and their categories in order. Applying it fills an empty frame. */
json_t *asy_step_fit_columns(const asy_table *t, uint32_t label, const char *by,
                             const uint32_t *row, uint32_t n);
asy_err asy_step_apply_columns(asy_frame *f, const json_t *fitted);

/* Which features a step speaks of: those in its "columns", else all for which `wanted`
 * is true. *mask is [count], owned by the caller. Names that were dropped or ignored
 * are passed over when `lenient`. */
asy_err asy_step_select(const asy_fit *fit, const json_t *step, bool lenient,
                        bool (*wanted)(const asy_feature *x), uint8_t **mask);
bool asy_feature_is_number(const asy_feature *x);
bool asy_feature_is_category(const asy_feature *x);

asy_err asy_fill_fit(const asy_fit *fit, const json_t *step, json_t **fitted);
asy_err asy_fill_apply(asy_frame *f, const json_t *fitted);
asy_err asy_scale_fit(const asy_fit *fit, const json_t *step, json_t **fitted);
asy_err asy_standardize_fit(const asy_fit *fit, const json_t *step, json_t **fitted);
asy_err asy_scale_apply(asy_frame *f, const json_t *fitted);
asy_err asy_hot_fit(const asy_fit *fit, const json_t *step, json_t **fitted);
asy_err asy_hot_apply(asy_frame *f, const json_t *fitted);
