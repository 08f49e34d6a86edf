/* session.h - one session under way: what it is made of, and its life.
 *
 * Belongs to the core thread.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "data/table.h"
#include "lab/board.h"
#include "lab/setup.h"
#include "lab/talk.h"

typedef struct asy_prepared {
    asy_hash hash;
    char text[ASY_HASH_TEXT];
    char *path; /* owned */
} asy_prepared;

/* Results that the store knows from an earlier life of the session. */
typedef struct asy_replay {
    bool is_on;
    int64_t told; /* of the last result in the store */
    int64_t fed;  /* of the last result that was told again */
} asy_replay;

/* The label that a rule gave to the proposals of a scatter. */
typedef struct asy_tag {
    uint32_t first, n;
    char *text; /* owned */
} asy_tag;

typedef struct asy_session {
    asy_host *host;
    int64_t id;
    char *name, *rule_name, *rule, *label; /* owned */
    size_t rule_len;
    json_t *options;                                            /* owned */
    char *options_text, *settings_text, *prepared_text, *title; /* owned */
    char dataset[ASY_HASH_TEXT], rule_hash[ASY_HASH_TEXT];
    uint64_t seed;
    bool is_fresh; /* takes nothing from the trial cache */
    bool has_twin; /* an earlier session may have the same trials */
    asy_session_state state;
    asy_setup setup;
    asy_table *table; /* owned */
    uint32_t label_column;
    asy_prepared *prepared; /* [folds], owned */
    json_t *shape;          /* of the prepared data, for the rule; owned */
    asy_board *board;
    asy_talk talk;
    asy_replay replay;
    int64_t seq; /* scatters so far */
    uint32_t proposals;
    int64_t told; /* results so far */
    uint32_t cached;
    asy_tag *tag; /* [tags] in order of proposals */
    uint32_t tags, tag_cap;
    uint64_t limit;        /* trials; 0 = none */
    double time_limit;     /* seconds; 0 = none */
    double charged;        /* seconds of work handed out, for fairness */
    double seconds_before; /* of earlier lives */
    uint64_t started_ms;   /* monotonic, of this life */
    int64_t created;       /* wall ms */
    uint64_t saved_ms;     /* monotonic: row last written */
    uint64_t late_ms;      /* monotonic: when its time was over; 0 = it is not */
    double best;
    uint32_t best_trial;
    char *best_params; /* owned */
    char digest[ASY_HASH_TEXT];
    char *error;      /* owned; NULL = none */
    uint32_t pending; /* commits that name it */
    struct {
        uint64_t ms;
        uint32_t ended;
    } mark[2]; /* for the rate: an older and a newer look */
} asy_session;

void asy_session_free(asy_session *s);
/* Ends it in that state; message NULL = no error. Leases are called back, the row
 * written. */
void asy_session_end(asy_session *s, asy_session_state state, const char *message);
bool asy_session_is_open(const asy_session *s);
double asy_session_seconds(const asy_session *s);
asy_row_session asy_session_row(const asy_session *s); /* text is borrowed */
void asy_session_save(asy_session *s);
void asy_session_tick(asy_session *s, uint64_t now);
uint64_t asy_session_left(const asy_session *s); /* trials it may still make */
asy_session *asy_host_session(asy_host *h, int64_t id);
uint32_t asy_session_each(const asy_session *s); /* trials a proposal */
