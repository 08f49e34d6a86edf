/* fetch.c - briefs of sessions, and prepared data by hash: opened once, kept open. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/fetch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { MOST_BYTES = 1 << 30 }; /* of prepared data that is fetched */

typedef struct opened {
    char hash[ASY_HASH_TEXT];
    char *path;   /* owned */
    bool is_ours; /* a copy in a temporary cache: removed at the end */
    asy_tensors *data;
} opened;

struct asy_fetch {
    pthread_mutex_t lock; /* guards brief */
    asy_brief **brief;    /* [briefs] */
    uint32_t briefs;
    opened *open; /* [opens]; trainer only */
    uint32_t opens;
    char *cache; /* owned; NULL until needed */
    bool is_temporary;
    asy_fetch_get *get;
    void *ctx;
};

asy_fetch *asy_fetch_new(const char *cache, asy_fetch_get *get, void *ctx)
{
    asy_fetch *f = asy_alloc(1, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    f->cache = asy_strdup(cache);
    f->get = get;
    f->ctx = ctx;
    return f;
}

static void brief_free(asy_brief *b)
{
    json_decref(b->tree);
    asy_free(b);
}

void asy_fetch_free(asy_fetch *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->briefs; i++)
        brief_free(f->brief[i]);
    for (uint32_t i = 0; i < f->opens; i++) {
        asy_tensors_free(f->open[i].data);
        if (f->open[i].is_ours)
            unlink(f->open[i].path);
        asy_free(f->open[i].path);
    }
    if (f->is_temporary)
        rmdir(f->cache);
    asy_free(f->brief);
    asy_free(f->open);
    asy_free(f->cache);
    pthread_mutex_destroy(&f->lock);
    asy_free(f);
}

/* --- briefs -------------------------------------------------------------------- */

static asy_err read_brief(const json_t *v, asy_brief *b)
{
    int64_t seed;
    const char *metric;
    asy_err err = asy_json_get_int(v, "session", "id", 0, &b->id);
    if (!err)
        err = asy_json_get_int(v, "session", "seed", 0, &seed);
    if (!err)
        err = asy_json_get_bool(v, "session", "own", false, &b->is_own);
    if (!err)
        err = asy_json_get_bool(v, "session", "reports", false, &b->wants_reports);
    if (!err)
        err = asy_json_get_text(v, "session", "metric", "", &metric);
    if (err)
        return err;
    b->seed = (uint64_t)seed;
    b->folds = (uint32_t)json_array_size(json_object_get(v, "folds"));
    snprintf(b->metric, sizeof b->metric, "%s", metric);
    return ASY_OK;
}

asy_err asy_fetch_tell(asy_fetch *f, const json_t *v)
{
    asy_brief x = {0};
    if (!json_is_object(v))
        return asy_fail(ASY_EARG, "session: an object expected, got %s",
                        asy_json_kind(v));
    asy_err err = read_brief(v, &x);
    if (err || asy_fetch_brief(f, x.id))
        return err;
    asy_brief *b = asy_memdup(&x, sizeof x);
    b->tree = json_incref((json_t *)v);
    pthread_mutex_lock(&f->lock);
    f->brief = asy_realloc(f->brief, f->briefs + 1, sizeof(asy_brief *));
    f->brief[f->briefs++] = b;
    pthread_mutex_unlock(&f->lock);
    return ASY_OK;
}

const asy_brief *asy_fetch_brief(asy_fetch *f, int64_t session)
{
    const asy_brief *found = NULL;
    pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; i < f->briefs; i++)
        if (f->brief[i]->id == session)
            found = f->brief[i];
    pthread_mutex_unlock(&f->lock);
    return found;
}

/* --- data ------------------------------------------------------------------------- */

static asy_err need_cache(asy_fetch *f)
{
    if (f->cache)
        return asy_dir_make(f->cache);
    const char *base = getenv("TMPDIR");
    char *path = asy_path_join(base && *base ? base : "/tmp", "assay-XXXXXX");
    if (!mkdtemp(path)) {
        asy_free(path);
        return asy_fail(ASY_EIO, "cannot make a temporary folder");
    }
    f->cache = path;
    f->is_temporary = true;
    return ASY_OK;
}

static asy_err download(asy_fetch *f, const char *hash, const char *path)
{
    asy_buf bytes = {0};
    uint64_t size = 0;
    asy_err err = f->get(f->ctx, hash, 0, &bytes, &size);
    if (!err && size > MOST_BYTES)
        err = asy_fail(ASY_EIO, "data: %llu bytes are too many",
                       (unsigned long long)size);
    while (!err && bytes.len < size) {
        size_t before = bytes.len;
        err = f->get(f->ctx, hash, bytes.len, &bytes, &size);
        if (!err && bytes.len == before)
            err = asy_fail(ASY_EIO, "data: the host sent nothing more");
    }
    if (!err)
        err = asy_file_write(path, bytes.data, bytes.len);
    asy_buf_fini(&bytes);
    return err;
}

static asy_err open_copy(asy_fetch *f, const asy_hash *expect, opened *o)
{
    asy_err err = need_cache(f);
    if (err)
        return err;
    o->path = asy_path_join(f->cache, o->hash);
    o->is_ours = f->is_temporary;
    if (asy_file_exists(o->path) && !asy_tensors_open(o->path, expect, &o->data))
        return ASY_OK;
    err = download(f, o->hash, o->path);
    return err ? err : asy_tensors_open(o->path, expect, &o->data);
}

static asy_err open_new(asy_fetch *f, const json_t *fold, opened *o)
{
    const char *hash = json_string_value(json_object_get(fold, "hash"));
    const char *path = json_string_value(json_object_get(fold, "path"));
    asy_hash expect;
    if (!hash || !asy_hash_parse(hash, &expect))
        return asy_fail(ASY_EARG, "data: a hash expected");
    snprintf(o->hash, sizeof o->hash, "%s", hash);
    if (path && !asy_tensors_open(path, &expect, &o->data)) {
        o->path = asy_strdup(path);
        return ASY_OK;
    }
    return open_copy(f, &expect, o);
}

static const opened *find(const asy_fetch *f, const char *hash)
{
    for (uint32_t i = 0; hash && i < f->opens; i++)
        if (strcmp(f->open[i].hash, hash) == 0)
            return &f->open[i];
    return NULL;
}

asy_err asy_fetch_data(asy_fetch *f, const asy_brief *b, uint32_t fold,
                       const asy_tensors **data, const char **path)
{
    const json_t *v = json_array_get(json_object_get(b->tree, "folds"), fold);
    const opened *found = find(f, json_string_value(json_object_get(v, "hash")));
    if (!found) {
        opened o = {0};
        asy_err err = open_new(f, v, &o);
        if (err) {
            asy_free(o.path);
            return err;
        }
        f->open = asy_realloc(f->open, f->opens + 1, sizeof *f->open);
        f->open[f->opens] = o;
        found = &f->open[f->opens++];
    }
    *data = found->data;
    *path = found->path;
    return ASY_OK;
}
