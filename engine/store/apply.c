/* apply.c - the statements behind each operation; runs on the writer thread only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <stdarg.h>
#include <string.h>
#include "base/mem.h"

enum { EVENTS_KEPT = 100000 };

#define TWENTY_SIX "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

/* A NULL text leaves its column as it is in PUT_SESSION. A trial ends only once: the
 * guard on state makes every later result a duplicate. */
static const char *const statements[ASY_QS] = {
    [ASY_Q_BEGIN] = "BEGIN IMMEDIATE",
    [ASY_Q_COMMIT] = "COMMIT",
    [ASY_Q_ROLLBACK] = "ROLLBACK",
    [ASY_Q_EPOCH] = "SELECT v FROM meta WHERE k = 'epoch'",
    [ASY_Q_SAVE] = "SAVEPOINT op",
    [ASY_Q_UNSAVE] = "ROLLBACK TO op",
    [ASY_Q_RELEASE] = "RELEASE op",
    [ASY_Q_DATASET] = "REPLACE INTO dataset VALUES(?, ?, ?, ?, ?, ?, ?)",
    [ASY_Q_NEW_SESSION] = "INSERT INTO session VALUES"
                          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [ASY_Q_PUT_SESSION] =
        "UPDATE session SET name = coalesce(?2, name),"
        " rule_name = coalesce(?3, rule_name), rule = coalesce(?4, rule),"
        " title = coalesce(?5, title), options = coalesce(?6, options),"
        " settings = coalesce(?7, settings), dataset = coalesce(?8, dataset),"
        " label = coalesce(?9, label), prepared = coalesce(?10, prepared),"
        " seed = ?11, state = ?12, done = ?13, failed = ?14, pruned = ?15,"
        " cancelled = ?16, cached = ?17, trials = ?18, seconds = ?19,"
        " digest = coalesce(?20, digest), error = coalesce(?21, error),"
        " created = ?22, ended = ?23 WHERE id = ?1",
    [ASY_Q_SCATTER] = "INSERT INTO scatter VALUES(?, ?, ?, ?, ?, ?)",
    [ASY_Q_TRIAL] = "INSERT INTO trial VALUES(" TWENTY_SIX ")",
    [ASY_Q_END] = "UPDATE trial SET state = ?2, attempt = ?3, crashes = ?4, score = ?5,"
                  " metrics = ?6, reason = ?7, epochs = ?8, seconds = ?9,"
                  " parameters = ?10, flops = ?11, how = ?12, worker = ?13,"
                  " cached_from = ?14, told = ?15, ended = ?16"
                  " WHERE id = ?1 AND state < 3",
    [ASY_Q_ENDED] = "SELECT session, state, score, metrics FROM trial WHERE id = ?1",
    [ASY_Q_CURVE] = "REPLACE INTO curve VALUES(?1, ?2)",
    [ASY_Q_EVENT] = "INSERT INTO event VALUES(NULL, ?, ?, ?, ?, ?)",
    [ASY_Q_TRIM] = "DELETE FROM event WHERE id <= ?1",
};

asy_err asy_apply_prepare(asy_store *s)
{
    for (int i = 0; i < ASY_QS; i++)
        if (sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &s->q[i], NULL) != SQLITE_OK)
            return asy_sql_fail(s->db, s->path);
    return ASY_OK;
}

void asy_apply_finish(asy_store *s)
{
    for (int i = 0; i < ASY_QS; i++) {
        sqlite3_finalize(s->q[i]);
        s->q[i] = NULL;
    }
}

int asy_apply_step(asy_store *s, int which)
{
    int code = sqlite3_step(s->q[which]);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        return sqlite3_reset(s->q[which]);
    sqlite3_reset(s->q[which]);
    return code;
}

/* The operation is at fault; the rest of its batch is not. */
static int blame_op(asy_op *op, asy_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int blame_op(asy_op *op, asy_err err, const char *fmt, ...)
{
    asy_buf text = {0};
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(&text, fmt, args);
    va_end(args);
    asy_free(op->message);
    op->message = asy_buf_take(&text);
    op->err = err;
    return SQLITE_OK;
}

/* Passes the world's faults up; anything else is the operation's own. */
static int settle(asy_store *s, asy_op *op, int code, const char *what, int64_t id)
{
    if (code == SQLITE_OK || asy_sql_is_world(code))
        return code;
    asy_err err = (code & 0xff) == SQLITE_CONSTRAINT ? ASY_EARG : ASY_EIO;
    return blame_op(op, err, "store: %s %lld: %s", what, (long long)id,
                    sqlite3_errmsg(s->db));
}

/* --- datasets, sessions, events ------------------------------------------- */

static int apply_dataset(asy_store *s, asy_op *op)
{
    const asy_row_dataset *d = &op->dataset;
    sqlite3_stmt *q = s->q[ASY_Q_DATASET];
    sqlite3_bind_blob(q, 1, d->hash.b, sizeof d->hash.b, SQLITE_STATIC);
    asy_sql_bind_text(q, 2, d->name);
    asy_sql_bind_text(q, 3, d->path);
    sqlite3_bind_int64(q, 4, (int64_t)d->rows);
    sqlite3_bind_int64(q, 5, (int64_t)d->columns);
    asy_sql_bind_text(q, 6, d->label);
    sqlite3_bind_int64(q, 7, d->imported);
    return settle(s, op, asy_apply_step(s, ASY_Q_DATASET), "dataset", 0);
}

/* All columns but the id, which differs between a new session and a known one. */
static void bind_session(sqlite3_stmt *q, const asy_row_session *r)
{
    const char *const texts[] = {r->name,    r->rule_name, r->rule,
                                 r->title,   r->options,   r->settings,
                                 r->dataset, r->label,     r->prepared};
    int at = 2;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        asy_sql_bind_text(q, at++, texts[i]);
    const uint64_t counts[] = {r->seed,   r->state,     r->done,   r->failed,
                               r->pruned, r->cancelled, r->cached, r->trials};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        sqlite3_bind_int64(q, at++, (int64_t)counts[i]);
    sqlite3_bind_double(q, at++, r->seconds);
    asy_sql_bind_text(q, at++, r->digest);
    asy_sql_bind_text(q, at++, r->error);
    sqlite3_bind_int64(q, at++, r->created);
    sqlite3_bind_int64(q, at, r->ended);
}

static int apply_new_session(asy_store *s, asy_op *op)
{
    sqlite3_stmt *q = s->q[ASY_Q_NEW_SESSION];
    sqlite3_bind_null(q, 1);
    bind_session(q, &op->session);
    int code = asy_apply_step(s, ASY_Q_NEW_SESSION);
    *op->id = sqlite3_last_insert_rowid(s->db);
    if (code == SQLITE_CONSTRAINT_UNIQUE)
        return blame_op(op, ASY_EARG, "session %s: there is one of that name already",
                        op->session.name);
    return settle(s, op, code, "session", 0);
}

static int apply_put_session(asy_store *s, asy_op *op)
{
    sqlite3_stmt *q = s->q[ASY_Q_PUT_SESSION];
    sqlite3_bind_int64(q, 1, op->session.id);
    bind_session(q, &op->session);
    int code = asy_apply_step(s, ASY_Q_PUT_SESSION);
    if (code == SQLITE_OK && sqlite3_changes(s->db) == 0)
        return blame_op(op, ASY_EARG, "session %lld: there is none",
                        (long long)op->session.id);
    return settle(s, op, code, "session", op->session.id);
}

/* The oldest events go when there are too many. */
static int apply_event(asy_store *s, asy_op *op)
{
    const asy_row_event *e = &op->event;
    sqlite3_stmt *q = s->q[ASY_Q_EVENT];
    sqlite3_bind_int64(q, 1, e->time);
    sqlite3_bind_int64(q, 2, e->session);
    sqlite3_bind_int64(q, 3, e->trial);
    asy_sql_bind_text(q, 4, e->kind);
    asy_sql_bind_text(q, 5, e->text);
    int code = asy_apply_step(s, ASY_Q_EVENT);
    int64_t id = sqlite3_last_insert_rowid(s->db);
    if (code == SQLITE_OK && id > EVENTS_KEPT) {
        sqlite3_bind_int64(s->q[ASY_Q_TRIM], 1, id - EVENTS_KEPT);
        code = asy_apply_step(s, ASY_Q_TRIM);
    }
    return settle(s, op, code, "event", id);
}

/* --- scatter -------------------------------------------------------------- */

static void bind_trial(sqlite3_stmt *q, const asy_row_trial *t)
{
    int64_t head;
    memcpy(&head, t->key.b, sizeof head);
    const int64_t first[] = {
        t->id,    t->session, t->number,  t->proposal,      t->fold,
        t->state, t->attempt, t->crashes, (int64_t)t->seed, head};
    int at = 1;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        sqlite3_bind_int64(q, at++, first[i]);
    sqlite3_bind_blob(q, at++, t->key.b + sizeof head,
                      (int)(sizeof t->key.b - sizeof head), SQLITE_STATIC);
    asy_sql_bind_text(q, at++, t->params);
    asy_sql_bind_text(q, at++, t->design);
    sqlite3_bind_double(q, at++, t->score);
    asy_sql_bind_text(q, at++, t->metrics);
    asy_sql_bind_text(q, at++, t->reason);
    sqlite3_bind_int64(q, at++, t->epochs);
    sqlite3_bind_double(q, at++, t->seconds);
    sqlite3_bind_int64(q, at++, (int64_t)t->parameters);
    sqlite3_bind_double(q, at++, t->flops);
    asy_sql_bind_text(q, at++, t->how);
    asy_sql_bind_text(q, at++, t->worker);
    const int64_t last[] = {t->cached_from, t->told, t->queued, t->ended};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        sqlite3_bind_int64(q, at++, last[i]);
}

static int insert_record(asy_store *s, int64_t session, const asy_row_scatter *r)
{
    sqlite3_stmt *q = s->q[ASY_Q_SCATTER];
    sqlite3_bind_int64(q, 1, session);
    sqlite3_bind_int64(q, 2, r->seq);
    sqlite3_bind_blob(q, 3, r->specs.b, sizeof r->specs.b, SQLITE_STATIC);
    sqlite3_bind_int64(q, 4, r->first_number);
    sqlite3_bind_int64(q, 5, r->n);
    sqlite3_bind_int64(q, 6, r->told);
    return asy_apply_step(s, ASY_Q_SCATTER);
}

/* All of a scatter or nothing of it: a record without its trials could not be replayed.
 */
static int apply_scatter(asy_store *s, asy_op *op)
{
    const asy_row_scatter *r = &op->scatter.record;
    if (r->n == 0)
        return SQLITE_OK;
    int code = asy_apply_step(s, ASY_Q_SAVE);
    if (code)
        return code;
    code = insert_record(s, op->scatter.session, r);
    for (int64_t i = 0; i < r->n && !code; i++) {
        bind_trial(s->q[ASY_Q_TRIAL], &op->scatter.rows[i]);
        code = asy_apply_step(s, ASY_Q_TRIAL);
    }
    int verdict = settle(s, op, code, "scatter", r->seq);
    if (verdict)
        return verdict; /* the whole transaction is rolled back */
    if (code)
        verdict = asy_apply_step(s, ASY_Q_UNSAVE);
    return verdict ? verdict : asy_apply_step(s, ASY_Q_RELEASE);
}

/* --- the end of a trial --------------------------------------------------- */

static void bind_end(sqlite3_stmt *q, const asy_row_trial *t)
{
    sqlite3_bind_int64(q, 1, t->id);
    sqlite3_bind_int64(q, 2, t->state);
    sqlite3_bind_int64(q, 3, t->attempt);
    sqlite3_bind_int64(q, 4, t->crashes);
    sqlite3_bind_double(q, 5, t->score);
    asy_sql_bind_text(q, 6, t->metrics);
    asy_sql_bind_text(q, 7, t->reason);
    sqlite3_bind_int64(q, 8, t->epochs);
    sqlite3_bind_double(q, 9, t->seconds);
    sqlite3_bind_int64(q, 10, (int64_t)t->parameters);
    sqlite3_bind_double(q, 11, t->flops);
    asy_sql_bind_text(q, 12, t->how);
    asy_sql_bind_text(q, 13, t->worker);
    sqlite3_bind_int64(q, 14, t->cached_from);
    sqlite3_bind_int64(q, 15, t->told);
    sqlite3_bind_int64(q, 16, t->ended);
}

static bool same_real(double a, double b) { return a == b || (a != a && b != b); }

/* Notes that a second execution of a trial came to another result: the same design and
 * seed should not. Only what training computes is compared, not how long it took. */
static int note_difference(asy_store *s, const asy_row_trial *t)
{
    sqlite3_stmt *q = s->q[ASY_Q_ENDED];
    const char *metrics = t->metrics ? t->metrics : "";
    bool differs = sqlite3_column_int64(q, 1) == ASY_TRIAL_DONE &&
                   t->state == ASY_TRIAL_DONE &&
                   (!same_real(asy_sql_real(q, 2), t->score) ||
                    strcmp(asy_sql_text(q, 3), metrics) != 0);
    if (!differs)
        return SQLITE_OK;
    asy_buf text = {0};
    asy_buf_printf(&text, "a second result differs and is dropped: %s", metrics);
    asy_op note = {.event = {.time = t->ended,
                             .session = sqlite3_column_int64(q, 0),
                             .trial = t->id,
                             .kind = "differs",
                             .text = asy_buf_text(&text)}};
    int code = apply_event(s, &note);
    asy_free(note.message);
    asy_buf_fini(&text);
    return code;
}

static int apply_duplicate(asy_store *s, asy_op *op)
{
    sqlite3_stmt *q = s->q[ASY_Q_ENDED];
    sqlite3_bind_int64(q, 1, op->end.row.id);
    int code = sqlite3_step(q);
    if (code == SQLITE_ROW) {
        op->is_duplicate = true;
        code = note_difference(s, &op->end.row);
    } else if (code == SQLITE_DONE) {
        code = blame_op(op, ASY_EARG, "trial %lld: there is none",
                        (long long)op->end.row.id);
    }
    sqlite3_reset(q);
    return settle(s, op, code, "trial", op->end.row.id);
}

static int apply_end(asy_store *s, asy_op *op)
{
    const asy_row_trial *t = &op->end.row;
    if (t->state < ASY_TRIAL_DONE || t->state >= ASY_TRIAL_STATES)
        return blame_op(op, ASY_EARG, "trial %lld: an end expected, got state %d",
                        (long long)t->id, (int)t->state);
    bind_end(s->q[ASY_Q_END], t);
    int code = asy_apply_step(s, ASY_Q_END);
    if (code)
        return settle(s, op, code, "trial", t->id);
    if (sqlite3_changes(s->db) == 0)
        return apply_duplicate(s, op);
    if (op->end.curve_len == 0)
        return SQLITE_OK;
    sqlite3_bind_int64(s->q[ASY_Q_CURVE], 1, t->id);
    sqlite3_bind_blob64(s->q[ASY_Q_CURVE], 2, op->end.curve, op->end.curve_len,
                        SQLITE_STATIC);
    return settle(s, op, asy_apply_step(s, ASY_Q_CURVE), "curve of trial", t->id);
}

int asy_apply_op(asy_store *s, asy_op *op)
{
    switch (op->kind) {
    case ASY_OP_DATASET: return apply_dataset(s, op);
    case ASY_OP_NEW_SESSION: return apply_new_session(s, op);
    case ASY_OP_PUT_SESSION: return apply_put_session(s, op);
    case ASY_OP_SCATTER: return apply_scatter(s, op);
    case ASY_OP_END: return apply_end(s, op);
    case ASY_OP_EVENT: return apply_event(s, op);
    case ASY_OP_FLUSH:
    case ASY_OP_STOP: break;
    }
    return SQLITE_OK;
}
