/* rules.c - asy_rule_ops: a rule in a child process, kept by a thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/pack.h"
#include "script/child.h"
#include "script/load.h"
#include "script/script.h"
#include "script/wire.h"

/* A call that waits for its turn: a complete packet. */
typedef struct waiting {
    struct waiting *next;
    asy_buf packet;
} waiting;

struct asy_rule {
    asy_rule_sink sink;
    asy_rule_limits limits;
    pthread_t thread;
    int wake; /* eventfd: something below changed */

    pthread_mutex_t lock; /* guards the next four */
    waiting *first, **last;
    asy_buf answer; /* a complete packet; empty: none */
    bool closing;

    /* The thread's own. */
    asy_buf load; /* the first packet */
    asy_child child;
    bool loading, in_call, in_query;
    uint64_t time_left; /* ms of the call, while it waits for an answer */
    uint64_t logged;    /* bytes in this call */
    char *dead;         /* why the rule cannot go on */
};

/* ---- From any thread ---- */

static void wake(asy_rule *r)
{
    const uint64_t one = 1;
    while (write(r->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static asy_err make_packet(asy_buf *out, asy_packet_type type, const json_t *v)
{
    size_t mark = asy_packet_begin(out, type);
    asy_pack_value(out, v);
    return asy_packet_end(out, mark);
}

static asy_err rule_call(asy_rule *r, const json_t *call)
{
    waiting *w = asy_alloc(1, sizeof *w);
    asy_err e = make_packet(&w->packet, ASY_PACKET_CALL, call);
    if (e) {
        asy_buf_fini(&w->packet);
        asy_free(w);
        return e;
    }
    pthread_mutex_lock(&r->lock);
    *r->last = w;
    r->last = &w->next;
    pthread_mutex_unlock(&r->lock);
    wake(r);
    return ASY_OK;
}

static asy_err rule_answer(asy_rule *r, const json_t *answer)
{
    asy_buf packet = {0};
    asy_err e = make_packet(&packet, ASY_PACKET_ANSWER, answer);
    if (e) {
        asy_buf_fini(&packet);
        return e;
    }
    pthread_mutex_lock(&r->lock);
    asy_buf_fini(&r->answer);
    r->answer = packet;
    pthread_mutex_unlock(&r->lock);
    wake(r);
    return ASY_OK;
}

/* ---- The thread: ending ---- */

static void reply_failed(asy_rule *r, const char *message, bool fatal)
{
    r->sink.on_reply(r->sink.ctx, r, NULL, asy_strdup(message), fatal);
}

/* The child is gone for good: the present call fails now, later ones at their turn. */
static void die(asy_rule *r, const char *message)
{
    asy_child_kill(&r->child, NULL);
    r->dead = asy_strdup(message);
    if (r->in_call)
        reply_failed(r, r->dead, true);
    r->loading = r->in_call = r->in_query = false;
}

static void die_of_end(asy_rule *r)
{
    asy_buf why = {0};
    asy_buf_puts(&why, "the rule's process is gone: ");
    asy_child_kill(&r->child, &why);
    die(r, asy_buf_text(&why));
    asy_buf_fini(&why);
}

static void die_of_time(asy_rule *r)
{
    asy_buf why = {0};
    asy_buf_printf(
        &why,
        "time limit: the rule did not come back within %.1f s and did not stop "
        "when told to (a pattern that string.find cannot finish?)",
        r->limits.hard_ms / 1e3);
    die(r, asy_buf_text(&why));
    asy_buf_fini(&why);
}

static void die_of_nonsense(asy_rule *r, const char *what)
{
    asy_buf why = {0};
    asy_buf_printf(&why, "the rule's process broke the protocol and was killed: %s",
                   what);
    die(r, asy_buf_text(&why));
    asy_buf_fini(&why);
}

/* ---- The thread: packets from the child ---- */

static void start_clock(asy_rule *r)
{
    uint64_t start = r->loading ? ASY_CHILD_START_MS : 0;
    asy_child_allow(&r->child, r->limits.hard_ms ? r->limits.hard_ms + start : 0);
    r->logged = 0;
}

static void take_reply(asy_rule *r, const asy_packet *f)
{
    json_t *reply;
    if (asy_packet_tree(f, &reply)) {
        die_of_nonsense(r, asy_errmsg());
        return;
    }
    r->in_call = false;
    asy_child_allow(&r->child, 0);
    r->sink.on_reply(r->sink.ctx, r, reply, NULL, false);
}

static void take_query(asy_rule *r, const asy_packet *f)
{
    json_t *query;
    if (asy_packet_tree(f, &query)) {
        die_of_nonsense(r, asy_errmsg());
        return;
    }
    r->time_left = asy_child_rest(&r->child);
    asy_child_allow(&r->child, 0);
    r->in_query = true;
    r->sink.on_query(r->sink.ctx, r, query);
}

static void take_error(asy_rule *r, const asy_packet *f)
{
    char *message;
    bool fatal;
    if (asy_packet_error(f, &message, &fatal)) {
        die_of_nonsense(r, asy_errmsg());
    } else if (fatal || r->loading) {
        die(r, message);
    } else {
        r->in_call = false;
        asy_child_allow(&r->child, 0);
        reply_failed(r, message, false);
    }
    asy_free(message);
}

/* The child cuts its own log; one that does not is no child of ours any more. */
static void take_log(asy_rule *r, const asy_packet *f)
{
    asy_unpack u = asy_unpack_open(f->body, f->len);
    const char *text;
    size_t len;
    r->logged += f->len;
    if (asy_unpack_text(&u, &text, &len) || r->logged > 2 * ASY_WIRE_LOG)
        die_of_nonsense(r, "log");
    else
        r->sink.on_log(r->sink.ctx, r, asy_strndup(text, len));
}

static void take_packet(asy_rule *r, const asy_packet *f)
{
    bool busy = (r->in_call || r->loading) && !r->in_query;
    if (f->type == ASY_PACKET_READY && r->loading) {
        r->loading = false;
        asy_child_allow(&r->child, 0);
    } else if (f->type == ASY_PACKET_LOG && busy) {
        take_log(r, f);
    } else if (f->type == ASY_PACKET_ERROR && busy) {
        take_error(r, f);
    } else if (f->type == ASY_PACKET_REPLY && busy && !r->loading) {
        take_reply(r, f);
    } else if (f->type == ASY_PACKET_QUERY && busy && !r->loading) {
        take_query(r, f);
    } else {
        die_of_nonsense(r, "a message that nobody asked for");
    }
}

static void take_packets(asy_rule *r)
{
    asy_packet f;
    bool have = true;
    while (!r->dead && have) {
        if (asy_packet_next(&r->child.in, &f, &have))
            die_of_nonsense(r, asy_errmsg());
        else if (have)
            take_packet(r, &f);
    }
}

/* ---- The thread: packets to the child ---- */

/* The next call when it is its turn, or any when the child is dead; NULL: none. */
static waiting *next_call(asy_rule *r)
{
    pthread_mutex_lock(&r->lock);
    waiting *w = r->loading || r->in_call ? NULL : r->first;
    if (w) {
        r->first = w->next;
        if (!r->first)
            r->last = &r->first;
    }
    pthread_mutex_unlock(&r->lock);
    return w;
}

static void send_calls(asy_rule *r)
{
    waiting *w;
    while ((w = next_call(r))) {
        if (r->dead) {
            reply_failed(r, r->dead, true);
        } else {
            r->in_call = true;
            start_clock(r);
            asy_buf_add(&r->child.out, w->packet.data, w->packet.len);
        }
        asy_buf_fini(&w->packet);
        asy_free(w);
    }
}

static void send_answer(asy_rule *r)
{
    pthread_mutex_lock(&r->lock);
    asy_buf packet = r->answer;
    r->answer = (asy_buf){0};
    pthread_mutex_unlock(&r->lock);
    if (packet.len && r->in_query) {
        asy_buf_add(&r->child.out, packet.data, packet.len);
        r->in_query = false;
        asy_child_allow(&r->child, r->time_left);
    }
    asy_buf_fini(&packet);
}

static bool is_closing(asy_rule *r)
{
    uint64_t count;
    while (read(r->wake, &count, sizeof count) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&r->lock);
    bool closing = r->closing;
    pthread_mutex_unlock(&r->lock);
    return closing;
}

static void begin(asy_rule *r)
{
    r->loading = true;
    if (asy_child_start(&r->child)) {
        die(r, asy_errmsg());
        return;
    }
    asy_buf_add(&r->child.out, r->load.data, r->load.len);
    asy_buf_fini(&r->load);
    start_clock(r);
}

/* A dead child leaves an empty object: only the wake-up is waited for. */
static void wait_for_child(asy_rule *r)
{
    asy_child_event event;
    uint32_t left = asy_child_left(&r->child, UINT32_MAX);
    if (left == 0)
        die_of_time(r);
    else if (asy_child_wait(&r->child, r->wake, left, &event))
        die_of_nonsense(r, asy_errmsg());
    else if (event == ASY_CHILD_BYTES)
        take_packets(r);
    else if (event == ASY_CHILD_ENDED)
        die_of_end(r);
}

static void *thread_main(void *ctx)
{
    asy_rule *r = ctx;
    begin(r);
    while (!is_closing(r)) {
        send_calls(r);
        send_answer(r);
        wait_for_child(r);
    }
    asy_child_kill(&r->child, NULL);
    return NULL;
}

/* ---- Life ---- */

static void rule_free(asy_rule *r)
{
    while (r->first) {
        waiting *w = r->first;
        r->first = w->next;
        asy_buf_fini(&w->packet);
        asy_free(w);
    }
    if (r->wake >= 0)
        close(r->wake);
    asy_buf_fini(&r->answer);
    asy_buf_fini(&r->load);
    asy_free(r->dead);
    pthread_mutex_destroy(&r->lock);
    asy_free(r);
}

static asy_err rule_open(const char *name, const char *source, size_t len,
                         const json_t *options, const asy_rule_limits *limits,
                         const asy_rule_sink *sink, asy_rule **out)
{
    asy_rule *r = asy_alloc(1, sizeof *r);
    *out = NULL;
    r->sink = *sink;
    r->limits = *limits;
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    asy_load load = {.name = name,
                     .source = source,
                     .len = len,
                     .options = options,
                     .limits = limits};
    asy_err e = asy_load_packet(&load, &r->load);
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!e && r->wake < 0)
        e = asy_fail(ASY_EIO, "cannot make an event: %s", strerror(errno));
    if (!e && pthread_create(&r->thread, NULL, thread_main, r))
        e = asy_fail(ASY_EIO, "cannot start a thread for the rule");
    if (e)
        rule_free(r);
    else
        *out = r;
    return e;
}

static void rule_close(asy_rule *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    pthread_mutex_unlock(&r->lock);
    wake(r);
    pthread_join(r->thread, NULL);
    rule_free(r);
}

const asy_rule_ops asy_script_rules = {
    .open = rule_open, .call = rule_call, .answer = rule_answer, .close = rule_close};
