/* rng.c - Philox4x32-10, its readers, and permutations without memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include <math.h>
#include <string.h>

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

/* The finalizer of splitmix64 (Steele et al., 2014): a bijection that mixes well. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

/* For one seed the map from numbers to keys is a bijection: no two trials share a key.
 */
asy_key asy_rng_key(uint64_t seed, uint64_t number)
{
    uint64_t k = mix(mix(seed) ^ number);
    return (asy_key){{(uint32_t)k, (uint32_t)(k >> 32)}};
}

void asy_philox(asy_key key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key.k[0], k1 = key.k[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t a = (uint64_t)0xD2511F53 * c0;
        uint64_t b = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

asy_rng asy_rng_open(asy_key key, asy_stream stream, uint32_t index)
{
    return (asy_rng){.key = key, .stream = stream, .index = index};
}

static void refill(asy_rng *r)
{
    uint32_t counter[4] = {(uint32_t)r->block, r->index, r->stream,
                           (uint32_t)(r->block >> 32)};
    asy_philox(r->key, counter, r->have);
    r->block++;
    r->left = 4;
}

uint32_t asy_rng_u32(asy_rng *r)
{
    if (r->left == 0)
        refill(r);
    return r->have[4 - r->left--];
}

uint64_t asy_rng_u64(asy_rng *r)
{
    uint64_t low = asy_rng_u32(r);
    return (uint64_t)asy_rng_u32(r) << 32 | low;
}

double asy_rng_uniform(asy_rng *r) { return (double)(asy_rng_u64(r) >> 11) * 0x1p-53; }

float asy_rng_uniform_f(asy_rng *r) { return (float)(asy_rng_u32(r) >> 8) * 0x1p-24f; }

/* sqrt(-2 ln(1 - u)) cos(2 pi v); 1 - u is never 0. The sine twin is not kept, so that
 * a reader's state is its position and nothing else. */
double asy_rng_normal(asy_rng *r)
{
    double u = asy_rng_uniform(r), v = asy_rng_uniform(r);
    return sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586477 * v);
}

/* Lemire's multiplication method (2019): the high word of u * n, drawn again in the few
 * cases that would make low results more frequent. */
static uint32_t below32(asy_rng *r, uint32_t n)
{
    uint64_t product = (uint64_t)asy_rng_u32(r) * n;
    if ((uint32_t)product < n) {
        uint32_t unfair = (0U - n) % n;
        while ((uint32_t)product < unfair)
            product = (uint64_t)asy_rng_u32(r) * n;
    }
    return (uint32_t)(product >> 32);
}

uint64_t asy_rng_below(asy_rng *r, uint64_t n)
{
    if (n <= UINT32_MAX)
        return n ? below32(r, (uint32_t)n) : 0;
    uint64_t unfair = (0U - n) % n, x;
    do
        x = asy_rng_u64(r);
    while (x < unfair);
    return x % n;
}

void asy_rng_shuffle(asy_rng *r, uint32_t *x, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = asy_rng_below(r, i);
        uint32_t swap = x[i - 1];
        x[i - 1] = x[j];
        x[j] = swap;
    }
}

static uint32_t bits_for(uint32_t n)
{
    uint32_t bits = 0;
    while (bits < 32 && (uint64_t)1 << bits < n)
        bits++;
    return bits;
}

asy_perm asy_perm_make(asy_key key, uint32_t epoch, uint32_t n)
{
    asy_perm p = {.n = n};
    uint32_t bits = bits_for(n);
    p.half_bits = bits / 2;
    p.low_mask = ((uint32_t)1 << p.half_bits) - 1;
    p.high_mask = (uint32_t)(((uint64_t)1 << (bits - p.half_bits)) - 1);
    for (uint32_t block = 0; block < FEISTEL_ROUNDS / 4; block++) {
        uint32_t counter[4] = {block, epoch, ASY_STREAM_SHUFFLE, 0};
        asy_philox(key, counter, p.round_key + 4 * block);
    }
    return p;
}

/* The round function: 16 well mixed bits of (half, key). */
static inline uint32_t scramble(uint32_t half, uint32_t key)
{
    uint32_t x = (half ^ key) * 0x9E3779B1U;
    x = (x ^ x >> 15) * 0x85EBCA77U;
    return x >> 16;
}

uint32_t asy_perm_at(const asy_perm *p, uint32_t i)
{
    do { /* outside 0..n-1: walk on along the cycle until it comes back inside */
        uint32_t low = i & p->low_mask, high = i >> p->half_bits;
        for (int round = 0; round < FEISTEL_ROUNDS; round += 2) {
            high ^= scramble(low, p->round_key[round]) & p->high_mask;
            low ^= scramble(high, p->round_key[round + 1]) & p->low_mask;
        }
        i = high << p->half_bits | low;
    } while (i >= p->n);
    return i;
}
