/* fetch.h - what a worker knows of sessions, and the prepared data it has opened.
 *
 * Sessions are told by the work thread and looked up by the trainer; data are opened by
 * the trainer only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "data/tensors.h"
#include "lab/work.h"

typedef struct asy_fetch asy_fetch;

typedef struct asy_brief {
    int64_t id;
    uint64_t seed;
    bool is_own, wants_reports;
    char metric[64];
    json_t *tree; /* as told; owned */
    uint32_t folds;
} asy_brief;

/* Brings prepared data from the host: with *size = 0 their size, else appends the bytes
 * from `offset` on, as many as the host likes to send. */
typedef asy_err asy_fetch_get(void *ctx, const char *hash, uint64_t offset,
                              asy_buf *out, uint64_t *size);

/* cache: folder for data that had to be fetched; NULL: a temporary one. */
asy_fetch *asy_fetch_new(const char *cache, asy_fetch_get *get, void *ctx);
void asy_fetch_free(asy_fetch *f);

/* Takes in a brief as TASKS carries it. Malformed ones are ASY_EARG. */
asy_err asy_fetch_tell(asy_fetch *f, const json_t *brief);
/* Borrowed until asy_fetch_free(); NULL when it was never told. */
const asy_brief *asy_fetch_brief(asy_fetch *f, int64_t session);

/* The prepared data of a fold: the file that the host names if it can be opened and has
 * the right hash, else a copy fetched into the cache. Borrowed; *path too. */
asy_err asy_fetch_data(asy_fetch *f, const asy_brief *b, uint32_t fold,
                       const asy_tensors **data, const char **path);
