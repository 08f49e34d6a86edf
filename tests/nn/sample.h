/* sample.h - small data sets and networks for the tests of training. */
#pragma once
#include "nn/plan.h"
#include "nn/train.h"

/* A fixture (iris, digits, ...) with columns scaled to [0, 1] and rows dealt out in
 * turn: of each five rows three train, one validates when `validate`, one tests (else
 * four train). Classes by the last column, in order of appearance. Never NULL. */
asy_tensors *sample_fixture(const char *name, bool validate);

/* Made-up numbers, without a file. classes = 0: regression to `outputs` numbers. The
 * training part only. */
asy_tensors *sample_made_up(uint32_t rows, uint32_t inputs, uint32_t classes,
                            uint32_t outputs);
void sample_free(asy_tensors *t);

/* From JSON text, with ' instead of "; fails the test when it is wrong. */
asy_design *sample_design(const char *text);

/* A population of one network of the design with its first parameters, on any backend.
 */
typedef struct sample_net {
    const asy_backend *backend;
    asy_plan plan;
    asy_pop *pop;
    asy_part part;
    float *values; /* [params + statistics] of the start */
} sample_net;

void sample_net_open(sample_net *n, const asy_backend *backend, const asy_design *d,
                     const asy_tensors *data, uint64_t seed);
void sample_net_close(sample_net *n);
