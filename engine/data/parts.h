/* parts.h - draws which rows train, validate and test.
 *
 * Shares are exact: with classes each class gives its share of rows by the method of
 * largest remainders, but always keeps one row for training. Rows stay in their order.
 */
#pragma once
#include "data/label.h"
#include "data/tensors.h"

typedef struct asy_parts {
    uint32_t *row[ASY_PARTS]; /* [count], ascending; owned */
    uint32_t count[ASY_PARTS];
} asy_parts;

typedef struct asy_parts_job {
    const asy_table *table;
    const asy_label *label;
    const json_t *split; /* the "split" step, or NULL: test = 0.2, stratified */
    uint64_t seed;
    uint32_t folds,
        fold; /* k-fold when folds > 1: fold number `fold` is the test part */
} asy_parts_job;

/* On failure *out is empty. */
asy_err asy_parts_draw(const asy_parts_job *job, asy_parts *out);

/* Draws rows of the training part again so that all classes are as many as the largest
 * (over) or the smallest. */
asy_err asy_parts_balance(asy_parts *p, const asy_label *label, bool over,
                          uint64_t seed);
void asy_parts_shuffle(asy_parts *p, uint64_t seed); /* the training part */
void asy_parts_fini(asy_parts *p);
