/* writer.c - the one thread that writes: everything queued goes into one transaction.
 *
 * There is no timer: while one commit waits for the disk the next batch gathers by
 * itself. A batch that the world refuses (disk full, I/O error) is kept and tried
 * again; only closing the store ends that, after CLOSE_PATIENCE_MS.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <signal.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    BATCH = 4096, /* operations a transaction */
    FIRST_WAIT_MS = 20,
    LAST_WAIT_MS = 1000,
    CLOSE_PATIENCE_MS = 5000
};

static void set_trouble(asy_store *s, const char *text)
{
    pthread_mutex_lock(&s->lock);
    bool is_news = !s->trouble != !text;
    asy_free(s->trouble);
    s->trouble = asy_strdup(text);
    pthread_mutex_unlock(&s->lock);
    if (is_news && text)
        asy_log(ASY_WARN, "store: %s; waiting, nothing is lost", text);
    else if (is_news)
        asy_log(ASY_INFO, "store: writing again");
}

/* SQLITE_OK, or a fault; sets is_fenced when another host owns the store by now. */
static int check_epoch(asy_store *s)
{
    sqlite3_stmt *q = s->q[ASY_Q_EPOCH];
    int code = sqlite3_step(q);
    if (code == SQLITE_ROW) {
        s->is_fenced = (uint64_t)sqlite3_column_int64(q, 0) != s->epoch;
        code = SQLITE_OK;
    } else if (code == SQLITE_DONE) {
        s->is_fenced = true;
        code = SQLITE_OK;
    }
    sqlite3_reset(q);
    return code;
}

static void forget_outcome(asy_op *op)
{
    op->err = ASY_OK;
    op->is_duplicate = false;
    asy_free(op->message);
    op->message = NULL;
}

/* One transaction. On SQLITE_OK all is durable (or the store is fenced); else nothing
 * happened. */
static int try_batch(asy_store *s, void **ops, size_t n)
{
    int code = asy_apply_step(s, ASY_Q_BEGIN);
    if (!code)
        code = check_epoch(s);
    for (size_t i = 0; i < n && !code && !s->is_fenced; i++) {
        forget_outcome(ops[i]);
        code = asy_apply_op(s, ops[i]);
    }
    if (!code && !s->is_fenced)
        code = asy_apply_step(s, ASY_Q_COMMIT);
    if (code)
        set_trouble(s, sqlite3_errmsg(s->db)); /* before ROLLBACK changes the message */
    if (!sqlite3_get_autocommit(s->db))
        asy_apply_step(s, ASY_Q_ROLLBACK);
    return code;
}

static void refuse_all(void **ops, size_t n, const char *message)
{
    for (size_t i = 0; i < n; i++) {
        asy_op *op = ops[i];
        forget_outcome(op);
        op->err = ASY_EIO;
        op->message = asy_strdup(message);
    }
}

/* Tries until it goes through, the store is fenced, or closing has waited long enough.
 */
static void commit_batch(asy_store *s, void **ops, size_t n)
{
    uint32_t wait = FIRST_WAIT_MS, waited = 0;
    while (!s->is_fenced && try_batch(s, ops, n) != SQLITE_OK) {
        if (atomic_load(&s->is_closing) && waited >= CLOSE_PATIENCE_MS) {
            refuse_all(ops, n, "the store was closed while its disk refused writes");
            return;
        }
        asy_sleep_ms(wait);
        waited += atomic_load(&s->is_closing) ? wait : 0;
        wait = wait * 2 < LAST_WAIT_MS ? wait * 2 : LAST_WAIT_MS;
    }
    if (s->is_fenced) {
        set_trouble(s, "another host has taken over this store");
        refuse_all(ops, n, "another host has taken over this store");
    } else {
        set_trouble(s, NULL);
    }
}

/* Tells whoever waits and frees the operations. True when the last one was STOP. */
static bool finish_batch(asy_store *s, void **ops, size_t n)
{
    bool is_last = false;
    for (size_t i = 0; i < n; i++) {
        asy_op *op = ops[i];
        is_last = op->kind == ASY_OP_STOP;
        if (op->is_duplicate)
            atomic_fetch_add(&s->duplicates, 1);
        if (op->err)
            asy_fail(op->err, "%s", op->message);
        if (op->done)
            op->done(op->ctx, op->err);
        else if (op->err)
            asy_log(ASY_ERROR, "store: %s", op->message);
        asy_free(op->message);
        asy_free(op);
    }
    return is_last;
}

static void *writer_main(void *arg)
{
    asy_store *s = arg;
    void *ops[BATCH];
    bool is_last = false;
    while (!is_last) {
        size_t n = asy_queue_pop_many(s->queue, ops, BATCH, UINT32_MAX);
        if (n == 0)
            continue;
        commit_batch(s, ops, n);
        is_last = finish_batch(s, ops, n);
    }
    return NULL;
}

/* Signals belong to the program's own threads. */
asy_err asy_writer_start(asy_store *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&s->writer, NULL, writer_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code)
        return asy_fail(ASY_ENOMEM, "store: no thread: %s", strerror(code));
    s->has_writer = true;
    return ASY_OK;
}

void asy_writer_stop(asy_store *s)
{
    if (!s->has_writer)
        return;
    atomic_store(&s->is_closing, true);
    asy_op *op = asy_alloc(1, sizeof *op);
    op->kind = ASY_OP_STOP;
    asy_queue_push(s->queue, op);
    pthread_join(s->writer, NULL);
    s->has_writer = false;
}
