/* dict.c - a set of texts that numbers them in order of first appearance. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dict.h"
#include <string.h>
#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 64, MAX_CODES = INT32_MAX / 2 };

/* The multiplier is odd and random for each dictionary. The shifts carry high bits
 * down, so that long texts of equal words do not cancel. */
static uint64_t hash_text(uint64_t secret, const char *text, size_t len)
{
    uint64_t h = secret ^ (len * 0x9e3779b97f4a7c15u);
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;
        memcpy(&word, text, n);
        h = (h ^ word) * (secret | 1);
        h ^= h >> 29;
        text += n;
        len -= n;
    }
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

static int32_t find_hashed(const asy_dict *d, uint64_t hash, const char *text,
                           size_t len)
{
    if (d->slots == 0)
        return -1;
    for (uint32_t i = (uint32_t)hash & (d->slots - 1);; i = (i + 1) & (d->slots - 1)) {
        if (d->slot[i] == 0)
            return -1;
        const asy_dict_entry *e = &d->entry[d->slot[i] - 1];
        if (e->hash == hash && e->len == len && memcmp(d->pool + e->at, text, len) == 0)
            return (int32_t)(d->slot[i] - 1);
    }
}

static void put_slot(asy_dict *d, uint32_t code)
{
    uint32_t i = (uint32_t)d->entry[code].hash & (d->slots - 1);
    while (d->slot[i] != 0)
        i = (i + 1) & (d->slots - 1);
    d->slot[i] = code + 1;
}

/* Twice the slots; at most half of them are ever taken. */
static asy_err grow_slots(asy_dict *d)
{
    uint32_t slots = d->slots ? d->slots * 2 : FIRST_SLOTS;
    uint32_t *slot = asy_try_alloc(slots, sizeof *slot);
    if (!slot)
        return asy_fail(ASY_ENOMEM, "no memory for %u names", slots / 2);
    if (d->slots == 0)
        asy_random_bytes(&d->secret, sizeof d->secret);
    asy_free(d->slot);
    d->slot = slot;
    d->slots = slots;
    for (uint32_t code = 0; code < d->count; code++)
        put_slot(d, code);
    return ASY_OK;
}

static asy_err grow_entries(asy_dict *d)
{
    uint32_t cap = d->cap ? d->cap * 2 : FIRST_SLOTS / 2;
    asy_dict_entry *entry = asy_try_realloc(d->entry, cap, sizeof *entry);
    if (!entry)
        return asy_fail(ASY_ENOMEM, "no memory for %u names", cap);
    d->entry = entry;
    d->cap = cap;
    return ASY_OK;
}

static asy_err grow_pool(asy_dict *d, size_t need)
{
    size_t cap = d->pool_cap ? d->pool_cap : 256;
    while (cap - d->pool_len < need)
        cap *= 2;
    char *pool = asy_try_realloc(d->pool, cap, 1);
    if (!pool)
        return asy_fail(ASY_ENOMEM, "no memory for %zu bytes of names", cap);
    d->pool = pool;
    d->pool_cap = cap;
    return ASY_OK;
}

static asy_err make_room(asy_dict *d, size_t len)
{
    asy_err e = ASY_OK;
    if (d->count >= MAX_CODES)
        return asy_fail(ASY_EARG, "more than %d different texts in a column",
                        MAX_CODES);
    if (d->count * 2 >= d->slots)
        e = grow_slots(d);
    if (!e && d->count == d->cap)
        e = grow_entries(d);
    if (!e && d->pool_cap - d->pool_len < len + 1)
        e = grow_pool(d, len + 1);
    return e;
}

asy_err asy_dict_intern(asy_dict *d, const char *text, size_t len, int32_t *code)
{
    uint64_t hash = hash_text(d->secret, text, len);
    *code = find_hashed(d, hash, text, len);
    if (*code >= 0)
        return ASY_OK;
    asy_err e = make_room(d, len);
    if (e)
        return e;
    if (d->count == 0) /* the secret has just been drawn */
        hash = hash_text(d->secret, text, len);
    memcpy(d->pool + d->pool_len, text, len);
    d->pool[d->pool_len + len] = '\0';
    d->entry[d->count] =
        (asy_dict_entry){.hash = hash, .at = d->pool_len, .len = (uint32_t)len};
    d->pool_len += len + 1;
    *code = (int32_t)d->count;
    put_slot(d, d->count++);
    return ASY_OK;
}

int32_t asy_dict_find(const asy_dict *d, const char *text, size_t len)
{
    return find_hashed(d, hash_text(d->secret, text, len), text, len);
}

const char *asy_dict_text(const asy_dict *d, int32_t code)
{
    return d->pool + d->entry[code].at;
}

void asy_dict_fini(asy_dict *d)
{
    asy_free(d->pool);
    asy_free(d->entry);
    asy_free(d->slot);
    *d = (asy_dict){0};
}
