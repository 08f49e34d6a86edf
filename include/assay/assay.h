/* assay.h - trains neural networks in C programs: data in, training, predictions out.
 *
 *     assay_data *data = assay_data_csv("iris.csv", "Species", NULL, 1);
 *     assay_model *model = assay_train(data, "{\"hidden\": [{\"units\": 16}]}", NULL);
 *     if (!model)
 *         fprintf(stderr, "%s\n", assay_error());
 *     else
 *         printf("%g\n", assay_model_metric(model, "test_accuracy"));
 *     assay_model_free(model);
 *     assay_data_free(data);
 *
 * Functions that return a pointer return NULL on failure, those that return int return
 * 0 on success; assay_error() then says what was expected and what came. Objects belong
 * to the caller and end with their _free, which takes NULL, too. Tables are float32,
 * row by row without gaps. Nothing is shared between objects once they are made, so any
 * thread may use any object, one thread at a time; training and predicting only read
 * their data and model and may run on several threads at once.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0". Static. */
const char *assay_version(void);

/* What went wrong last on this thread. Borrowed; valid until the next failure. */
const char *assay_error(void);

/* ---- data ---- */

typedef struct assay_data assay_data;

typedef enum assay_part {
    ASSAY_TRAIN,    /* what a network learns from; required */
    ASSAY_VALIDATE, /* what decides when to stop; may be absent */
    ASSAY_TEST      /* what nothing depends on; may be absent */
} assay_part;

/* Empty data for a label of `classes` >= 2 classes, or of `outputs` >= 1 numbers. */
assay_data *assay_data_classes(uint32_t inputs, uint32_t classes);
assay_data *assay_data_numbers(uint32_t inputs, uint32_t outputs);

/* Gives a part its rows, once: x (rows, inputs) and the class 0 .. classes-1 of each
 * row, or target (rows, outputs). All is copied. */
int assay_data_add_classes(assay_data *d, assay_part part, uint32_t rows,
                           const float *x, const int32_t *label);
int assay_data_add_numbers(assay_data *d, assay_part part, uint32_t rows,
                           const float *x, const float *target);

/* Reads a CSV file and prepares it by a JSON list of steps as rules write them; NULL:
 * fill missing cells with 0, scale to 0..1, one-hot categories, keep a fifth for the
 * test part. label: name or number of the column to predict. Equal seeds draw equal
 * parts. */
assay_data *assay_data_csv(const char *path, const char *label, const char *steps,
                           uint64_t seed);

uint32_t assay_data_rows(const assay_data *d, assay_part part);
uint32_t assay_data_inputs(const assay_data *d);
uint32_t assay_data_outputs(const assay_data *d); /* classes, or numbers */
void assay_data_free(assay_data *d);

/* ---- training ---- */

typedef struct assay_model assay_model;

typedef struct assay_epoch {
    uint32_t epoch;                         /* from 1 */
    float train_loss, train_accuracy;       /* NaN accuracy for numbers */
    float validate_loss, validate_accuracy; /* NaN without a validation part */
} assay_epoch;

typedef struct assay_options {
    uint64_t seed; /* of first weights, dropout and the order of rows; equal seeds,
                      equal networks, bit for bit on equal machines */
    int (*on_epoch)(void *ctx, const assay_epoch *e); /* not 0 ends training; or NULL */
    void *ctx;
} assay_options;

/* Trains the design, JSON as `assay export` writes it: {"hidden": [{"units": 16,
 * "activation": "relu", ...} ...], "optimizer": "adam", "epochs": 30, "batch": 32,
 * ...}; all but "hidden" may be left out. options: NULL for seed 0. Training that
 * diverges is a failure. */
assay_model *assay_train(const assay_data *d, const char *design,
                         const assay_options *options);

/* ---- models ---- */

/* A metric by its full name ("test_accuracy", "train_loss"), or by its bare name
 * ("accuracy"), which means validation if there is one, else test, else train. NaN when
 * it does not apply or nobody knows it. */
double assay_model_metric(const assay_model *m, const char *name);

/* y (rows, outputs) for x (rows, inputs): probabilities after softmax or sigmoid. */
int assay_model_predict(const assay_model *m, const float *x, uint64_t rows, float *y);
uint32_t assay_model_inputs(const assay_model *m);
uint32_t assay_model_outputs(const assay_model *m); /* 1 with binary_cross_entropy */

/* .safetensors files, with the design and the metrics. Opening checks everything. */
int assay_model_save(const assay_model *m, const char *path);
assay_model *assay_model_open(const char *path);
void assay_model_free(assay_model *m);

#ifdef __cplusplus
}
#endif
