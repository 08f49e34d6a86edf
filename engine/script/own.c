/* own.c - asy_own_ops: trials of a rule's own `trial` function in a child process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/pack.h"
#include "script/child.h"
#include "script/load.h"
#include "script/script.h"
#include "script/wire.h"

enum {
    BATCH_TRIALS = 256, /* most trials in a packet: the child answers them in order */
    BATCH_BYTES = 256 << 10
};

struct asy_own {
    asy_rule_limits limits;
    asy_buf load; /* the first packet, for every child */
    asy_child child;
    bool started; /* the child has the rule */
    char *broken; /* why no child can run this rule: its loading failed */

    /* Of the present run(). */
    const asy_own_trial *trial;
    size_t n, done; /* trials [done, n) have no result yet */
    size_t sent;    /* trials [done, sent) are with the child */
    bool careful;   /* the last child died without a word: send one trial alone */
    uint64_t logged;
    const asy_own_sink *sink;
};

/* ---- Results ---- */

static void give(asy_own *o, json_t *metrics, const char *message, double seconds)
{
    asy_own_result r = {.id = o->trial[o->done].id,
                        .metrics = metrics,
                        .message = message,
                        .seconds = seconds};
    o->done++;
    o->sink->on_result(o->sink->ctx, &r);
}

/* [id, seconds, metrics | nil, message | nil] */
static asy_err take_result(asy_own *o, asy_unpack *u)
{
    uint32_t parts;
    int64_t id;
    double seconds;
    const void *metrics;
    const char *text = NULL;
    size_t metrics_len, len = 0;
    json_t *tree = NULL;
    asy_err e = asy_unpack_array(u, &parts);
    if (!e)
        e = asy_unpack_int(u, &id);
    if (!e)
        e = asy_unpack_real(u, &seconds);
    if (!e)
        e = asy_unpack_raw(u, &metrics, &metrics_len);
    if (!e && asy_unpack_peek(u) == ASY_UNPACK_NIL)
        e = asy_unpack_skip(u);
    else if (!e)
        e = asy_unpack_text(u, &text, &len);
    if (e)
        return e;
    if (parts != 4 || o->done == o->sent || id != o->trial[o->done].id)
        return asy_fail(ASY_EIO, "a result that nobody asked for");
    asy_packet body = {.body = metrics, .len = metrics_len};
    if (!text && (e = asy_packet_tree(&body, &tree)))
        return e;
    if (!text && !json_is_object(tree)) {
        json_decref(tree);
        return asy_fail(ASY_EIO, "a result that is no table");
    }
    char *message = text ? asy_strndup(text, len) : NULL;
    give(o, tree, message, seconds);
    asy_free(message);
    return ASY_OK;
}

static asy_err take_results(asy_own *o, const asy_packet *f)
{
    asy_unpack u = asy_unpack_open(f->body, f->len);
    uint32_t n;
    asy_err e = asy_unpack_array(&u, &n);
    for (uint32_t i = 0; i < n && !e; i++)
        e = take_result(o, &u);
    return e;
}

static asy_err take_report(asy_own *o, const asy_packet *f)
{
    asy_unpack u = asy_unpack_open(f->body, f->len);
    uint32_t parts;
    int64_t id;
    uint64_t epoch;
    double value;
    asy_err e = asy_unpack_array(&u, &parts);
    if (!e)
        e = asy_unpack_int(&u, &id);
    if (!e)
        e = asy_unpack_uint(&u, &epoch);
    if (!e)
        e = asy_unpack_real(&u, &value);
    if (e)
        return e;
    if (o->done == o->sent || id != o->trial[o->done].id || epoch > UINT32_MAX)
        return asy_fail(ASY_EIO, "a report that nobody asked for");
    bool go = !o->sink->on_report ||
              o->sink->on_report(o->sink->ctx, id, (uint32_t)epoch, value);
    size_t mark = asy_packet_begin(&o->child.out, ASY_PACKET_VERDICT);
    asy_pack_bool(&o->child.out, go);
    return asy_packet_end(&o->child.out, mark);
}

/* ---- Ends of children ---- */

static void end_child(asy_own *o)
{
    asy_child_kill(&o->child, NULL);
    o->started = false;
    o->sent = o->done;
}

/* The trial in hand failed together with its child. */
static void fail_trial(asy_own *o, const char *message)
{
    if (o->done < o->n)
        give(o, NULL, message, NAN);
    end_child(o);
    o->careful = false;
}

/* A rule that does not load fails every trial. */
static void break_rule(asy_own *o, const char *message)
{
    end_child(o);
    o->broken = asy_strdup(message);
}

/* A child said why it ends. */
static asy_err take_error(asy_own *o, const asy_packet *f)
{
    char *message;
    bool fatal;
    asy_err e = asy_packet_error(f, &message, &fatal);
    if (!e && o->started)
        fail_trial(o, message);
    else if (!e)
        break_rule(o, message);
    asy_free(message);
    return e;
}

/* A child ended without a word, and finished trials may have died with it. One trial
 * alone tells who did it; seeds make the repetition harmless. */
static void take_silent_end(asy_own *o, const char *why)
{
    if (!o->started)
        break_rule(o, why);
    else if (o->sent - o->done <= 1)
        fail_trial(o, why);
    else {
        end_child(o);
        o->careful = true;
    }
}

static void take_end(asy_own *o)
{
    asy_buf why = {0};
    asy_buf_puts(&why, "the trial's process is gone: ");
    asy_child_kill(&o->child, &why);
    take_silent_end(o, asy_buf_text(&why));
    asy_buf_fini(&why);
}

static void take_late(asy_own *o)
{
    asy_buf why = {0};
    asy_buf_printf(&why, "time limit: the trial did not end within %.1f s",
                   o->limits.hard_ms / 1e3);
    take_silent_end(o, asy_buf_text(&why));
    asy_buf_fini(&why);
}

static void take_nonsense(asy_own *o, const char *what)
{
    asy_buf why = {0};
    asy_buf_printf(&why, "the trial's process broke the protocol and was killed: %s",
                   what);
    if (o->started)
        fail_trial(o, asy_buf_text(&why));
    else
        break_rule(o, asy_buf_text(&why));
    asy_buf_fini(&why);
}

/* ---- Talking with the child ---- */

static void start_clock(asy_own *o)
{
    uint64_t start = o->started ? 0 : ASY_CHILD_START_MS;
    asy_child_allow(&o->child, o->limits.hard_ms ? o->limits.hard_ms + start : 0);
}

/* Logs of trials are not kept; a flood of them ends the child. */
static asy_err take_log(asy_own *o, const asy_packet *f)
{
    o->logged += f->len;
    if (o->logged > (uint64_t)(o->sent - o->done + 1) * 2 * ASY_WIRE_LOG)
        return asy_fail(ASY_EIO, "log");
    asy_unpack u = asy_unpack_open(f->body, f->len);
    return asy_unpack_skip(&u);
}

static asy_err take_packet(asy_own *o, const asy_packet *f)
{
    if (f->type == ASY_PACKET_LOG)
        return take_log(o, f);
    if (f->type == ASY_PACKET_ERROR)
        return take_error(o, f);
    start_clock(o);
    o->logged = 0;
    if (f->type == ASY_PACKET_READY && !o->started) {
        o->started = true;
        return ASY_OK;
    }
    if (f->type == ASY_PACKET_RESULTS && o->started)
        return take_results(o, f);
    if (f->type == ASY_PACKET_REPORT && o->started)
        return take_report(o, f);
    return asy_fail(ASY_EIO, "a message that nobody asked for");
}

/* Until the packets are used up or the child is gone. */
static void take_packets(asy_own *o)
{
    asy_packet f;
    bool have = true;
    while (o->child.pid && have) {
        asy_err e = asy_packet_next(&o->child.in, &f, &have);
        if (!e && have)
            e = take_packet(o, &f);
        if (e)
            take_nonsense(o, asy_errmsg());
    }
}

/* Parameters come as MessagePack or as JSON text. */
static asy_err pack_params(asy_buf *out, const asy_own_trial *t)
{
    if (t->params_len == 0 || (*t->params != '{' && *t->params != '[')) {
        asy_buf_add(out, t->params, t->params_len);
        return ASY_OK;
    }
    json_t *params;
    asy_err e = asy_json_parse(t->params, t->params_len, &params);
    if (!e)
        asy_pack_value(out, params);
    json_decref(params);
    return e;
}

/* Sends the next batch once the child has answered the last one. */
static asy_err send_trials(asy_own *o)
{
    asy_buf entries = {0};
    uint32_t count = 0;
    uint32_t most = o->careful ? 1 : BATCH_TRIALS;
    asy_err e = ASY_OK;
    while (!e && o->sent < o->n && count < most && entries.len < BATCH_BYTES) {
        const asy_own_trial *t = &o->trial[o->sent];
        asy_pack_array(&entries, 3);
        asy_pack_int(&entries, t->id);
        asy_pack_uint(&entries, t->seed);
        e = pack_params(&entries, t);
        o->sent++;
        count++;
    }
    size_t mark = asy_packet_begin(&o->child.out, ASY_PACKET_TRIALS);
    asy_pack_array(&o->child.out, count);
    asy_buf_add(&o->child.out, entries.data, entries.len);
    if (!e)
        e = asy_packet_end(&o->child.out, mark);
    asy_buf_fini(&entries);
    o->careful = false;
    start_clock(o);
    return e;
}

static asy_err start_child(asy_own *o)
{
    asy_err e = asy_child_start(&o->child);
    if (e)
        return e;
    asy_buf_add(&o->child.out, o->load.data, o->load.len);
    start_clock(o);
    return ASY_OK;
}

/* One turn: whatever has to happen next. */
static asy_err turn(asy_own *o)
{
    asy_child_event event;
    asy_err e = ASY_OK;
    if (!o->child.pid)
        e = start_child(o);
    else if (o->started && o->sent == o->done)
        e = send_trials(o);
    if (e)
        return e;
    uint32_t left = asy_child_left(&o->child, UINT32_MAX);
    if (left == 0) {
        take_late(o);
        return ASY_OK;
    }
    e = asy_child_wait(&o->child, -1, left, &event);
    if (!e && event == ASY_CHILD_BYTES)
        take_packets(o);
    else if (!e && event == ASY_CHILD_ENDED)
        take_end(o);
    return e;
}

static asy_err own_run(asy_own *o, const asy_own_trial *trial, size_t n,
                       const asy_own_sink *sink)
{
    o->trial = trial;
    o->n = n;
    o->done = o->sent = 0;
    o->sink = sink;
    o->careful = false;
    asy_err e = ASY_OK;
    if (o->child.pid) /* however long it has been idle */
        start_clock(o);
    while (!e && !o->broken && o->done < n)
        e = turn(o);
    char *message = asy_strdup(o->broken ? o->broken : asy_errmsg());
    while (o->done < n)
        give(o, NULL, message, NAN);
    asy_free(message);
    if (e)
        end_child(o);
    return e;
}

/* ---- Life ---- */

static void own_close(asy_own *o)
{
    if (!o)
        return;
    if (o->child.pid)
        asy_child_kill(&o->child, NULL);
    asy_buf_fini(&o->load);
    asy_free(o->broken);
    asy_free(o);
}

static asy_err own_open(const char *name, const char *source, size_t len,
                        const json_t *options, const char *data_path,
                        uint64_t session_seed, const asy_rule_limits *limits,
                        asy_own **out)
{
    asy_own *o = asy_alloc(1, sizeof *o);
    asy_load load = {.name = name,
                     .source = source,
                     .len = len,
                     .options = options,
                     .limits = limits,
                     .seed = session_seed,
                     .data = data_path};
    o->limits = *limits;
    asy_err e = asy_load_packet(&load, &o->load);
    if (!e)
        e = start_child(o);
    *out = e ? NULL : o;
    if (e)
        own_close(o);
    return e;
}

const asy_own_ops asy_script_own = {
    .open = own_open, .run = own_run, .close = own_close};
