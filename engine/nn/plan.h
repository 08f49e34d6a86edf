/* plan.h - a design on data of a given shape: the network it makes, settled once. */
#pragma once
#include "math/backend.h"
#include "nn/design.h"

/* What a plan needs to know about the data. */
typedef struct asy_plan_data {
    uint32_t inputs, classes,
        outputs; /* classes = 0: regression to `outputs` numbers */
    uint32_t train_rows;
    uint32_t most_rows; /* of any part; 0 = not known */
} asy_plan_data;

/* Offsets of a member's parameters run layer by layer, W then b (then gamma, beta),
 * without gaps; those of its statistics mean then var. */
typedef struct asy_plan {
    asy_net_shape shape;        /* shape.layer = layer */
    asy_layer_shape *layer;     /* [layers], owned */
    asy_layer_setting *setting; /* [layers], owned */
    uint32_t train_rows;
    uint32_t steps;     /* an epoch */
    uint32_t eval_rows; /* rows of an EVAL pass */
} asy_plan;

/* ASY_EARG when the design does not fit the data (loss and task, class weights, size);
 * ASY_ENOMEM. On failure *out is empty. */
asy_err asy_plan_make(const asy_design *d, const asy_plan_data *data, asy_plan *out);
void asy_plan_fini(asy_plan *p);

/* True when a population made for one serves the other. */
bool asy_plan_same_shape(const asy_plan *a, const asy_plan *b);

/* What asy_design_count() tells, of a plan that is there. */
asy_design_cost asy_plan_count(const asy_plan *p, const asy_design *d);

/* The loss that the design means on that data. */
asy_loss asy_plan_loss(const asy_design *d, uint32_t classes);
