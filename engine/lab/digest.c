/* digest.c - one hash for all results of a session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lab/host.h"

/* Each text with its NUL, so that texts cannot run together. */
static void add_text(asy_hasher *h, const char *text)
{
    asy_hasher_add(h, text, strlen(text) + 1);
}

static bool add_trial(void *ctx, const asy_row_trial *row)
{
    asy_hasher *h = ctx;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)row->seed);
    add_text(h, *row->design ? row->design : row->params);
    add_text(h, seed);
    add_text(h, asy_trial_state_names[row->state]);
    add_text(h, row->metrics);
    return true;
}

asy_err asy_session_digest(asy_store *s, int64_t session, char out[ASY_HASH_TEXT])
{
    asy_hasher h;
    asy_hasher_init(&h);
    const asy_trial_query q = {.session = session, .order = ASY_BY_NUMBER};
    asy_err err = asy_store_trials(s, &q, add_trial, &h);
    asy_hash hash = asy_hasher_end(&h);
    out[0] = 0;
    if (!err)
        asy_hash_text(&hash, out);
    return err;
}
