/* read.c - questions to the store; each runs on a connection of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

const char *const asy_trial_state_names[ASY_TRIAL_STATES] = {
    "queued", "leased", "running", "done", "failed", "pruned", "cancelled"};

/* --- running a query ------------------------------------------------------ */

/* Gets each row; false stops. */
typedef bool on_row(void *ctx, sqlite3_stmt *q);

static asy_err each_row(asy_store *s, asy_reader *r, sqlite3_stmt *q, on_row *row,
                        void *ctx)
{
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW)
        if (!row(ctx, q))
            break;
    asy_err err = ASY_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = asy_sql_fail(asy_pool_db(r), s->path);
    sqlite3_reset(q);
    return err;
}

/* A statement that is made for the occasion, without parameters to bind but ?1. */
static asy_err each_of(asy_store *s, const char *sql, const char *text, on_row *row,
                       void *ctx)
{
    asy_reader *r;
    asy_err err = asy_pool_take(s, &r);
    if (err)
        return err;
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(asy_pool_db(r), sql, -1, &q, NULL) != SQLITE_OK) {
        err = asy_sql_fail(asy_pool_db(r), s->path);
    } else {
        if (text)
            sqlite3_bind_text(q, 1, text, -1, SQLITE_STATIC);
        err = each_row(s, r, q, row, ctx);
    }
    sqlite3_finalize(q);
    asy_pool_give(s, r);
    return err;
}

/* --- datasets ------------------------------------------------------------- */

typedef struct dataset_ctx {
    bool (*each)(void *ctx, const asy_row_dataset *d);
    void *ctx;
} dataset_ctx;

static void read_blob(sqlite3_stmt *q, int at, void *out, size_t len)
{
    const void *bytes = sqlite3_column_blob(q, at);
    if (bytes && (size_t)sqlite3_column_bytes(q, at) == len)
        memcpy(out, bytes, len);
}

static bool dataset_row(void *ctx, sqlite3_stmt *q)
{
    dataset_ctx *c = ctx;
    asy_row_dataset d = {.name = asy_sql_text(q, 1),
                         .path = asy_sql_text(q, 2),
                         .rows = (uint64_t)sqlite3_column_int64(q, 3),
                         .columns = (uint64_t)sqlite3_column_int64(q, 4),
                         .label = (const char *)sqlite3_column_text(q, 5),
                         .imported = sqlite3_column_int64(q, 6)};
    read_blob(q, 0, d.hash.b, sizeof d.hash.b);
    return c->each(c->ctx, &d);
}

asy_err asy_store_datasets(asy_store *s,
                           bool (*each)(void *ctx, const asy_row_dataset *d), void *ctx)
{
    dataset_ctx c = {each, ctx};
    return each_of(
        s,
        "SELECT hash, name, path, rows, columns, label, imported FROM dataset "
        "ORDER BY imported, name",
        NULL, dataset_row, &c);
}

/* --- sessions ------------------------------------------------------------- */

typedef struct session_ctx {
    asy_store_each_session *each;
    void *ctx;
    bool is_found;
} session_ctx;

static bool session_row(void *ctx, sqlite3_stmt *q)
{
    session_ctx *c = ctx;
    asy_row_session r = {.id = sqlite3_column_int64(q, 0),
                         .name = asy_sql_text(q, 1),
                         .rule_name = asy_sql_text(q, 2),
                         .rule = asy_sql_text(q, 3),
                         .title = asy_sql_text(q, 4),
                         .options = asy_sql_text(q, 5),
                         .settings = asy_sql_text(q, 6),
                         .dataset = asy_sql_text(q, 7),
                         .label = asy_sql_text(q, 8),
                         .prepared = asy_sql_text(q, 9),
                         .seed = (uint64_t)sqlite3_column_int64(q, 10),
                         .state = (asy_session_state)sqlite3_column_int(q, 11),
                         .done = (uint64_t)sqlite3_column_int64(q, 12),
                         .failed = (uint64_t)sqlite3_column_int64(q, 13),
                         .pruned = (uint64_t)sqlite3_column_int64(q, 14),
                         .cancelled = (uint64_t)sqlite3_column_int64(q, 15),
                         .cached = (uint64_t)sqlite3_column_int64(q, 16),
                         .trials = (uint64_t)sqlite3_column_int64(q, 17),
                         .seconds = sqlite3_column_double(q, 18),
                         .digest = asy_sql_text(q, 19),
                         .error = asy_sql_text(q, 20),
                         .created = sqlite3_column_int64(q, 21),
                         .ended = sqlite3_column_int64(q, 22)};
    c->is_found = true;
    return c->each(c->ctx, &r);
}

#define SELECT_SESSION "SELECT " ASY_SESSION_COLUMNS " FROM session "

asy_err asy_store_sessions(asy_store *s, asy_store_each_session *each, void *ctx)
{
    session_ctx c = {each, ctx, false};
    return each_of(s, SELECT_SESSION "ORDER BY id", NULL, session_row, &c);
}

typedef struct name_list {
    const char **names; /* owned, with their texts */
    size_t n, cap;
} name_list;

static bool add_name(void *ctx, sqlite3_stmt *q)
{
    name_list *l = ctx;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->names = asy_realloc(l->names, l->cap, sizeof *l->names);
    }
    l->names[l->n++] = asy_strdup(asy_sql_text(q, 0));
    return true;
}

/* "no session named X; did you mean Y?" */
static asy_err refuse_name(asy_store *s, const char *which)
{
    name_list l = {0};
    asy_err err = each_of(s, "SELECT name FROM session ORDER BY id DESC LIMIT 1000",
                          NULL, add_name, &l);
    const char *near = asy_text_nearest(which, l.names, l.n);
    if (err)
        ;
    else if (l.n == 0)
        err = asy_fail(ASY_EARG, "no session \"%s\": %s holds no session yet", which,
                       s->folder);
    else if (near)
        err =
            asy_fail(ASY_EARG, "no session \"%s\"; did you mean \"%s\"?", which, near);
    else
        err = asy_fail(ASY_EARG, "no session \"%s\"; the last one is \"%s\"", which,
                       l.names[0]);
    for (size_t i = 0; i < l.n; i++)
        asy_free((void *)l.names[i]);
    asy_free(l.names);
    return err;
}

/* A name goes before a number, so that a session called "7" can be found. */
asy_err asy_store_find_session(asy_store *s, const char *which,
                               asy_store_each_session *each, void *ctx)
{
    session_ctx c = {each, ctx, false};
    int64_t id;
    asy_err err = each_of(s, SELECT_SESSION "WHERE name = ?1", which, session_row, &c);
    if (!err && !c.is_found && asy_text_integer(which, strlen(which), &id))
        err = each_of(s, SELECT_SESSION "WHERE id = CAST(?1 AS INTEGER)", which,
                      session_row, &c);
    if (!err && !c.is_found && strcmp(which, "last") == 0)
        err = each_of(s, SELECT_SESSION "ORDER BY id DESC LIMIT 1", NULL, session_row,
                      &c);
    if (!err && !c.is_found)
        err = refuse_name(s, which);
    return err;
}

/* --- trials --------------------------------------------------------------- */

typedef struct trial_ctx {
    asy_store_each_trial *each;
    void *ctx;
} trial_ctx;

static asy_hash read_key(sqlite3_stmt *q, int at)
{
    asy_hash key = {0};
    int64_t head = sqlite3_column_int64(q, at);
    memcpy(key.b, &head, sizeof head);
    read_blob(q, at + 1, key.b + sizeof head, sizeof key.b - sizeof head);
    return key;
}

static bool trial_row(void *ctx, sqlite3_stmt *q)
{
    trial_ctx *c = ctx;
    asy_row_trial t = {.id = sqlite3_column_int64(q, 0),
                       .session = sqlite3_column_int64(q, 1),
                       .number = sqlite3_column_int64(q, 2),
                       .proposal = sqlite3_column_int64(q, 3),
                       .fold = (uint32_t)sqlite3_column_int64(q, 4),
                       .state = (asy_trial_state)sqlite3_column_int(q, 5),
                       .attempt = (uint32_t)sqlite3_column_int64(q, 6),
                       .crashes = (uint32_t)sqlite3_column_int64(q, 7),
                       .seed = (uint64_t)sqlite3_column_int64(q, 8),
                       .key = read_key(q, 9),
                       .params = asy_sql_text(q, 11),
                       .design = asy_sql_text(q, 12),
                       .score = asy_sql_real(q, 13),
                       .metrics = asy_sql_text(q, 14),
                       .reason = asy_sql_text(q, 15),
                       .epochs = (uint32_t)sqlite3_column_int64(q, 16),
                       .seconds = sqlite3_column_double(q, 17),
                       .parameters = (uint64_t)sqlite3_column_int64(q, 18),
                       .flops = sqlite3_column_double(q, 19),
                       .how = asy_sql_text(q, 20),
                       .worker = asy_sql_text(q, 21),
                       .cached_from = sqlite3_column_int64(q, 22),
                       .told = sqlite3_column_int64(q, 23),
                       .queued = sqlite3_column_int64(q, 24),
                       .ended = sqlite3_column_int64(q, 25)};
    return c->each(c->ctx, &t);
}

/* One state is said with "=": the index of the best results is known by that. */
static void put_states(asy_buf *sql, uint32_t states)
{
    if (states == 0)
        return;
    bool is_one = (states & (states - 1)) == 0;
    asy_buf_puts(sql, is_one ? " AND state = " : " AND state IN (");
    const char *comma = "";
    for (int i = 0; i < ASY_TRIAL_STATES; i++)
        if (states >> i & 1) {
            asy_buf_printf(sql, "%s%d", comma, i);
            comma = ",";
        }
    asy_buf_puts(sql, is_one ? "" : ")");
}

/* Ties are broken by number, so that pages never overlap; no score comes last whatever
 * the direction. */
static void put_order(asy_buf *sql, const asy_trial_query *t)
{
    const char *way = t->descending ? "DESC" : "ASC";
    asy_buf_puts(sql, " ORDER BY ");
    switch (t->order) {
    case ASY_BY_NUMBER: asy_buf_printf(sql, "session %s, number %s", way, way); break;
    case ASY_BY_SCORE: asy_buf_printf(sql, "score %s NULLS LAST, id", way); break;
    case ASY_BY_TOLD: asy_buf_printf(sql, "told %s, id %s", way, way); break;
    }
}

asy_err asy_store_trials(asy_store *s, const asy_trial_query *t,
                         asy_store_each_trial *each, void *ctx)
{
    trial_ctx c = {each, ctx};
    asy_buf sql = {0};
    asy_buf_puts(&sql, "SELECT " ASY_TRIAL_COLUMNS " FROM trial WHERE 1");
    if (t->session)
        asy_buf_printf(&sql, " AND session = %lld", (long long)t->session);
    put_states(&sql, t->states);
    put_order(&sql, t);
    /* SQLite takes -1 for "all" and signed numbers only. */
    asy_buf_printf(&sql, " LIMIT %lld OFFSET %lld",
                   t->limit && t->limit <= INT64_MAX ? (long long)t->limit : -1LL,
                   t->skip <= INT64_MAX ? (long long)t->skip : INT64_MAX);
    asy_err err = each_of(s, asy_buf_text(&sql), NULL, trial_row, &c);
    asy_buf_fini(&sql);
    return err;
}

asy_err asy_store_trial(asy_store *s, int64_t id, asy_store_each_trial *each, void *ctx)
{
    trial_ctx c = {each, ctx};
    asy_reader *r;
    sqlite3_stmt *q;
    asy_err err = asy_pool_take(s, &r);
    if (!err)
        err = asy_pool_hot(r, ASY_HOT_TRIAL, &q);
    if (!err) {
        sqlite3_bind_int64(q, 1, id);
        err = each_row(s, r, q, trial_row, &c);
    }
    asy_pool_give(s, r);
    return err;
}

asy_err asy_store_by_key(asy_store *s, const asy_hash *key, asy_store_each_trial *each,
                         void *ctx)
{
    trial_ctx c = {each, ctx};
    asy_reader *r;
    sqlite3_stmt *q;
    asy_err err = asy_pool_take(s, &r);
    if (!err)
        err = asy_pool_hot(r, ASY_HOT_KEY, &q);
    if (!err) {
        int64_t head;
        memcpy(&head, key->b, sizeof head);
        sqlite3_bind_int64(q, 1, head);
        sqlite3_bind_blob(q, 2, key->b + sizeof head,
                          (int)(sizeof key->b - sizeof head), SQLITE_STATIC);
        err = each_row(s, r, q, trial_row, &c);
    }
    asy_pool_give(s, r);
    return err;
}

static bool curve_row(void *ctx, sqlite3_stmt *q)
{
    const void *bytes = sqlite3_column_blob(q, 0);
    asy_buf_add(ctx, bytes, (size_t)sqlite3_column_bytes(q, 0));
    return false;
}

asy_err asy_store_curve(asy_store *s, int64_t trial, asy_buf *out)
{
    asy_buf_clear(out);
    asy_reader *r;
    sqlite3_stmt *q;
    asy_err err = asy_pool_take(s, &r);
    if (!err)
        err = asy_pool_hot(r, ASY_HOT_CURVE, &q);
    if (!err) {
        sqlite3_bind_int64(q, 1, trial);
        err = each_row(s, r, q, curve_row, out);
    }
    asy_pool_give(s, r);
    return err;
}

static bool scatter_row(void *ctx, sqlite3_stmt *q)
{
    asy_row_scatter *row = ctx;
    row->seq = sqlite3_column_int64(q, 0);
    row->first_number = sqlite3_column_int64(q, 1);
    row->n = sqlite3_column_int64(q, 2);
    row->told = sqlite3_column_int64(q, 3);
    read_blob(q, 4, row->specs.b, sizeof row->specs.b);
    return false;
}

asy_err asy_store_find_scatter(asy_store *s, int64_t session, int64_t seq,
                               asy_row_scatter *row)
{
    *row = (asy_row_scatter){0};
    asy_reader *r;
    sqlite3_stmt *q;
    asy_err err = asy_pool_take(s, &r);
    if (!err)
        err = asy_pool_hot(r, ASY_HOT_SCATTER, &q);
    if (!err) {
        sqlite3_bind_int64(q, 1, session);
        sqlite3_bind_int64(q, 2, seq);
        err = each_row(s, r, q, scatter_row, row);
    }
    asy_pool_give(s, r);
    return err;
}

/* --- events --------------------------------------------------------------- */

typedef struct event_ctx {
    asy_store_each_event *each;
    void *ctx;
} event_ctx;

static bool event_row(void *ctx, sqlite3_stmt *q)
{
    event_ctx *c = ctx;
    asy_row_event e = {.time = sqlite3_column_int64(q, 0),
                       .session = sqlite3_column_int64(q, 1),
                       .trial = sqlite3_column_int64(q, 2),
                       .kind = asy_sql_text(q, 3),
                       .text = asy_sql_text(q, 4)};
    return c->each(c->ctx, &e);
}

asy_err asy_store_events(asy_store *s, asy_store_each_event *each, void *ctx)
{
    event_ctx c = {each, ctx};
    return each_of(s, "SELECT time, session, trial, kind, text FROM event ORDER BY id",
                   NULL, event_row, &c);
}
