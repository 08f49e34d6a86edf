/* inner.h - what the store's own files share; nobody else includes it.
 *
 * A write is an operation: one block of memory with copies of everything it needs. It
 * is queued by any thread (write.c), carried out by the writer thread (writer.c,
 * apply.c) and freed there. Reads go through a pool of connections (pool.c, read.c).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "base/queue.h"
#include "store/schema.h"
#include "store/store.h"

typedef enum asy_op_kind {
    ASY_OP_DATASET,
    ASY_OP_NEW_SESSION,
    ASY_OP_PUT_SESSION,
    ASY_OP_SCATTER,
    ASY_OP_END,
    ASY_OP_EVENT,
    ASY_OP_FLUSH, /* changes nothing; its `done` comes after all before it */
    ASY_OP_STOP   /* the last one: the writer leaves */
} asy_op_kind;

typedef struct asy_op {
    asy_op_kind kind;
    asy_store_done *done; /* may be NULL */
    void *ctx;
    union {
        asy_row_dataset dataset;
        asy_row_session session;
        asy_row_event event;
        struct {
            asy_row_trial row;
            const void *curve;
            size_t curve_len;
        } end;
        struct {
            int64_t session;
            asy_row_scatter record;
            const asy_row_trial *rows;
        } scatter;
    };
    int64_t *id;   /* NEW_SESSION: where the id goes; belongs to the waiting caller */
    asy_err err;   /* the operation's own fault; the others of its batch go through */
    char *message; /* of err; owned */
    bool is_duplicate; /* END: the trial had ended before */
} asy_op;

/* Everything the writer thread prepares once. */
enum {
    ASY_Q_BEGIN,
    ASY_Q_COMMIT,
    ASY_Q_ROLLBACK,
    ASY_Q_EPOCH,
    ASY_Q_SAVE,
    ASY_Q_UNSAVE,
    ASY_Q_RELEASE,
    ASY_Q_DATASET,
    ASY_Q_NEW_SESSION,
    ASY_Q_PUT_SESSION,
    ASY_Q_SCATTER,
    ASY_Q_TRIAL,
    ASY_Q_END,
    ASY_Q_ENDED,
    ASY_Q_CURVE,
    ASY_Q_EVENT,
    ASY_Q_TRIM,
    ASY_QS
};

typedef struct asy_reader asy_reader; /* a read connection, see pool.c */

struct asy_store {
    char *folder, *path;
    int lock_fd; /* -1: not a host */
    uint64_t epoch;
    atomic_int_least64_t next_trial;
    atomic_uint_least64_t duplicates;

    sqlite3 *db; /* the writer thread's, once it runs */
    sqlite3_stmt *q[ASY_QS];
    asy_queue *queue;
    pthread_t writer;
    bool has_writer;
    atomic_bool is_closing;
    bool is_fenced; /* another host raised the epoch; writer thread only */

    pthread_mutex_t lock; /* guards what follows */
    char *trouble;        /* what the writer keeps meeting; NULL when all is well */
    asy_reader *readers;  /* idle ones */
};

/* lock.c: keeps a second host out. *fd stays open for as long as the lock is held. */
asy_err asy_lock_take(const char *path, int *fd);

/* writer.c */
asy_err asy_writer_start(asy_store *s);
void asy_writer_stop(asy_store *s); /* waits for queued writes */

/* apply.c: carries out one operation inside the open transaction. Returns SQLite's code
 * when the world failed and the whole batch has to be tried again, else SQLITE_OK with
 * op->err telling what was wrong with the operation itself. */
int asy_apply_op(asy_store *s, asy_op *op);
asy_err asy_apply_prepare(asy_store *s); /* all of s->q */
void asy_apply_finish(asy_store *s);
/* Steps s->q[which] once and resets it; SQLITE_OK when it ran to its end or gave a row.
 */
int asy_apply_step(asy_store *s, int which);

/* pool.c: take a connection, use it on this thread, give it back. */
asy_err asy_pool_take(asy_store *s, asy_reader **out);
void asy_pool_give(asy_store *s, asy_reader *r);
void asy_pool_fini(asy_store *s);
sqlite3 *asy_pool_db(asy_reader *r);
/* A statement that the connection keeps prepared, by its place in hot[] of pool.c. */
enum { ASY_HOT_KEY, ASY_HOT_TRIAL, ASY_HOT_SCATTER, ASY_HOT_CURVE, ASY_HOTS };
asy_err asy_pool_hot(asy_reader *r, int which, sqlite3_stmt **out);
