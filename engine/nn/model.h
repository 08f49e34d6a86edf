/* model.h - a trained network as a file.
 *
 * A .safetensors file with tensors layer0.weight (in, out), layer0.bias (out), ...,
 * with batch norm also layerN.gamma, beta, mean, var (out); the last layer is the
 * output.
 * __metadata__.assay is the text of a JSON object: {"design", "shape": {"inputs",
 * "classes", "outputs"}, "task", "label", "classes", "inputs", "fitted"} and whatever
 * `about` adds ("metrics", "trial").
 */
#pragma once
#include "nn/train.h"

typedef struct asy_model asy_model;

/* A model of the parsed design d and its JSON, of values[n] = asy_train_result.model.
 * about: an object whose fields join the metadata, or NULL. All is copied. ASY_EARG
 * when the values are not as many as the design has on that data. */
asy_err asy_model_new(const asy_design *d, const json_t *design,
                      const asy_tensors *data, const float *values, size_t n,
                      const json_t *about, asy_model **out);

/* Files may be hostile: names and shapes must be those of the design, and all of them.
 */
asy_err asy_model_open(const char *path, asy_model **out);
asy_err asy_model_save(const asy_model *m, const char *path);
void asy_model_free(asy_model *m);

const json_t *asy_model_meta(const asy_model *m); /* borrowed */

/* y (rows, outputs) = network(x (rows, inputs)), after softmax or sigmoid. May run on
 * several threads at once. */
asy_err asy_model_predict(const asy_model *m, const float *x, uint64_t rows, float *y);
uint32_t asy_model_outputs(const asy_model *m);
uint32_t asy_model_inputs(const asy_model *m);

/* The whole model as JSON (design, names, weights as nested lists). Owned by the
 * caller. */
json_t *asy_model_json(const asy_model *m);
