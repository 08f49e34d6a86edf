/* store.c - opening and closing a store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

static const char database_name[] = "assay.db";
static const char lock_name[] = "assay.db.lock";

static asy_store *store_new(const char *folder)
{
    asy_store *s = asy_alloc(1, sizeof *s);
    s->folder = asy_strdup(folder);
    s->path = asy_path_join(folder, database_name);
    s->lock_fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static asy_err take_lock(asy_store *s)
{
    char *path = asy_path_join(s->folder, lock_name);
    asy_err err = asy_lock_take(path, &s->lock_fd);
    asy_free(path);
    return err;
}

static asy_err read_next_trial(asy_store *s)
{
    int64_t last;
    asy_err err = asy_sql_number(s->db, "SELECT max(id) FROM trial", 0, &last);
    atomic_store(&s->next_trial, last + 1);
    return err;
}

asy_err asy_store_open(const char *folder, asy_store **out)
{
    *out = NULL;
    asy_store *s = store_new(folder);
    asy_err err = asy_dir_make(folder);
    if (!err)
        err = take_lock(s);
    if (!err)
        err = asy_schema_open(s->path, &s->db);
    if (!err)
        err = asy_schema_raise_epoch(s->db, &s->epoch);
    if (!err)
        err = read_next_trial(s);
    if (!err)
        err = asy_apply_prepare(s);
    if (!err) {
        s->queue = asy_queue_new();
        err = asy_writer_start(s);
    }
    if (err)
        asy_store_close(s);
    else
        *out = s;
    return err;
}

asy_err asy_store_open_read(const char *folder, asy_store **out)
{
    *out = NULL;
    asy_store *s = store_new(folder);
    asy_reader *r;
    asy_err err = asy_pool_take(s, &r); /* says now what is wrong with it */
    if (err) {
        asy_store_close(s);
        return err;
    }
    asy_pool_give(s, r);
    *out = s;
    return ASY_OK;
}

void asy_store_close(asy_store *s)
{
    if (!s)
        return;
    asy_writer_stop(s);
    if (s->queue)
        asy_queue_free(s->queue);
    asy_pool_fini(s);
    asy_apply_finish(s);
    sqlite3_close(s->db);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_mutex_destroy(&s->lock);
    asy_free(s->trouble);
    asy_free(s->path);
    asy_free(s->folder);
    asy_free(s);
}

uint64_t asy_store_epoch(const asy_store *s) { return s->epoch; }

const char *asy_store_folder(const asy_store *s) { return s->folder; }

asy_err asy_store_health(asy_store *s)
{
    pthread_mutex_lock(&s->lock);
    asy_err err = s->trouble ? asy_fail(ASY_EIO, "%s", s->trouble) : ASY_OK;
    pthread_mutex_unlock(&s->lock);
    return err;
}
