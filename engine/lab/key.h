/* key.h - what makes a trial itself: its seed and its key. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/hash.h"

/* The seed of a trial: the same for all folds of a repeat, different for everything
 * else. */
uint64_t asy_trial_seed(uint64_t session_seed, uint64_t proposal, uint32_t repeat);

/* Equal keys mean equal results: prepared data, design (or rule, options and params of
 * a `trial =` rule), seeds, numerics version. */
typedef struct asy_key_parts {
    const asy_hash *prepared;
    const char *design; /* canonical; "" for `trial =` rules */
    const char *rule, *options,
        *params; /* of `trial =` rules; not looked at otherwise */
    uint64_t session_seed, seed;
} asy_key_parts;
asy_hash asy_trial_key(const asy_key_parts *parts);

/* The first 8 bytes of a key, little-endian. */
uint64_t asy_key_check(const asy_hash *key);
