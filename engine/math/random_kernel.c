/* random_kernel.c - Philox and the row permutation, sixteen at a time.
 *
 * The same integers as base/rng.c, in loops over lanes that the compiler turns into
 * vectors; tests/math/test_random.c compares them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include "math/kernels.h"
#include "math/simd.h"

enum { LANES = 16 };

/* word[4*i + w] = word w of Philox block first+i of a dropout mask. */
static void philox(const asy_mask *m, uint32_t first, uint32_t word[4 * LANES])
{
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        c0[i] = first + i;
        c1[i] = m->step;
        c2[i] = ASY_STREAM_DROPOUT;
        c3[i] = m->layer;
    }
    uint32_t k0 = m->key.k[0], k1 = m->key.k[1];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t a = (uint64_t)0xD2511F53U * c0[i],
                     b = (uint64_t)0xCD9E8D57U * c2[i];
            c0[i] = (uint32_t)(b >> 32) ^ c1[i] ^ k0;
            c1[i] = (uint32_t)b;
            c2[i] = (uint32_t)(a >> 32) ^ c3[i] ^ k1;
            c3[i] = (uint32_t)a;
        }
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    for (int i = 0; i < LANES; i++) {
        word[4 * i] = c0[i];
        word[4 * i + 1] = c1[i];
        word[4 * i + 2] = c2[i];
        word[4 * i + 3] = c3[i];
    }
}

/* Numbers run over rows without gaps, rows of `keep` are ld apart: so words are made in
 * stretches and handed out row by row. */
static void mask(const asy_mask *m)
{
    const asy_area s = m->area;
    uint32_t word[4 * LANES], block = 0, used = 4 * LANES;
    for (size_t r = 0; r < s.rows; r++) {
        float *keep = m->keep + r * s.ld;
        for (size_t j = 0; j < s.n;) {
            if (used == 4 * LANES) {
                philox(m, block, word);
                block += LANES;
                used = 0;
            }
            size_t run = s.n - j < 4 * LANES - used ? s.n - j : 4 * LANES - used;
            for (size_t i = 0; i < run; i++)
                keep[j + i] = word[used + i] < m->threshold ? 0.0f : m->scale;
            used += (uint32_t)run;
            j += run;
        }
        for (size_t j = s.n; j % BLOCK; j++)
            keep[j] = 0;
    }
}

/* One walk of the Feistel network of asy_perm_at() in every lane. */
static void feistel(const asy_perm *p, uint32_t x[LANES])
{
    for (int i = 0; i < LANES; i++) {
        uint32_t low = x[i] & p->low_mask, high = x[i] >> p->half_bits;
        for (int round = 0; round < 8; round += 2) {
            uint32_t a = (low ^ p->round_key[round]) * 0x9E3779B1U;
            a = (a ^ a >> 15) * 0x85EBCA77U;
            high ^= a >> 16 & p->high_mask;
            a = (high ^ p->round_key[round + 1]) * 0x9E3779B1U;
            a = (a ^ a >> 15) * 0x85EBCA77U;
            low ^= a >> 16 & p->low_mask;
        }
        x[i] = high << p->half_bits | low;
    }
}

static bool any_outside(const asy_perm *p, const uint32_t x[LANES])
{
    uint32_t outside = 0;
    for (int i = 0; i < LANES; i++)
        outside |= x[i] >= p->n;
    return outside;
}

/* Lanes past n follow the first, so that they end when it does. */
static void rows(const asy_perm *p, uint32_t first, uint32_t n, uint32_t *row)
{
    for (uint32_t from = 0; from < n; from += LANES) {
        uint32_t x[LANES], walked[LANES];
        for (uint32_t i = 0; i < LANES; i++)
            x[i] = first + from + (i < n - from ? i : 0);
        feistel(p, x);
        while (any_outside(p, x)) { /* those lanes walk on */
            memcpy(walked, x, sizeof x);
            feistel(p, walked);
            for (int i = 0; i < LANES; i++)
                x[i] = x[i] >= p->n ? walked[i] : x[i];
        }
        memcpy(row + from, x, sizeof x);
    }
}

const asy_random_kernels ASY_ISA_NAME(asy_random_kernels) = {.mask = mask,
                                                             .rows = rows};
