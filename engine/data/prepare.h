/* prepare.h - from a table to tensors: runs preparation steps, each fitted on the
 * training part only, and keeps what was fitted so that `predict` can repeat it.
 *
 * Steps are a JSON list of objects with an "op"; rules build them with assay.prepare:
 *   {op:"fill_missing", with: number | "mean" | "median" | "mode", columns?,
 * indicator?} (in category columns all but the mode make a category "missing")
 *   {op:"scale", lo, hi, columns?}        {op:"standardize", columns?, label?}
 *       (label: true standardizes a regression label instead of, or besides, the
 * columns; metrics are then in standardized units and meta.label_scale is [mean,
 * deviation]) {op:"one_hot", max_categories?, columns?}     (categories beyond the most
 * frequent max_categories, and unseen ones, are all zeros) {op:"drop", columns}
 * {op:"keep", columns}    {op:"shuffle", seed?} {op:"log", columns?}  (sign(x)
 * log(1+|x|))    {op:"clip", lo, hi, columns?} {op:"derive", name,
 * values:[number|null...]}  (values computed by the rule, one a row) {op:"balance",
 * how: "over"|"under", seed?}    (training part only, after all fitting) {op:"task",
 * task: "classify"|"regress"}       (instead of the guess in data/label.h) {op:"split",
 * test, validate, stratify, by, seed, folds, fold} Wherever "split" stands, the parts
 * are drawn first. Without it: test = 0.2, stratified. `by` names a column: its values
 * train / validate / test place the rows; any other values are groups that are never
 * torn apart. It is no feature then. Default columns are all to which a step can apply,
 * but not those that one_hot has made. Rows without a label are left out
 * (meta.dropped_rows). Category features left without one_hot become their code, unseen
 * ones -1; missing cells left unfilled are an error that says how many and where, as
 * are infinite ones.
 */
#pragma once
#include "base/hash.h"
#include "base/json.h"
#include "data/table.h"
#include "data/tensors.h"

typedef struct asy_prepare_job {
    const asy_table *table;
    uint32_t label;      /* column */
    const json_t *steps; /* borrowed */
    uint64_t seed;       /* the session's */
    uint32_t folds;      /* 1 = the split as given; k > 1: cross-validation */
    uint32_t fold;       /* 0 .. folds-1 */
} asy_prepare_job;

/* Checks the steps alone: names, types, known keys. */
asy_err asy_prepare_check(const json_t *steps);

/* Makes the prepared data. Deterministic in (table content, label, steps, seed, fold).
 */
asy_err asy_prepare_run(const asy_prepare_job *job, asy_tensors **out);

/* Applies what was fitted to another table (for `predict`): (rows, inputs) floats,
 * owned by the caller (asy_free). Columns are matched by name; a missing one is an
 * error, an unseen category counts as missing. */
asy_err asy_prepare_apply(const json_t *fitted, const asy_table *table, float **x,
                          uint64_t *rows, uint32_t *inputs);
