/* host.c - the host's life: opening, the loop over its queue, ticks, closing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/dispatch.h"
#include "lab/progress.h"

enum {
    NOTES = 256, /* handled between two looks at everything else */
    TICK_MS = 50,
    BEAT_MS = 2000,
    BEATS_A_LEASE = 6
};

/* --- the token ------------------------------------------------------------------- */

static asy_err read_token(const char *path, uint8_t token[ASY_TOKEN])
{
    asy_buf text = {0};
    asy_hash hash; /* 64 hex digits, like a hash */
    asy_err err = asy_file_read(path, 1024, &text);
    while (!err && text.len && (unsigned char)text.data[text.len - 1] <= ' ')
        text.data[--text.len] = 0;
    if (!err && !asy_hash_parse(asy_buf_text(&text), &hash))
        err = asy_fail(
            ASY_EIO, "%s: 64 hex digits expected; remove it to get a new token", path);
    if (!err)
        memcpy(token, hash.b, ASY_TOKEN);
    asy_buf_fini(&text);
    return err;
}

/* The token of a store stays, so that its workers outlive its hosts. */
static asy_err take_token(asy_host *h)
{
    char *path = asy_path_join(h->folder, "token");
    asy_err err;
    if (asy_file_exists(path)) {
        err = read_token(path, h->token);
    } else {
        asy_hash hash;
        char text[ASY_HASH_TEXT + 1];
        asy_random_bytes(hash.b, sizeof hash.b);
        asy_hash_text(&hash, text);
        memcpy(h->token, hash.b, ASY_TOKEN);
        strcat(text, "\n");
        err = asy_file_write_secret(path, text, strlen(text));
    }
    asy_free(path);
    return err;
}

/* --- opening -------------------------------------------------------------------------
 */

/* Workers open files by the names we give, from wherever they were started. */
static void make_folder_absolute(asy_host *h)
{
    char *path = realpath(h->folder, NULL);
    if (!path)
        return;
    asy_free(h->folder);
    h->folder = asy_strdup(path);
    free(path); /* the C library's own */
}

/* On NNG's threads. */
static void on_net(void *ctx, asy_net_event *event)
{
    asy_host *h = ctx;
    asy_note *n = asy_alloc(1, sizeof *n);
    *n = (asy_note){.kind = ASY_NOTE_NET, .net = event};
    asy_queue_push(h->queue, n);
}

static asy_err listen_on(asy_host *h, const char *url)
{
    h->listener = asy_realloc(h->listener, h->listeners + 1, sizeof(asy_listener *));
    asy_err err = asy_listener_open(url, on_net, h, &h->listener[h->listeners]);
    if (!err)
        h->listeners++;
    return err;
}

static asy_err listen_all(asy_host *h, const asy_host_config *config)
{
    asy_err err = listen_on(h, "tcp://127.0.0.1:0");
    for (const char *const *url = config->listen; !err && url && *url; url++)
        err = listen_on(h, *url);
    return err;
}

asy_err asy_host_open(const asy_host_config *config, asy_host **out)
{
    asy_host *h = asy_alloc(1, sizeof *h);
    *out = NULL;
    h->queue = asy_queue_new();
    h->rules = config->rules;
    h->folder = asy_strdup(config->folder);
    h->program = asy_strdup(config->program);
    h->beat_ms = config->beat_ms ? config->beat_ms : BEAT_MS;
    h->lease_ms = BEATS_A_LEASE * h->beat_ms;
    asy_err err = asy_store_open(config->folder, &h->store);
    make_folder_absolute(h);
    if (!err)
        err = take_token(h);
    if (!err)
        err = listen_all(h, config);
    if (!err) {
        h->locals = config->workers;
        h->local = asy_alloc(config->workers + 1, sizeof *h->local);
        err = asy_local_start(h);
    }
    if (err)
        asy_host_close(h);
    else
        *out = h;
    return err;
}

asy_store *asy_host_store(asy_host *h) { return h->store; }

const char *asy_host_url(const asy_host *h, uint32_t i)
{
    return i < h->listeners ? asy_listener_url(h->listener[i]) : NULL;
}

/* --- notes --- */

static void free_note(asy_note *n)
{
    json_decref(n->tree);
    asy_free(n->text);
    asy_line_unref(n->line);
    asy_free(n);
}

static void handle(asy_host *h, asy_note *n)
{
    if (n->kind == ASY_NOTE_COMMIT) {
        asy_commit_arrived(n->commit); /* the note is part of it */
        return;
    }
    if (n->kind == ASY_NOTE_NET)
        asy_dispatch_event(h, n->net);
    else
        asy_talk_note(n);
    free_note(n);
}

void asy_host_say(asy_host *h, asy_level level, const char *fmt, ...)
{
    asy_buf line = {0};
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(&line, fmt, args);
    va_end(args);
    if (h->watch && h->watch->log)
        h->watch->log(h->watch->ctx, level, asy_buf_text(&line));
    else
        asy_log(level, "%s", asy_buf_text(&line));
    asy_buf_fini(&line);
}

/* --- the loop --- */

/* While the store is in trouble nothing is handed out; what is done waits in its queue.
 */
static void look_at_store(asy_host *h)
{
    const char *trouble = asy_store_health(h->store) ? asy_errmsg() : NULL;
    if (trouble && !h->trouble)
        asy_host_say(h, ASY_WARN, "%s: waiting", trouble);
    if (!trouble && h->trouble)
        asy_host_say(h, ASY_INFO, "the store works again");
    asy_free(h->trouble);
    h->trouble = asy_strdup(trouble);
}

static void look_at_stop(asy_host *h, uint64_t now)
{
    if (h->is_stopping || !h->watch || !h->watch->stop ||
        !h->watch->stop(h->watch->ctx))
        return;
    h->is_stopping = true;
    h->stop_ms = now;
}

static void tick(asy_host *h)
{
    uint64_t now = asy_now_ms();
    if (now - h->tick_ms < TICK_MS)
        return;
    h->tick_ms = now;
    look_at_store(h);
    look_at_stop(h, now);
    asy_local_tick(h, now);
    asy_peers_tick(h, now);
    for (uint32_t i = 0; i < h->sessions; i++)
        asy_session_tick(h->session[i], now);
    asy_progress_send(h, now, false);
}

/* What was written goes out before the next wait: its order is the order of results. */
void asy_host_pump(asy_host *h, uint32_t timeout_ms)
{
    void *notes[NOTES];
    size_t n = asy_queue_pop_many(h->queue, notes, NOTES, timeout_ms);
    for (size_t i = 0; i < n; i++)
        handle(h, notes[i]);
    for (uint32_t i = 0; i < h->sessions; i++)
        asy_talk_go_on(h->session[i]);
    asy_commit_send(h);
    asy_dispatch_wake(h);
    tick(h);
    asy_commit_send(h);
}

static bool has_open_session(const asy_host *h)
{
    for (uint32_t i = 0; i < h->sessions; i++)
        if (asy_session_is_open(h->session[i]))
            return true;
    return false;
}

asy_err asy_host_run(asy_host *h, const asy_host_watch *watch)
{
    h->watch = watch;
    while (has_open_session(h))
        asy_host_pump(h, TICK_MS);
    asy_commit_send(h);
    asy_err err = asy_store_flush(h->store);
    asy_progress_send(h, asy_now_ms(), true);
    h->watch = NULL;
    return err;
}

/* --- closing
 * -----------------------------------------------------------------------------------
 */

/* Notes that nobody will handle any more. */
static void drop_notes(asy_host *h)
{
    asy_note *n;
    while ((n = asy_queue_pop(h->queue, 0))) {
        if (n->kind == ASY_NOTE_COMMIT) {
            asy_commit_free(n->commit);
            continue;
        }
        if (n->net) {
            if (n->net->request)
                asy_request_drop(n->net->request);
            n->net->request = NULL;
            asy_net_event_free(n->net);
        }
        free_note(n);
    }
}

static void free_all(asy_host *h)
{
    for (uint32_t i = 0; i < h->peers; i++)
        asy_peer_free(h->peer[i]);
    for (uint32_t i = 0; i < h->sessions; i++)
        asy_session_free(h->session[i]);
    asy_free(h->peer);
    asy_free(h->session);
    asy_free(h->listener);
    asy_free(h->folder);
    asy_free(h->program);
    asy_free(h->trouble);
}

void asy_host_close(asy_host *h)
{
    if (!h)
        return;
    h->is_closing = true;
    for (uint32_t i = 0; i < h->sessions; i++)
        asy_session_end(h->session[i], ASY_SESSION_STOPPED, NULL);
    asy_dispatch_release(h);
    asy_local_stop(h);
    for (uint32_t i = 0; i < h->listeners; i++)
        asy_listener_stop(h->listener[i]);
    asy_commit_send(h);
    if (h->store)
        asy_store_close(h->store);
    h->store = NULL;
    drop_notes(h);
    free_all(h);
    asy_queue_free(h->queue);
    asy_free(h);
}
