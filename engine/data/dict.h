/* dict.h - a set of texts that numbers them in order of first appearance.
 *
 * Open addressing over one pool of bytes, hashed with a secret of its own, so that a
 * crafted file cannot make it slow. Zeroed memory is an empty dictionary.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef struct asy_dict_entry {
    uint64_t hash;
    size_t at;    /* offset into the pool */
    uint32_t len; /* bytes */
} asy_dict_entry;

typedef struct asy_dict {
    char *pool; /* owned; all texts, each followed by a NUL */
    size_t pool_len, pool_cap;
    asy_dict_entry *entry; /* [cap], owned; the code of a text is its index here */
    uint32_t count, cap;
    uint32_t *slot; /* [slots], owned; code + 1, 0 = free */
    uint32_t slots; /* a power of two, or 0 */
    uint64_t secret;
} asy_dict;

/* The code of text[0..len), which is added when it is new. ASY_ENOMEM. */
asy_err asy_dict_intern(asy_dict *d, const char *text, size_t len, int32_t *code);

/* The code of text[0..len), or -1. */
int32_t asy_dict_find(const asy_dict *d, const char *text, size_t len);

/* The text of a code; borrowed until the next asy_dict_intern(). */
const char *asy_dict_text(const asy_dict *d, int32_t code);

void asy_dict_fini(asy_dict *d);
