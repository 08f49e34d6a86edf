/* model.h - a trained network as a file: .safetensors with tensors layer0.weight,
 * layer0.bias, ... and __metadata__.assay = {"design", "fitted", "classes", "label",
 * "metrics", "trial"}. */
#pragma once
#include "nn/train.h"

typedef struct asy_model asy_model;

asy_err asy_model_new(const asy_design *d, const json_t *design, const asy_tensors *data,
                      const float *values, size_t n, const json_t *about, asy_model **out);
asy_err asy_model_open(const char *path, asy_model **out);
asy_err asy_model_save(const asy_model *m, const char *path);
void asy_model_free(asy_model *m);

const json_t *asy_model_meta(const asy_model *m); /* borrowed */

/* y (rows, outputs) = network(x (rows, inputs)), after softmax or sigmoid. */
asy_err asy_model_predict(const asy_model *m, const float *x, uint64_t rows, float *y);
uint32_t asy_model_outputs(const asy_model *m);
uint32_t asy_model_inputs(const asy_model *m);

/* The whole model as JSON (design, names, weights as nested lists). Owned by the caller. */
json_t *asy_model_json(const asy_model *m);
