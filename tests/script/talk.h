/* talk.h - calls a rule and waits for its reply; the sink of the process tests. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"
#include "script/script.h"

/* What came back from a call. */
typedef struct reply {
    json_t *tree;
    char *message;
    bool fatal;
} reply;

/* A rule under test. */
typedef struct talk {
    asy_queue *replies;
    asy_rule *rule;
    const char *answer; /* JSON for queries */
    asy_buf log;        /* lines; of the I/O thread until the reply is there */
    size_t lines, queries;
} talk;

static inline void on_reply(void *ctx, asy_rule *r, json_t *tree, char *message,
                            bool fatal)
{
    talk *t = ctx;
    (void)r;
    reply *p = asy_alloc(1, sizeof *p);
    *p = (reply){.tree = tree, .message = message, .fatal = fatal};
    asy_queue_push(t->replies, p);
}

static inline void on_query(void *ctx, asy_rule *r, json_t *query)
{
    talk *t = ctx;
    json_t *answer;
    json_decref(query);
    t->queries++;
    assert_int_equal(asy_json_parse(t->answer, strlen(t->answer), &answer), ASY_OK);
    assert_int_equal(asy_script_rules.answer(r, answer), ASY_OK);
    json_decref(answer);
}

static inline void on_log(void *ctx, asy_rule *r, char *line)
{
    talk *t = ctx;
    (void)r;
    t->lines++;
    if (t->log.len < 100000) {
        asy_buf_puts(&t->log, line);
        asy_buf_putc(&t->log, '\n');
    }
    asy_free(line);
}

/* For rules that loop, and for all others: machines may be slow. */
static const asy_rule_limits quick = {
    .soft_ms = 300, .hard_ms = 800, .memory = 64 << 20};
static const asy_rule_limits patient = {
    .soft_ms = 20000, .hard_ms = 25000, .memory = 64 << 20};

static inline void talk_open_with(talk *t, const char *source,
                                  const asy_rule_limits *limits)
{
    *t = (talk){.replies = asy_queue_new(), .answer = "1"};
    asy_rule_sink sink = {
        .ctx = t, .on_reply = on_reply, .on_query = on_query, .on_log = on_log};
    if (asy_script_rules.open("rule.lua", source, strlen(source), NULL, limits, &sink,
                              &t->rule))
        fail_msg("%s", asy_errmsg());
}

static inline void talk_open(talk *t, const char *source)
{
    talk_open_with(t, source, &patient);
}

static inline void talk_call(talk *t, const char *call)
{
    json_t *tree;
    assert_int_equal(asy_json_parse(call, strlen(call), &tree), ASY_OK);
    assert_int_equal(asy_script_rules.call(t->rule, tree), ASY_OK);
    json_decref(tree);
}

static inline reply talk_wait(talk *t)
{
    reply *p = asy_queue_pop(t->replies, 30000);
    if (!p)
        fail_msg("no reply within 30 s");
    reply r = *p;
    asy_free(p);
    assert_true(!r.tree != !r.message);
    return r;
}

static inline void reply_fini(reply *r)
{
    json_decref(r->tree);
    asy_free(r->message);
    *r = (reply){0};
}

static inline void talk_close(talk *t)
{
    asy_script_rules.close(t->rule);
    while (asy_queue_length(t->replies)) {
        reply *p = asy_queue_pop(t->replies, 0);
        reply_fini(p);
        asy_free(p);
    }
    asy_queue_free(t->replies);
    asy_buf_fini(&t->log);
}

/* The next reply must be a failure whose message has that text. */
static inline void talk_expect_failure(talk *t, const char *text, bool fatal)
{
    reply r = talk_wait(t);
    if (!r.message)
        fail_msg("'%s' expected, got a reply", text);
    if (!strstr(r.message, text))
        fail_msg("'%s' expected, got '%s'", text, r.message);
    assert_int_equal(r.fatal, fatal);
    reply_fini(&r);
}

/* Opens the rule, calls it once, expects a fatal failure, closes it. */
static inline void expect_end(const char *source, const char *text,
                              const asy_rule_limits *limits)
{
    talk t;
    talk_open_with(&t, source, limits);
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_expect_failure(&t, text, true);
    talk_close(&t);
}

static inline int count_open_files(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}
