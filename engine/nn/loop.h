/* loop.h - the one training loop: K members of one shape, in lockstep, on any backend.
 */
#pragma once
#include "nn/plan.h"
#include "nn/train.h"

typedef struct asy_loop_member {
    const asy_train_job *job; /* borrowed */
    asy_train_result *result; /* zeroed before the loop; filled by it */
    asy_member setting;       /* what the backend is told */
    float *kept; /* [params + statistics], borrowed; first parameters before the loop,
                    the best or the last ones after it */
    uint64_t params; /* of the shape */
    double flops_an_epoch;

    /* The loop's own. */
    bool is_active;
    bool is_stopped; /* in the backend, too */
    double best_loss;
    uint32_t waited;    /* epochs without a better loss */
    uint32_t curve_cap; /* room in result->curve */
    asy_judge judge;
} asy_loop_member;

typedef struct asy_loop {
    const asy_backend *backend;
    asy_pop *pop; /* of `members` members */
    const asy_plan *plan;
    const asy_tensors *data;
    asy_loop_member *member; /* [members] */
    uint32_t members;
    float *outputs; /* scratch, [plan->eval_rows * shape.outputs] */
    uint64_t started_ns;
} asy_loop;

/* Trains all members until each has a reason to stop, then judges them on all parts. On
 * failure (ASY_ENOMEM) results may be half filled; the caller frees them. */
asy_err asy_loop_run(asy_loop *l);

/* One training step of all members on a batch: what a step is, for the loop and tests.
 */
void asy_loop_step(const asy_backend *b, asy_pop *p, uint32_t layers,
                   const asy_part *part, uint32_t epoch, uint32_t step);
