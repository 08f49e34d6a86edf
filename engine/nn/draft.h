/* draft.h - a design as its JSON says it: checked, defaults filled in, equal layers
 * kept as runs. What asy_design_parse() expands and asy_design_canonical() prints. */
#pragma once
#include "nn/design.h"

typedef struct asy_run {
    asy_dense layer;
    uint32_t count; /* >= 1 */
} asy_run;

typedef struct asy_draft {
    asy_design design; /* all but `hidden`; depth is the sum of the runs */
    asy_run *run;      /* [runs], owned; neighbours differ */
    uint32_t runs;
    asy_init init;      /* of layers that name none */
    bool softmax;       /* output.activation = "softmax" */
    bool restore_given; /* restore_best is not left to its default */
} asy_draft;

/* ASY_EARG with place, expectation and what came. On failure *out is empty. */
asy_err asy_draft_read(const json_t *v, asy_draft *out);
void asy_draft_fini(asy_draft *d);

/* The cross-entropies bring their own output activation: ASY_EARG for any other. */
asy_err asy_draft_check_loss(asy_loss loss, asy_act act);

/* A schedule of that kind with its defaults. */
asy_schedule asy_draft_schedule(asy_schedule_kind kind);
