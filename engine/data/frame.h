/* frame.h - the features of a table while they are being prepared.
 *
 * Features look into the table's columns until a step changes them; then they get an
 * array of their own, which lives as long as the frame.
 */
#pragma once
#include "data/dict.h"
#include "data/table.h"

typedef enum asy_feature_kind {
    ASY_FEATURE_NUMBER,
    ASY_FEATURE_CATEGORY,
    ASY_FEATURE_HOT /* 1 where a category is `hot`, else 0 */
} asy_feature_kind;

enum {
    ASY_CODE_MISSING = -1,
    ASY_CODE_UNSEEN = -2 /* a category that the training part does not have */
};

typedef struct asy_feature {
    char *name; /* owned */
    asy_feature_kind kind;
    const double *number; /* NUMBER: [rows]; NaN is missing */
    const int32_t *code;  /* CATEGORY, HOT: [rows]; index into names, or below 0 */
    json_t *names;        /* CATEGORY: list of texts; an owned reference */
    int32_t hot;
    bool own; /* the array belongs to this feature alone and may be changed */
} asy_feature;

typedef struct asy_frame {
    const asy_table *table; /* borrowed */
    asy_feature *feature;   /* [count], owned */
    uint32_t count, cap;
    void **kept; /* arrays made for features; owned */
    size_t kept_count, kept_cap;
} asy_frame;

void asy_frame_fini(asy_frame *f);

/* A new feature at the end; borrowed until the next one. NULL and ASY_EARG message
 * above a million. */
asy_feature *asy_frame_add(asy_frame *f, const char *name, asy_feature_kind kind);
void asy_frame_drop(asy_frame *f, const uint8_t *drop); /* drop[count] */

/* An array that is freed with the frame; NULL (and a message) when there is no memory.
 */
void *asy_frame_array(asy_frame *f, size_t count, size_t size);

/* The feature's numbers as an array that may be changed. A HOT feature becomes a
 * NUMBER. */
asy_err asy_frame_numbers(asy_frame *f, asy_feature *x, double **out);
asy_err asy_frame_codes(asy_frame *f, asy_feature *x, int32_t **out);

/* Fails when a cell of the rows (row[n]; NULL: all) cannot be given to a network:
 * missing, infinite or too large for float32. Says how many and where. */
asy_err asy_frame_check(const asy_frame *f, const uint32_t *row, uint32_t n);

/* x (n, count) = the rows, row-major. */
void asy_frame_encode(const asy_frame *f, const uint32_t *row, uint32_t n, float *x);
