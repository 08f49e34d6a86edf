/* tensors.h - prepared data: the parts a network learns and is judged on, as a
 * .safetensors file (https://github.com/huggingface/safetensors) mapped read-only.
 *
 * Tensors x_train, x_validate, x_test F32 (rows, inputs); y_* I32 (rows) class indices
 * or F32 (rows, outputs) targets; row_* I32 (rows): the row of the dataset each came
 * from. Parts without rows are absent. __metadata__.assay is JSON: {"label", "task":
 * "classify"|"regress", "classes":[...] (empty in regression), "inputs":[names...],
 * "fitted":[...] (for asy_prepare_apply), "dropped_rows" (rows without a label),
 * "label_scale":[mean, deviation] (of a standardized regression label)}.
 */
#pragma once
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

typedef enum asy_part_name {
    ASY_TRAIN,
    ASY_VALIDATE,
    ASY_TEST,
    ASY_PARTS
} asy_part_name;

extern const char *const asy_part_names[ASY_PARTS]; /* "train", "validate", "test" */

typedef struct asy_tensors_part {
    uint32_t rows;        /* 0 when the part is absent */
    const float *x;       /* (rows, inputs) */
    const int32_t *label; /* (rows), classification */
    const float *target;  /* (rows, outputs), regression */
    const int32_t *row;   /* (rows) */
} asy_tensors_part;

typedef struct asy_tensors {
    uint32_t inputs, classes; /* classes = 0: regression */
    uint32_t outputs;         /* regression targets; 1 */
    asy_tensors_part part[ASY_PARTS];
    json_t *meta;  /* owned; as above */
    asy_hash hash; /* of the file's bytes; names the prepared data */
    asy_map map;   /* file-backed ... */
    void *heap;    /* ... or owned memory */
    size_t heap_len;
} asy_tensors;

/* Maps a file and checks every offset in it (files may be hostile). verify = also that
 * its bytes hash to *expect. */
asy_err asy_tensors_open(const char *path, const asy_hash *expect, asy_tensors **out);
asy_err asy_tensors_save(const asy_tensors *t, const char *path);
void asy_tensors_free(asy_tensors *t);

/* General .safetensors writing and reading, also used for models (nn/model.h). */
typedef struct asy_tensor {
    const char *name;
    const char *dtype; /* "F32", "I32" */
    uint32_t rank;     /* 1 or 2 */
    uint64_t shape[2];
    const void *data; /* borrowed */
} asy_tensor;

/* The file's bytes: 8-byte header length, JSON header, data. The data begins at a
 * multiple of 64 bytes and has no holes, as the format wants. */
asy_err asy_safetensors_write(asy_buf *out, const asy_tensor *tensor, size_t n,
                              const json_t *metadata);
/* Parses bytes; tensors point into them, names into *names_take (free with
 * json_decref). */
asy_err asy_safetensors_read(const void *bytes, size_t len, asy_tensor **tensor,
                             size_t *n, json_t **header);
