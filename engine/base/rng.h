/* rng.h - counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011).
 *
 * A number is a pure function of (key, counter): no state is shared, so the same
 * weights, shuffles and masks come out on every machine and in any order.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* What a stream of numbers is for; part of the counter, so streams never overlap. */
typedef enum asy_stream {
    ASY_STREAM_INIT = 1, /* weights; index is the layer */
    ASY_STREAM_SHUFFLE,  /* order of the rows; index is the epoch */
    ASY_STREAM_DROPOUT,  /* masks; index is the layer */
    ASY_STREAM_SPLIT,    /* train / validate / test */
    ASY_STREAM_BALANCE,  /* resampling of classes */
    ASY_STREAM_RULE,     /* math.random in rules */
    ASY_STREAM_STRATEGY  /* proposals */
} asy_stream;

/* 64 bits of key: who draws. Make one with asy_rng_key(). */
typedef struct asy_key {
    uint32_t k[2];
} asy_key;

/* The key of (session seed, trial or fold number): splitmix64 of both. */
asy_key asy_rng_key(uint64_t seed, uint64_t number);

/* Four random words for counter (block, index, stream, hi). Ten rounds. */
void asy_philox(asy_key key, const uint32_t counter[4], uint32_t out[4]);

/* A reader of one stream: numbers in order. Plain values; copy to fork. */
typedef struct asy_rng {
    asy_key key;
    uint32_t stream, index;
    uint64_t block; /* next block of four */
    uint32_t have[4];
    uint32_t left; /* words of have[] not yet used */
} asy_rng;

asy_rng asy_rng_open(asy_key key, asy_stream stream, uint32_t index);
uint32_t asy_rng_u32(asy_rng *r);
uint64_t asy_rng_u64(asy_rng *r);
double asy_rng_uniform(asy_rng *r);                      /* [0, 1), 53 bits */
float asy_rng_uniform_f(asy_rng *r);                     /* [0, 1), 24 bits */
double asy_rng_normal(asy_rng *r);                       /* Box-Muller in double */
uint64_t asy_rng_below(asy_rng *r, uint64_t n);          /* 0 .. n-1, unbiased */
void asy_rng_shuffle(asy_rng *r, uint32_t *x, size_t n); /* Fisher-Yates */

/* A random permutation of 0..n-1 that needs no memory: a Feistel network of eight
 * rounds on the next power of two (halves may differ by a bit), with cycle walking. */
typedef struct asy_perm {
    uint32_t n, half_bits, low_mask, high_mask;
    uint32_t round_key[8];
} asy_perm;

asy_perm asy_perm_make(asy_key key, uint32_t epoch, uint32_t n);
uint32_t asy_perm_at(const asy_perm *p, uint32_t i); /* i < n */
