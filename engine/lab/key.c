/* key.c - seeds and keys of trials. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/key.h"

#include <string.h>

#include "nn/train.h"

/* splitmix64: every bit of x reaches every bit of the result. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t asy_trial_seed(uint64_t session_seed, uint64_t proposal, uint32_t repeat)
{
    /* 63 bits, so that the seed is a whole number in JSON, SQLite and Lua's int64 too.
     */
    return mix(mix(session_seed) ^ mix(proposal << 20 ^ repeat)) >> 1;
}

static void add_number(asy_hasher *h, uint64_t x)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(x >> 8 * i);
    asy_hasher_add(h, b, sizeof b);
}

/* With its length in front: no two lists of texts look alike. */
static void add_text(asy_hasher *h, const char *text)
{
    size_t len = strlen(text);
    add_number(h, len);
    asy_hasher_add(h, text, len);
}

asy_hash asy_trial_key(const asy_key_parts *parts)
{
    asy_hasher h;
    asy_hasher_init(&h);
    add_number(&h, ASY_NUMERICS_VERSION);
    add_number(&h, parts->session_seed);
    add_number(&h, parts->seed);
    asy_hasher_add(&h, parts->prepared->b, sizeof parts->prepared->b);
    add_text(&h, parts->design);
    if (!*parts->design) {
        add_text(&h, parts->rule);
        add_text(&h, parts->options);
        add_text(&h, parts->params);
    }
    return asy_hasher_end(&h);
}

uint64_t asy_key_check(const asy_hash *key)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)key->b[i] << 8 * i;
    return x;
}
