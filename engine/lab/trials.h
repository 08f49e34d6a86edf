/* trials.h - the loaded trials of a session, seen from inside findings. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/mem.h"
#include "data/dict.h"
#include "lab/findings.h"
#include "lab/stat.h"

/* One parameter over all proposals: numbers, texts, or both until the end. */
typedef struct asy_factor {
    const char *name; /* in the arena */
    double *number;   /* [cap]; NaN where it is a text or absent */
    int32_t *code;    /* [cap]; into names, -1 where it is a number or absent */
    asy_dict names;
    bool is_log;     /* the rule searched it on a log scale */
    bool has_text;   /* some value is no number: all are taken for texts */
    bool is_derived; /* of the design, not a parameter of the rule */
} asy_factor;

typedef struct asy_proposal {
    int64_t proposal, number; /* number of its first trial */
    asy_mean score;           /* over its done trials */
    asy_mean seconds;         /* of those that were trained, not cached */
    uint32_t failed;
    double layers, parameters;
    const char *params, *design; /* canonical JSON, in the arena */
} asy_proposal;

struct asy_frame_of_trials {
    int64_t session;
    uint64_t seed;
    char metric[64];
    bool maximize;
    bool is_adaptive;
    bool has_repeats;
    json_t *space; /* list or NULL; owned */
    uint64_t done, failed, pruned, cancelled, cached;
    asy_proposal *row; /* [rows] */
    size_t rows, cap;
    asy_factor *factor; /* [factors] */
    size_t factors;
    uint64_t left_out; /* parameters beyond the most that are looked at */
    asy_arena texts;
};

enum { ASY_MAX_FACTORS = 64 };
