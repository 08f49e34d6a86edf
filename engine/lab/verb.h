/* verb.h - what can be asked of a store or told to a host: one table, several doors
 * (the command line's --json now; HTTP and Lua use the same one). A verb takes a JSON
 * object of arguments and gives a JSON value.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/host.h"

typedef enum asy_verb_type { ASY_VERB_TEXT, ASY_VERB_WHOLE } asy_verb_type;

typedef struct asy_verb_arg {
    const char *name;
    asy_verb_type type;
    bool is_required;
    const char *help;
} asy_verb_arg;

enum {
    ASY_VERB_ARGS = 6,
    ASY_VERB_CHANGES = 1 /* flag: changes something; needs a host */
};

typedef struct asy_verb {
    const char *name, *help;
    unsigned flags;
    asy_verb_arg arg[ASY_VERB_ARGS]; /* up to the first without a name */
    /* args are checked; *out is owned by the caller. */
    asy_err (*act)(asy_store *s, asy_host *h, const json_t *args, json_t **out);
} asy_verb;

extern const asy_verb asy_verbs[]; /* up to the first without a name */

/* Does one. h may be NULL for verbs that change nothing; those that do belong on the
 * host's core thread. args may be NULL. ASY_EARG names wrong or missing arguments and
 * near verbs. */
asy_err asy_verb_do(asy_store *s, asy_host *h, const char *name, const json_t *args,
                    json_t **out);

/* A session's row as every door shows it; owned by the caller. */
json_t *asy_verb_session(const asy_row_session *row);

/* "running", "done", ... Static. */
const char *asy_verb_state(asy_session_state state);
