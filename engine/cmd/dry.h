/* dry.h - a dry run of a rule: everything up to its first proposals, without a store.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "data/table.h"
#include "data/tensors.h"
#include "lab/setup.h"

typedef struct asy_dry {
    const char *name, *source; /* of the rule; borrowed */
    size_t len;
    const json_t *options; /* borrowed */
    asy_table *table;      /* NULL without data; owned */
    uint32_t label;        /* its column */
    asy_tensors *tensors;  /* the first fold prepared; NULL without data; owned */
    asy_setup setup;       /* what the description says; owned */
    json_t *told;          /* the rule's description; owned */
    json_t *proposals; /* [{"params","design","parameters"}], at most `wanted`; owned */
    bool is_own;       /* a `trial =` rule: no designs */
    size_t wanted;
    uint64_t seed;
} asy_dry;

/* Fills told, tensors and proposals from what is set above. The design of each proposal
 * is checked. ASY_ESCRIPT or ASY_EARG with a message for people. */
asy_err asy_dry_run(asy_dry *d);
void asy_dry_fini(asy_dry *d);
