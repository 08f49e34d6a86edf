/* write.c - queueing writes: an operation and copies of its text in one block. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"

/* --- rows into blocks ----------------------------------------------------- */

/* Where a row keeps its texts. */
typedef struct text_fields {
    size_t n;
    size_t at[16];
} text_fields;

#define FIELD(type, name) offsetof(asy_row_##type, name)

static const text_fields dataset_texts = {
    3, {FIELD(dataset, name), FIELD(dataset, path), FIELD(dataset, label)}};
static const text_fields session_texts = {
    11,
    {FIELD(session, name), FIELD(session, rule_name), FIELD(session, rule),
     FIELD(session, title), FIELD(session, options), FIELD(session, settings),
     FIELD(session, dataset), FIELD(session, label), FIELD(session, prepared),
     FIELD(session, digest), FIELD(session, error)}};
static const text_fields trial_texts = {6,
                                        {FIELD(trial, params), FIELD(trial, design),
                                         FIELD(trial, metrics), FIELD(trial, reason),
                                         FIELD(trial, how), FIELD(trial, worker)}};
/* What ends a trial leaves its params and design as they are. */
static const text_fields end_texts = {4,
                                      {FIELD(trial, metrics), FIELD(trial, reason),
                                       FIELD(trial, how), FIELD(trial, worker)}};
static const text_fields event_texts = {2, {FIELD(event, kind), FIELD(event, text)}};

static const char **field_of(void *row, size_t at)
{
    return (const char **)(void *)((char *)row + at);
}

static size_t texts_size(const text_fields *f, const void *row)
{
    size_t size = 0;
    for (size_t i = 0; i < f->n; i++) {
        const char *text = *(const char *const *)((const char *)row + f->at[i]);
        size += text ? strlen(text) + 1 : 0;
    }
    return size;
}

/* Moves the row's texts to `at`; returns the first byte after them. */
static char *texts_copy(const text_fields *f, void *row, char *at)
{
    for (size_t i = 0; i < f->n; i++) {
        const char **text = field_of(row, f->at[i]);
        if (!*text)
            continue;
        size_t size = strlen(*text) + 1;
        *text = memcpy(at, *text, size);
        at += size;
    }
    return at;
}

/* An operation with `extra` bytes behind it. */
static asy_op *op_new(asy_op_kind kind, size_t extra, asy_store_done *done, void *ctx)
{
    asy_op *op = asy_alloc(1, sizeof *op + extra);
    op->kind = kind;
    op->done = done;
    op->ctx = ctx;
    return op;
}

static asy_op *op_of_dataset(const asy_row_dataset *d)
{
    asy_op *op = op_new(ASY_OP_DATASET, texts_size(&dataset_texts, d), NULL, NULL);
    op->dataset = *d;
    texts_copy(&dataset_texts, &op->dataset, (char *)(op + 1));
    return op;
}

static asy_op *op_of_session(asy_op_kind kind, const asy_row_session *row)
{
    asy_op *op = op_new(kind, texts_size(&session_texts, row), NULL, NULL);
    op->session = *row;
    texts_copy(&session_texts, &op->session, (char *)(op + 1));
    return op;
}

static asy_op *op_of_end(const asy_row_trial *row, const void *curve, size_t curve_len)
{
    size_t texts = texts_size(&end_texts, row);
    asy_op *op = op_new(ASY_OP_END, texts + curve_len, NULL, NULL);
    op->end.row = *row;
    op->end.row.params = op->end.row.design = NULL;
    char *at = texts_copy(&end_texts, &op->end.row, (char *)(op + 1));
    if (curve_len)
        op->end.curve = memcpy(at, curve, curve_len);
    op->end.curve_len = curve_len;
    return op;
}

static asy_op *op_of_scatter(const asy_row_trial *rows, size_t n)
{
    size_t size = n * sizeof *rows;
    for (size_t i = 0; i < n; i++)
        size += texts_size(&trial_texts, &rows[i]);
    asy_op *op = op_new(ASY_OP_SCATTER, size, NULL, NULL);
    asy_row_trial *copies = (asy_row_trial *)(op + 1);
    char *at = (char *)(copies + n);
    for (size_t i = 0; i < n; i++) {
        copies[i] = rows[i];
        at = texts_copy(&trial_texts, &copies[i], at);
    }
    op->scatter.rows = copies;
    return op;
}

/* --- queueing ------------------------------------------------------------- */

/* A store that was opened for looking refuses on the spot. */
static void submit(asy_store *s, asy_op *op, asy_store_done *done, void *ctx)
{
    op->done = done;
    op->ctx = ctx;
    if (s->has_writer) {
        asy_queue_push(s->queue, op);
        return;
    }
    asy_free(op);
    asy_fail(ASY_EARG, "%s: opened for reading only", s->path);
    if (done)
        done(ctx, ASY_EARG);
}

/* For callers that wait: what `done` said, with its message. */
typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    asy_err err;
    char message[1024];
} waiter;

static void waiter_done(void *ctx, asy_err err)
{
    waiter *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->is_over = true;
    w->err = err;
    if (err)
        snprintf(w->message, sizeof w->message, "%s", asy_errmsg());
    pthread_cond_signal(&w->over);
    pthread_mutex_unlock(&w->lock);
}

static asy_err submit_and_wait(asy_store *s, asy_op *op)
{
    waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
    submit(s, op, waiter_done, &w);
    pthread_mutex_lock(&w.lock);
    while (!w.is_over)
        pthread_cond_wait(&w.over, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.over);
    pthread_mutex_destroy(&w.lock);
    return w.err ? asy_fail(w.err, "%s", w.message) : ASY_OK;
}

asy_err asy_store_flush(asy_store *s)
{
    return submit_and_wait(s, op_new(ASY_OP_FLUSH, 0, NULL, NULL));
}

asy_err asy_store_put_dataset(asy_store *s, const asy_row_dataset *d)
{
    return submit_and_wait(s, op_of_dataset(d));
}

asy_err asy_store_new_session(asy_store *s, const asy_row_session *row, int64_t *id)
{
    *id = 0;
    if (!row->name || !*row->name)
        return asy_fail(ASY_EARG, "session: a name expected, got none");
    asy_op *op = op_of_session(ASY_OP_NEW_SESSION, row);
    op->id = id;
    asy_err err = submit_and_wait(s, op);
    if (err)
        *id = 0;
    return err;
}

void asy_store_put_session(asy_store *s, const asy_row_session *row,
                           asy_store_done *done, void *ctx)
{
    submit(s, op_of_session(ASY_OP_PUT_SESSION, row), done, ctx);
}

void asy_store_scatter(asy_store *s, int64_t session, int64_t seq,
                       const asy_hash *specs, int64_t told, const asy_row_trial *rows,
                       size_t n, asy_store_done *done, void *ctx)
{
    asy_op *op = op_of_scatter(rows, n);
    op->scatter.session = session;
    op->scatter.record = (asy_row_scatter){.seq = seq,
                                           .first_number = n ? rows[0].number : 0,
                                           .n = (int64_t)n,
                                           .told = told,
                                           .specs = *specs};
    submit(s, op, done, ctx);
}

int64_t asy_store_next_trial(asy_store *s, size_t n)
{
    return atomic_fetch_add(&s->next_trial, (int64_t)n);
}

void asy_store_end_trial(asy_store *s, const asy_row_trial *row, const void *curve,
                         size_t curve_len, asy_store_done *done, void *ctx)
{
    submit(s, op_of_end(row, curve, curve_len), done, ctx);
}

void asy_store_event(asy_store *s, int64_t session, int64_t trial, const char *kind,
                     const char *text)
{
    asy_row_event e = {.time = asy_wall_ms(),
                       .session = session,
                       .trial = trial,
                       .kind = kind,
                       .text = text};
    asy_op *op = op_new(ASY_OP_EVENT, texts_size(&event_texts, &e), NULL, NULL);
    op->event = e;
    texts_copy(&event_texts, &op->event, (char *)(op + 1));
    submit(s, op, NULL, NULL);
}

uint64_t asy_store_duplicates(asy_store *s) { return atomic_load(&s->duplicates); }
