/* test_hostile.c - what a captured rule process could send, and what its parent makes
 * of it. As a rule host this program misbehaves in the way the environment names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/talk.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/rng.h"
#include "script/child.h"
#include "script/packet.h"
#include "script/rulehost.h"

/* ---- The child ---- */

static void put(const void *bytes, size_t len)
{
    if (asy_packet_write(ASY_RULEHOST_FD, bytes, len))
        _exit(1);
}

static void put_packet(asy_packet_type type, const void *body, size_t len)
{
    asy_buf b = {0};
    size_t mark = asy_packet_begin(&b, type);
    asy_buf_add(&b, body, len);
    asy_packet_end(&b, mark);
    put(b.data, b.len);
    asy_buf_fini(&b);
}

static void put_ready(void) { put_packet(ASY_PACKET_READY, "\xc0", 1); }

/* Waits for the packet of that type. */
static void await(asy_packet_type type)
{
    static asy_packet_reader r;
    for (;;) {
        asy_packet p;
        bool have, again;
        size_t got;
        if (asy_packet_next(&r, &p, &have))
            _exit(1);
        if (have && p.type == type)
            return;
        if (!have && (asy_packet_fill(&r, ASY_RULEHOST_FD, &got, &again) || got == 0))
            _exit(1);
    }
}

static void flood(void)
{
    static char line[10003];
    memset(line, 'x', sizeof line);
    line[0] = (char)0xda; /* text of 10,000 bytes */
    line[1] = 0x27;
    line[2] = 0x10;
    for (;;)
        put_packet(ASY_PACKET_LOG, line, sizeof line);
}

static void send_noise(void)
{
    asy_rng rng = asy_rng_open(asy_rng_key((uint64_t)getpid(), 1), ASY_STREAM_RULE, 0);
    for (;;) {
        uint64_t word = asy_rng_u64(&rng);
        put(&word, sizeof word);
    }
}

static void send_deep(void)
{
    static char deep[100000];
    memset(deep, 0x91, sizeof deep);
    put_packet(ASY_PACKET_REPLY, deep, sizeof deep);
}

/* 16 MB of empty lists: two gigabytes as a tree. */
static void send_many(void)
{
    static char many[16000005];
    memset(many, 0x90, sizeof many);
    many[0] = (char)0xdd;
    many[1] = 0;
    many[2] = (char)0xf4;
    many[3] = 0x24;
    many[4] = 0;
    put_packet(ASY_PACKET_REPLY, many, sizeof many);
}

/* Half a packet, then silence. */
static void send_half(void)
{
    const unsigned char head[] = {0, 0, 1, 0, ASY_PACKET_REPLY, 1, 2, 3};
    put(head, sizeof head);
    pause();
}

static void misbehave(const char *how)
{
    const unsigned char huge[] = {255, 255, 255, 255, ASY_PACKET_REPLY};
    const unsigned char unknown[] = {0, 0, 0, 0, 200};
    if (strcmp(how, "exit") == 0)
        _exit(3);
    if (strcmp(how, "crash") == 0) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    if (strcmp(how, "early") == 0)
        put_packet(ASY_PACKET_REPLY, "\xc0", 1);
    if (strcmp(how, "silent") == 0)
        pause();
    await(ASY_PACKET_LOAD);
    put_ready();
    if (strcmp(how, "twice") == 0)
        put_ready();
    if (strcmp(how, "unasked") == 0)
        put_packet(ASY_PACKET_LOG, "\xa1x", 2);
    await(ASY_PACKET_CALL);
    if (strcmp(how, "noise") == 0)
        send_noise();
    if (strcmp(how, "huge") == 0)
        put(huge, sizeof huge);
    if (strcmp(how, "unknown") == 0)
        put(unknown, sizeof unknown);
    if (strcmp(how, "flood") == 0)
        flood();
    if (strcmp(how, "deep") == 0)
        send_deep();
    if (strcmp(how, "many") == 0)
        send_many();
    if (strcmp(how, "broken") == 0)
        put_packet(ASY_PACKET_REPLY, "\x92\x01", 2);
    if (strcmp(how, "trailing") == 0)
        put_packet(ASY_PACKET_REPLY, "\x01\x01", 2);
    if (strcmp(how, "error") == 0)
        put_packet(ASY_PACKET_ERROR, "\x93\x01\x02\x03", 4);
    if (strcmp(how, "log") == 0)
        put_packet(ASY_PACKET_LOG, "\xa2\xff\xfe", 3);
    if (strcmp(how, "results") == 0)
        put_packet(ASY_PACKET_RESULTS, "\x90", 1);
    if (strcmp(how, "parent") == 0)
        put_packet(ASY_PACKET_CALL, "\xc0", 1);
    if (strcmp(how, "queries") == 0)
        for (;;)
            put_packet(ASY_PACKET_QUERY, "\xc0", 1);
    if (strcmp(how, "half") == 0)
        send_half();
    if (strcmp(how, "stop") == 0)
        kill(getpid(), SIGSTOP);
    if (strcmp(how, "close") == 0)
        close(ASY_RULEHOST_FD);
    if (strcmp(how, "leave") == 0)
        _exit(7);
    pause();
}

/* ---- The parent ---- */

typedef struct deed {
    const char *how, *message;
} deed;

static const deed deeds[] = {{"exit", "ended by itself (status 3)"},
                             {"crash", "crashed (signal 6)"},
                             {"early", "nobody asked for"},
                             {"silent", "did not come back"},
                             {"twice", "nobody asked for"},
                             {"noise", "broke the protocol"},
                             {"huge", "broken packet"},
                             {"unknown", "broken packet"},
                             {"flood", "broke the protocol and was killed: log"},
                             {"deep", "broke the protocol"},
                             {"many", "too many values"},
                             {"broken", "broke the protocol"},
                             {"trailing", "broke the protocol"},
                             {"error", "broke the protocol"},
                             {"log", "broke the protocol"},
                             {"results", "nobody asked for"},
                             {"parent", "nobody asked for"},
                             {"queries", "nobody asked for"},
                             {"half", "did not come back"},
                             {"stop", "did not come back"},
                             {"close", "the rule's process is gone"},
                             {"leave", "ended by itself (status 7)"}};

/* Whatever the child does: one fatal failure with a clear message, nothing stays. */
static void test_deeds(void **state)
{
    (void)state;
    int before = count_open_files();
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        talk t;
        setenv("ASSAY_DEBUG", deeds[i].how, 1);
        bool is_late = strstr(deeds[i].message, "did not come back") != NULL;
        talk_open_with(&t, "x", is_late ? &quick : &patient);
        talk_call(&t, "{\"call\":\"describe\"}");
        reply r = talk_wait(&t);
        if (!r.message || !strstr(r.message, deeds[i].message))
            fail_msg("%s: '%s' expected, got '%s'", deeds[i].how, deeds[i].message,
                     r.message ? r.message : "a reply");
        assert_true(r.fatal);
        reply_fini(&r);
        talk_call(&t, "{\"call\":\"describe\"}");
        talk_expect_failure(&t, deeds[i].message, true);
        talk_close(&t);
    }
    assert_int_equal(count_open_files(), before);
}

static size_t failed;

static void on_result(void *ctx, const asy_own_result *r)
{
    (void)ctx;
    assert_null(r->metrics);
    assert_non_null(r->message);
    failed++;
}

/* The same children given trials: every trial fails, and the run ends. */
static void test_deeds_to_trials(void **state)
{
    (void)state;
    static const char *const hows[] = {"exit", "early", "twice", "unasked", "silent"};
    int before = count_open_files();
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        asy_own *o;
        asy_own_sink sink = {.on_result = on_result};
        asy_own_trial trials[3] = {{.id = 1, .params = "{}", .params_len = 2},
                                   {.id = 2, .params = "{}", .params_len = 2},
                                   {.id = 3, .params = "{}", .params_len = 2}};
        failed = 0;
        setenv("ASSAY_DEBUG", hows[i], 1);
        assert_int_equal(
            asy_script_own.open("rule.lua", "x", 1, NULL, NULL, 1, &quick, &o), ASY_OK);
        assert_int_equal(asy_script_own.run(o, trials, 3, &sink), ASY_OK);
        assert_int_equal(failed, 3);
        asy_script_own.close(o);
    }
    assert_int_equal(count_open_files(), before);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ASY_RULEHOST_ARG) == 0) {
        misbehave(getenv("ASSAY_DEBUG"));
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_deeds),
                                       cmocka_unit_test(test_deeds_to_trials)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
