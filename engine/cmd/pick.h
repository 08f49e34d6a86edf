/* pick.h - which session and which trial a command line means. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/mem.h"
#include "store/store.h"

/* Rows whose texts live as long as the pick. Zeroed memory is empty. */
typedef struct asy_pick {
    asy_row_session session;
    asy_row_trial trial;
    asy_arena texts;
} asy_pick;

/* A session by name, number or "last" (NULL too). */
asy_err asy_pick_session(asy_store *s, const char *which, asy_pick *out);

/* A trial by its number in that session ("17"), or with its session ("iris-3/17").
 * "best" is the one with the best score. */
asy_err asy_pick_trial(asy_store *s, const char *session, const char *trial,
                       asy_pick *out);

void asy_pick_fini(asy_pick *p);

/* The metric that a session optimizes, and what it is measured on. */
typedef struct asy_aim {
    char metric[64];
    bool maximize;
    const char *part; /* "test", ...; NULL: the rule trains and judges by itself */
    uint64_t rows;    /* of that part, in one fold */
    uint64_t done;    /* trials that are */
} asy_aim;
asy_aim asy_pick_aim(const asy_row_session *session);
