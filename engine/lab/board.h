/* board.h - the trials of one session in memory: compact, by number, each in one state.
 *
 * The board belongs to the core thread. A trial lives here from the moment its row is
 * made until the session ends; its text (spec, result) goes as soon as nobody needs it.
 * All operations on one trial are O(1) or O(log n).
 *
 *     new -> queued -> leased -> running -> done | failed | pruned | cancelled
 *                 ^______|_________|   (expiry, hand-back, worker's death)
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "store/store.h"

/* What the trials of one proposal share. */
typedef struct asy_spec {
    uint32_t users;
    char *params; /* canonical JSON, owned */
    char *design; /* canonical JSON, "" for `trial =` rules; owned */
    size_t params_len, design_len;
} asy_spec;

asy_spec *asy_spec_new(char *params_take, char *design_take);
void asy_spec_unref(asy_spec *s); /* NULL is fine */

/* What a worker was told to do with a trial it holds. */
typedef enum asy_order {
    ASY_ORDER_NONE,
    ASY_ORDER_PRUNE,
    ASY_ORDER_CANCEL,
    ASY_ORDER_RECALL
} asy_order;

typedef struct asy_trial asy_trial;
struct asy_trial {
    struct asy_session *session;
    int64_t id;
    uint32_t number;   /* from 1 */
    uint32_t proposal; /* from 1 */
    uint16_t fold, repeat;
    uint8_t state;   /* asy_trial_state */
    uint8_t crashes; /* workers that died running it */
    uint8_t order;   /* asy_order */
    bool is_ready;   /* its row is durable: it may be handed out */
    bool is_listed;  /* stands in the queue of the board */
    bool is_cached;
    bool is_durable; /* its end is committed */
    uint16_t attempt;
    uint16_t together; /* most trials it may be leased with; shrinks when holders die */
    int32_t priority;
    uint32_t epochs; /* of the result */
    uint64_t seed, check;
    double score, seconds, flops; /* of the result; score NaN when there is none */
    uint64_t parameters;
    int64_t told;          /* order of the end; 0 = has not ended */
    int64_t ended;         /* wall ms */
    asy_spec *spec;        /* NULL when ended and told */
    char *metrics;         /* JSON, from the end until it is told; owned */
    char *reason, *worker; /* the same */
    /* While leased: */
    struct asy_peer *holder; /* NULL = nobody */
    uint64_t lease, grant;   /* grant: seq of the WORK whose reply carried it */
    uint32_t stamp;          /* of the request that listed it last */
    uint16_t batch;          /* trials the holder had when it was granted */
    asy_trial *prev, *next;  /* in the holder's list, in order of lease */
};

typedef struct asy_board asy_board;

asy_board *asy_board_new(void);
void asy_board_free(asy_board *b);

/* Adds n trials numbered one after the other from the next number, with ids from
 * first_id; state QUEUED, not ready, together as large as it gets. Returns the first
 * number. */
uint32_t asy_board_add(asy_board *b, int64_t first_id, uint32_t n);

uint32_t asy_board_count(const asy_board *b);           /* ever added */
asy_trial *asy_board_at(asy_board *b, uint64_t number); /* NULL when there is none */
asy_trial *asy_board_find(asy_board *b, int64_t id);    /* NULL when there is none */

/* Moves a trial to another state; a move that the diagram lacks is a bug. Counts are
 * kept; QUEUED enters the queue when ready, an ended trial leaves it. */
void asy_board_move(asy_board *b, asy_trial *t, asy_trial_state to);
/* For trials loaded from the store: any state, no diagram. */
void asy_board_load(asy_board *b, asy_trial *t, asy_trial_state state);
void asy_board_ready(asy_board *b, asy_trial *t);

/* The next trial to hand out (highest priority, then lowest number), or NULL. It stays
 * in the queue until it is taken. */
asy_trial *asy_board_peek(asy_board *b);
void asy_board_take(asy_board *b, asy_trial *t); /* the one just peeked */

uint32_t asy_board_in(const asy_board *b, asy_trial_state state);
uint32_t asy_board_open(const asy_board *b); /* not ended */
static inline bool asy_trial_has_ended(const asy_trial *t)
{
    return t->state >= ASY_TRIAL_DONE;
}
