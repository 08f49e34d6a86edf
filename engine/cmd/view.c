/* view.c - rows of the store as trees. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/view.h"
#include <string.h>
#include <time.h>

void asy_view_time(asy_buf *b, int64_t wall_ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (wall_ms && localtime_r(&seconds, &tm) &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm))
        asy_buf_puts(b, text);
}

static void set_text(json_t *o, const char *name, const char *text)
{
    json_object_set_new(o, name, json_string(text ? text : ""));
}

static void set_count(json_t *o, const char *name, uint64_t n)
{
    json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void set_tree(json_t *o, const char *name, const char *text)
{
    json_t *v = NULL;
    if (!text || !*text || asy_json_parse(text, strlen(text), &v))
        v = json_null();
    json_object_set_new(o, name, v);
}

json_t *asy_view_dataset(const asy_row_dataset *d)
{
    char hash[ASY_HASH_TEXT];
    json_t *o = json_object();
    asy_hash_text(&d->hash, hash);
    set_text(o, "name", d->name);
    set_text(o, "hash", hash);
    set_count(o, "rows", d->rows);
    set_count(o, "columns", d->columns);
    json_object_set_new(o, "label", d->label ? json_string(d->label) : json_null());
    set_count(o, "imported", (uint64_t)d->imported);
    return o;
}

json_t *asy_view_trial(const asy_row_trial *t, bool with_design)
{
    json_t *o = json_object();
    set_count(o, "number", (uint64_t)t->number);
    set_count(o, "proposal", (uint64_t)t->proposal);
    set_count(o, "fold", t->fold);
    set_text(o, "state", asy_trial_state_names[t->state]);
    json_object_set_new(o, "score", asy_json_real(t->score));
    set_text(o, "reason", t->reason);
    set_count(o, "epochs", t->epochs);
    json_object_set_new(o, "seconds", asy_json_real(t->seconds));
    set_count(o, "parameters", t->parameters);
    json_object_set_new(o, "flops", asy_json_real(t->flops));
    set_count(o, "seed", t->seed);
    set_text(o, "worker", t->worker);
    json_object_set_new(o, "cached", json_boolean(t->cached_from != 0));
    set_text(o, "how", t->how);
    set_tree(o, "params", t->params);
    set_tree(o, "metrics", t->metrics);
    if (with_design)
        set_tree(o, "design", t->design);
    return o;
}
