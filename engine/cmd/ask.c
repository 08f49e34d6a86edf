/* ask.c - a rule without a host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ask.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "script/script.h"

enum { SOFT_MS = 2000, HARD_MS = 2500, MEMORY = 512 << 20 };

/* What came from the rule's thread; exactly one of the first three, or none for a reply
 * that failed without a message. */
typedef struct note {
    json_t *reply, *query; /* owned */
    char *line, *message;  /* owned */
} note;

struct asy_asker {
    asy_rule *rule;
    asy_queue *queue; /* of note */
    asy_asker_answer *answer;
    void *ctx;
};

static void put(asy_asker *a, note n)
{
    asy_queue_push(a->queue, asy_memdup(&n, sizeof n));
}

static void on_reply(void *ctx, asy_rule *r, json_t *reply, char *message, bool fatal)
{
    (void)r;
    (void)fatal;
    put(ctx, (note){.reply = reply, .message = message});
}

static void on_query(void *ctx, asy_rule *r, json_t *query)
{
    (void)r;
    put(ctx, (note){.query = query});
}

static void on_log(void *ctx, asy_rule *r, char *line)
{
    (void)r;
    put(ctx, (note){.line = line});
}

static void note_free(note *n)
{
    json_decref(n->reply);
    json_decref(n->query);
    asy_free(n->line);
    asy_free(n->message);
    asy_free(n);
}

asy_err asy_asker_open(const char *name, const char *source, size_t len,
                       const json_t *options, asy_asker_answer *answer, void *ctx,
                       asy_asker **out)
{
    static const asy_rule_limits limits = {
        .soft_ms = SOFT_MS, .hard_ms = HARD_MS, .memory = MEMORY, .jit = true};
    asy_asker *a = asy_alloc(1, sizeof *a);
    a->queue = asy_queue_new();
    a->answer = answer;
    a->ctx = ctx;
    const asy_rule_sink sink = {
        .ctx = a, .on_reply = on_reply, .on_query = on_query, .on_log = on_log};
    asy_err err =
        asy_script_rules.open(name, source, len, options, &limits, &sink, &a->rule);
    if (err) {
        asy_asker_close(a);
        a = NULL;
    }
    *out = a;
    return err;
}

static asy_err answer_query(asy_asker *a, const json_t *query)
{
    json_t *answer = a->answer(a->ctx, query);
    asy_err err = asy_script_rules.answer(a->rule, answer);
    json_decref(answer);
    return err;
}

/* Handles one note; *is_reply when it ends the call. */
static asy_err handle(asy_asker *a, note *n, json_t **reply, bool *is_reply)
{
    if (n->query)
        return answer_query(a, n->query);
    if (n->line) {
        asy_log(ASY_INFO, "%s", n->line);
        return ASY_OK;
    }
    *is_reply = true;
    if (!n->reply)
        return asy_fail(ASY_ESCRIPT, "%s", n->message ? n->message : "the rule ended");
    *reply = json_incref(n->reply);
    return ASY_OK;
}

asy_err asy_asker_ask(asy_asker *a, const json_t *call, json_t **reply)
{
    *reply = NULL;
    bool is_reply = false;
    asy_err err = asy_script_rules.call(a->rule, call);
    while (!err && !is_reply) { /* the rule's own limits end every call */
        note *n = asy_queue_pop(a->queue, UINT32_MAX);
        err = handle(a, n, reply, &is_reply);
        note_free(n);
    }
    return err;
}

void asy_asker_close(asy_asker *a)
{
    if (!a)
        return;
    if (a->rule)
        asy_script_rules.close(a->rule);
    for (note *n; (n = asy_queue_pop(a->queue, 0));)
        note_free(n);
    asy_queue_free(a->queue);
    asy_free(a);
}
