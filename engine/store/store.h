/* store.h - everything that must outlive the process: datasets, rules, sessions,
 * trials, curves, events, in one SQLite database `assay.db` in the store's folder.
 *
 * One thread writes. Callers queue write operations from any thread; the writer takes
 * everything queued, commits once (WAL, synchronous=FULL) and then calls each
 * operation's `done`. "done called with ASY_OK" means durable. When the disk is full or
 * fails, nothing is dropped: the batch is kept and tried again, and asy_store_health()
 * says so. Readers have connections of their own and never wait for the writer.
 * A lock file keeps a second host out; a database of a newer version is refused.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/hash.h"
#include "base/buf.h"

typedef struct asy_store asy_store;

/* Called on the writer thread, once, after the commit (or after giving up at close). */
typedef void asy_store_done(void *ctx, asy_err err);

/* As a host: makes the folder if needed, locks it, migrates, raises the epoch, starts
 * the writer. ASY_EIO: locked by another host (says by which process), newer version,
 * not a store, read-only. */
asy_err asy_store_open(const char *folder, asy_store **out);
/* For looking only: no lock, no writer, works beside a running host. */
asy_err asy_store_open_read(const char *folder, asy_store **out);
/* Waits for queued writes. */
void asy_store_close(asy_store *s);

uint64_t asy_store_epoch(const asy_store *s);
const char *asy_store_folder(const asy_store *s);
/* ASY_OK, or the error the writer keeps meeting ("database or disk is full"). */
asy_err asy_store_health(asy_store *s);
/* Waits until everything queued before is durable. */
asy_err asy_store_flush(asy_store *s);

/* --- rows ------------------------------------------------------------------ */

typedef struct asy_row_dataset {
    asy_hash hash;
    const char *name; /* file name */
    const char *path; /* of the saved table, relative to the folder */
    uint64_t rows, columns;
    const char *label; /* default label or NULL */
    int64_t imported;  /* wall ms */
} asy_row_dataset;

typedef enum asy_session_state {
    ASY_SESSION_RUNNING,
    ASY_SESSION_PAUSED,
    ASY_SESSION_DONE,
    ASY_SESSION_FAILED,
    ASY_SESSION_STOPPED /* by the user or a limit that leaves it resumable */
} asy_session_state;

typedef struct asy_row_session {
    int64_t id;
    const char *name;      /* unique; "iris-3" */
    const char *rule_name; /* file name of the rule */
    const char *rule;      /* its source */
    const char *title;
    const char *options;  /* JSON: --set values */
    const char *settings; /* JSON: objective, repeats, folds, limits, kind, space */
    const char *dataset;  /* hash text */
    const char *label;
    const char *prepared; /* JSON list: hash text of each fold's prepared data */
    uint64_t seed;
    asy_session_state state;
    uint64_t done, failed, pruned, cancelled, cached; /* trials by end */
    uint64_t trials;                                  /* ever made */
    double seconds;                                   /* spent running, all attempts */
    const char *digest;                               /* when ended, else "" */
    const char *error;                                /* why it failed, else "" */
    int64_t created, ended;                           /* wall ms; ended 0 while open */
} asy_row_session;

typedef enum asy_trial_state {
    ASY_TRIAL_QUEUED,
    ASY_TRIAL_LEASED,
    ASY_TRIAL_RUNNING,
    ASY_TRIAL_DONE,
    ASY_TRIAL_FAILED,
    ASY_TRIAL_PRUNED,
    ASY_TRIAL_CANCELLED,
    ASY_TRIAL_STATES
} asy_trial_state;
extern const char *const asy_trial_state_names[ASY_TRIAL_STATES];

typedef struct asy_row_trial {
    int64_t id; /* of the store */
    int64_t session;
    int64_t number;   /* 1, 2, ... in the session */
    int64_t proposal; /* trials of one proposal differ in seed or fold only */
    uint32_t fold;
    asy_trial_state state;
    uint32_t attempt, crashes;
    uint64_t seed;
    asy_hash key;        /* of (prepared data, design, seed, numerics) */
    const char *params;  /* canonical JSON */
    const char *design;  /* canonical JSON; "" for `trial =` rules */
    double score;        /* NaN when there is none */
    const char *metrics; /* JSON object */
    const char *reason;  /* "diverged", "patience", "time", "poison", an error's text */
    uint32_t epochs;
    double seconds; /* training */
    uint64_t parameters;
    double flops;
    const char *how;     /* "blas/avx512/1": backend, isa, numerics */
    const char *worker;  /* name of the worker that ended it */
    int64_t cached_from; /* trial id, 0 = trained */
    int64_t told; /* order in which results were given to the rule; 0 = not yet */
    int64_t queued, ended; /* wall ms */
} asy_row_trial;

/* What is worth telling later: "differs" (a repeated trial came to another result),
 * "crash", "poison", ... The oldest go when there are more than 100,000. */
typedef struct asy_row_event {
    int64_t time;           /* wall ms */
    int64_t session, trial; /* 0: about none */
    const char *kind, *text;
} asy_row_event;

/* --- writes (any thread; all text is copied) ------------------------------------- *
 *
 * Writes are carried out in the order in which they were queued. The queue has no
 * bound: callers hold back by waiting for `done` before they send much more. `done` may
 * be NULL. asy_errmsg() tells more while `done` runs with an error. An operation that
 * is wrong in itself (a name taken, a number used twice) fails alone with ASY_EARG.
 */

asy_err asy_store_put_dataset(asy_store *s, const asy_row_dataset *d);
/* Assigns *id. Durable when it returns. */
asy_err asy_store_new_session(asy_store *s, const asy_row_session *row, int64_t *id);
/* Writes the row of row->id; a text that is NULL leaves its column as it is. */
void asy_store_put_session(asy_store *s, const asy_row_session *row,
                           asy_store_done *done, void *ctx);

/* One scatter: n trials (ids given by asy_store_next_trial()), queued or, when they
 * come from the trial cache, done; and the record that a replay is matched by. All of
 * it or nothing. `told` = results given to the rule before it. n = 0 writes nothing. */
void asy_store_scatter(asy_store *s, int64_t session, int64_t seq,
                       const asy_hash *specs, int64_t told, const asy_row_trial *rows,
                       size_t n, asy_store_done *done, void *ctx);
int64_t asy_store_next_trial(asy_store *s, size_t n); /* first of n fresh ids */

/* Ends a trial: writes only if it has not ended yet; otherwise counts a duplicate and
 * notes it as an event when score or metrics of a done one differ (`done` gets ASY_OK
 * either way). Of the row the id and what a result consists of are used; what the
 * scatter wrote (session, number, proposal, fold, seed, key, params, design, queued) is
 * left alone. curve may be NULL. */
void asy_store_end_trial(asy_store *s, const asy_row_trial *row, const void *curve,
                         size_t curve_len, asy_store_done *done, void *ctx);
void asy_store_event(asy_store *s, int64_t session, int64_t trial, const char *kind,
                     const char *text);
/* Since the store was opened. */
uint64_t asy_store_duplicates(asy_store *s);

/* --- reads (any thread; text is borrowed until the callback returns) ----------------
 */

/* Return false to stop early. */
typedef bool asy_store_each_session(void *ctx, const asy_row_session *row);
typedef bool asy_store_each_trial(void *ctx, const asy_row_trial *row);

asy_err asy_store_sessions(asy_store *s, asy_store_each_session *each, void *ctx);
/* By id text, name, or "last". ASY_EARG names near ones. Calls `each` once. */
asy_err asy_store_find_session(asy_store *s, const char *which,
                               asy_store_each_session *each, void *ctx);

typedef enum asy_trial_order {
    ASY_BY_NUMBER,
    ASY_BY_SCORE,
    ASY_BY_TOLD
} asy_trial_order;
typedef struct asy_trial_query {
    int64_t session; /* 0 = all */
    uint32_t states; /* bit set of 1 << state; 0 = all */
    asy_trial_order order;
    bool descending;
    uint64_t skip, limit; /* limit 0 = all */
} asy_trial_query;
asy_err asy_store_trials(asy_store *s, const asy_trial_query *q,
                         asy_store_each_trial *each, void *ctx);
/* No call of `each` when there is no such trial. */
asy_err asy_store_trial(asy_store *s, int64_t id, asy_store_each_trial *each,
                        void *ctx);
/* The trial that was trained to the end under that key; no call when there is none. */
asy_err asy_store_by_key(asy_store *s, const asy_hash *key, asy_store_each_trial *each,
                         void *ctx);
/* The curve blob of a trial (of a cached one: of the trial it was taken from), empty
 * when there is none. Replaces what *out held. */
asy_err asy_store_curve(asy_store *s, int64_t trial, asy_buf *out);

typedef struct asy_row_scatter {
    int64_t seq, first_number, n, told;
    asy_hash specs;
} asy_row_scatter;
/* ASY_OK and row->n = 0 when the session never got that far. */
asy_err asy_store_find_scatter(asy_store *s, int64_t session, int64_t seq,
                               asy_row_scatter *row);

asy_err asy_store_datasets(asy_store *s,
                           bool (*each)(void *ctx, const asy_row_dataset *d),
                           void *ctx);

typedef bool asy_store_each_event(void *ctx, const asy_row_event *e);
asy_err asy_store_events(asy_store *s, asy_store_each_event *each,
                         void *ctx); /* oldest first */
