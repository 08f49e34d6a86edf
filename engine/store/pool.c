/* pool.c - read connections: opened when needed, kept for the next reader. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include "base/mem.h"

struct asy_reader {
    sqlite3 *db;
    sqlite3_stmt *hot[ASY_HOTS];
    asy_reader *next; /* in the pool */
};

static const char *const hot[ASY_HOTS] = {
    [ASY_HOT_KEY] =
        "SELECT " ASY_TRIAL_COLUMNS " FROM trial WHERE key_head = ?1 AND "
        "state = 3 AND cached_from = 0 AND key_tail = ?2 ORDER BY id LIMIT 1",
    [ASY_HOT_TRIAL] = "SELECT " ASY_TRIAL_COLUMNS " FROM trial WHERE id = ?1",
    [ASY_HOT_SCATTER] = "SELECT seq, first_number, n, told, specs FROM scatter "
                        "WHERE session = ?1 AND seq = ?2",
    /* A result from the cache has the curve of the trial that was trained. */
    [ASY_HOT_CURVE] = "SELECT data FROM curve WHERE trial = "
                      "(SELECT iif(cached_from > 0, cached_from, id) FROM trial "
                      "WHERE id = ?1)",
};

static void reader_free(asy_reader *r)
{
    for (int i = 0; i < ASY_HOTS; i++)
        sqlite3_finalize(r->hot[i]);
    sqlite3_close(r->db);
    asy_free(r);
}

asy_err asy_pool_take(asy_store *s, asy_reader **out)
{
    pthread_mutex_lock(&s->lock);
    asy_reader *r = s->readers;
    if (r)
        s->readers = r->next;
    pthread_mutex_unlock(&s->lock);
    *out = r;
    if (r)
        return ASY_OK;
    sqlite3 *db;
    asy_err err = asy_schema_open_read(s->path, &db);
    if (err)
        return err;
    *out = asy_alloc(1, sizeof **out);
    (*out)->db = db;
    return ASY_OK;
}

void asy_pool_give(asy_store *s, asy_reader *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&s->lock);
    r->next = s->readers;
    s->readers = r;
    pthread_mutex_unlock(&s->lock);
}

void asy_pool_fini(asy_store *s)
{
    while (s->readers) {
        asy_reader *r = s->readers;
        s->readers = r->next;
        reader_free(r);
    }
}

sqlite3 *asy_pool_db(asy_reader *r) { return r->db; }

asy_err asy_pool_hot(asy_reader *r, int which, sqlite3_stmt **out)
{
    if (!r->hot[which] &&
        sqlite3_prepare_v3(r->db, hot[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &r->hot[which], NULL) != SQLITE_OK)
        return asy_sql_fail(r->db, sqlite3_db_filename(r->db, NULL));
    *out = r->hot[which];
    return ASY_OK;
}
