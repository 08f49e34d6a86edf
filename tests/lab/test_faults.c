/* test_faults.c - the real program under kills, stops, a full disk, a second host and
 * strangers on its port. Every trial ends exactly once, with the result that its
 * parameters and seed determine, and what was recorded once never changes.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/rng.h"
#include "fake.h"
#include "honest.h"
#include "nemesis.h"
#include "net/link.h"

#define must(call)                                                                     \
    do {                                                                               \
        asy_err must_err = (call);                                                     \
        if (must_err)                                                                  \
            fail_msg("%s: %s", #call, asy_errmsg());                                   \
    } while (0)

enum { MOST_TRIALS = 4096 };

/* --- checking what is recorded -------------------------------------------- */

typedef struct ledger {
    double score[MOST_TRIALS]; /* by number; 0: not done */
    size_t done, others;
    size_t differences; /* second results that were another, and were dropped */
    int64_t last;
} ledger;

static bool check_trial(void *ctx, const asy_row_trial *t)
{
    ledger *l = ctx;
    assert_int_equal(t->number, l->last + 1); /* none is missing, none comes twice */
    l->last = t->number;
    assert_in_range(t->number, 1, MOST_TRIALS - 1);
    if (t->state != ASY_TRIAL_DONE) {
        assert_int_equal(t->state, ASY_TRIAL_QUEUED);
        l->others++;
        return true;
    }
    json_t *params;
    int64_t x, steps;
    must(asy_json_parse(t->params, strlen(t->params), &params));
    must(asy_json_get_int(params, "params", "x", -1, &x));
    must(asy_json_get_int(params, "params", "steps", -1, &steps));
    json_decref(params);
    assert_true(t->score == honest_score(x, steps));
    l->score[t->number] = t->score;
    l->done++;
    return true;
}

static bool count_difference(void *ctx, const asy_row_event *e)
{
    *(size_t *)ctx += strcmp(e->kind, "differs") == 0;
    return true;
}

/* Every row is right; with `done`, all of them are done and there are so many. */
static ledger *check_store(const nemesis *n, size_t done)
{
    ledger *l = asy_alloc(1, sizeof *l);
    char *path = nemesis_path(n, "store");
    asy_store *s;
    must(asy_store_open_read(path, &s));
    must(asy_store_trials(s, &(asy_trial_query){0}, check_trial, l));
    must(asy_store_events(s, count_difference, &l->differences));
    asy_store_close(s);
    asy_free(path);
    if (done) {
        assert_int_equal(l->done, done);
        assert_int_equal(l->others, 0);
    }
    return l;
}

/* What was recorded before a kill is recorded after it, with the same value. */
static void check_nothing_lost(const ledger *before, const ledger *after)
{
    assert_true(after->done >= before->done);
    for (int i = 0; i < MOST_TRIALS; i++)
        if (before->score[i] != 0)
            assert_true(before->score[i] == after->score[i]);
}

static void check_ends_well(nemesis *n, program *p, size_t trials, bool has_liar)
{
    nemesis_expect(p, 0);
    json_t *answer = nemesis_answer(p);
    json_t *counts = json_object_get(answer, "trials");
    assert_int_equal(json_integer_value(json_object_get(counts, "done")), trials);
    assert_int_equal(json_integer_value(json_object_get(counts, "failed")), 0);
    json_decref(answer);
    ledger *l = check_store(n, trials);
    assert_int_equal(l->differences > 0, has_liar);
    asy_free(l);
}

/* --- workers die ---------------------------------------------------------- */

/* Kills one worker after another, a kill every `every_ms`, until the program ends. */
static unsigned kill_workers(const program *p, unsigned most, uint32_t every_ms)
{
    unsigned kills = 0;
    asy_rng r = asy_rng_open(asy_rng_key(1, 1), ASY_STREAM_RULE, 0);
    while (kills < most && nemesis_is_running(p)) {
        pid_t pids[16];
        size_t n = nemesis_workers(p, pids, 16);
        if (n > 0 && kill(pids[asy_rng_below(&r, n)], SIGKILL) == 0)
            kills++;
        asy_sleep_ms(every_ms);
    }
    return kills;
}

static void killed_workers_cost_time_only(void **state)
{
    nemesis *n = *state;
    program p = nemesis_run(n, 1000, 4, NULL);
    nemesis_wait_done(n, &p, 20);
    unsigned kills = kill_workers(&p, 12, 200);
    assert_true(kills > 0);
    check_ends_well(n, &p, 1000, false);
    assert_true(nemesis_has_said(&p, "killed by signal 9"));
    nemesis_free(&p);
}

/* The digest of a session of designs; kills workers meanwhile when told to. */
static char *digest_of(void **state, uint32_t workers, bool with_kills)
{
    nemesis *n = *state;
    char count[16];
    snprintf(count, sizeof count, "%u", workers);
    const char *const args[] = {"run",      ASY_SOURCE_DIR "/rules/best_design.lua",
                                "--data",   ASY_SOURCE_DIR "/tests/fixtures/iris.csv",
                                "--label",  "Species",
                                "--trials", "60",
                                "--set",    "epochs=10",
                                "--seed",   "7",
                                "--fresh",  "--workers",
                                count,      "--json",
                                NULL};
    program p = nemesis_start(n, args);
    if (with_kills)
        kill_workers(&p, 5, 300);
    nemesis_expect(&p, 0);
    json_t *answer = nemesis_answer(&p);
    json_t *counts = json_object_get(answer, "trials");
    assert_int_equal(json_integer_value(json_object_get(counts, "done")), 60);
    char *digest = asy_strdup(json_string_value(json_object_get(answer, "digest")));
    assert_int_equal(strlen(digest), 64);
    json_decref(answer);
    nemesis_free(&p);
    return digest;
}

static void digest_is_the_same_whatever_happens(void **state)
{
    char *one = digest_of(state, 1, false);
    char *others[] = {digest_of(state, 2, false), digest_of(state, 8, false),
                      digest_of(state, 3, true)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_string_equal(others[i], one);
        asy_free(others[i]);
    }
    asy_free(one);
}

/* --- the host dies -------------------------------------------------------- */

static uint64_t epoch_of(const nemesis *n)
{
    char *path = nemesis_path(n, "store");
    asy_store *s;
    must(asy_store_open(path, &s));
    uint64_t epoch = asy_store_epoch(s);
    asy_store_close(s);
    asy_free(path);
    return epoch;
}

/* No process may outlive its host for long. */
static void check_no_orphans(const pid_t *pids, size_t n)
{
    uint64_t end = asy_now_ms() + 10000;
    for (size_t i = 0; i < n; i++) {
        while (nemesis_is_alive(pids[i]) && asy_now_ms() < end)
            asy_sleep_ms(10);
        assert_false(nemesis_is_alive(pids[i]));
    }
}

static void killed_host_is_resumed(void **state)
{
    enum { TRIALS = 1200, KILLS = 3 };
    nemesis *n = *state;
    program p = nemesis_run(n, TRIALS, 2, NULL);
    uint64_t epoch = 0;
    for (int i = 1; i <= KILLS; i++) {
        nemesis_wait_done(n, &p, (size_t)(i * TRIALS / (KILLS + 2)));
        assert_true(nemesis_is_running(&p));
        pid_t pids[8];
        size_t workers = nemesis_workers(&p, pids, 8);
        nemesis_kill(&p);
        ledger *before = check_store(n, 0);
        check_no_orphans(pids, workers);
        uint64_t now = epoch_of(n); /* opens it as a host would */
        assert_true(now > epoch);
        epoch = now;
        nemesis_free(&p);
        p = nemesis_resume(n, 2);
        nemesis_wait_done(n, &p, before->done + 1);
        ledger *after = check_store(n, 0);
        check_nothing_lost(before, after);
        asy_free(before);
        asy_free(after);
    }
    check_ends_well(n, &p, TRIALS, false); /* the rule itself saw each result once */
    nemesis_free(&p);
}

/* --- acknowledged means durable ------------------------------------------- */

static bool check_entry(void *ctx, const asy_row_trial *t)
{
    const honest_entry *e = ctx;
    assert_int_equal(t->id, e->trial);
    assert_int_equal(t->state, ASY_TRIAL_DONE);
    assert_true(t->score == e->score);
    return true;
}

static void check_ledger(const nemesis *n, honest *h)
{
    char *path = nemesis_path(n, "store");
    asy_store *s;
    must(asy_store_open_read(path, &s));
    for (unsigned i = 0; i < atomic_load(&h->acked); i++)
        must(asy_store_trial(s, h->ledger[i].trial, check_entry, &h->ledger[i]));
    asy_store_close(s);
    asy_free(path);
}

/* A worker of our own notes which results were acknowledged, and tries to overwrite
 * them with wrong ones; the host is killed while both talk. */
static void acknowledged_results_outlive_the_host(void **state)
{
    nemesis *n = *state;
    program p = nemesis_run(n, 2000, 1, NULL);
    nemesis_wait_done(n, &p, 1);
    char url[64], *token = nemesis_path(n, "store/token");
    nemesis_url(&p, url, sizeof url);
    honest *h = asy_alloc(1, sizeof *h);
    h->url = url;
    h->token_file = token;
    pthread_t thread;
    pthread_create(&thread, NULL, honest_main, h);
    while (atomic_load(&h->acked) < 200 && nemesis_is_running(&p))
        asy_sleep_ms(1);
    nemesis_kill(&p);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&h->acked) >= 200);
    assert_true(h->has_order);
    check_ledger(n, h);
    nemesis_free(&p);
    p = nemesis_resume(n, 2);
    check_ends_well(n, &p, 2000, true);
    check_ledger(n, h);
    nemesis_free(&p);
    asy_free(h);
    asy_free(token);
}

/* --- a worker sleeps longer than its lease -------------------------------- */

typedef struct sleeper {
    asy_host *host;
    int stops;
} sleeper;

/* Stops a worker of this process' host for two leases, then lets it go on: its results
 * come late, for trials that others have done. */
static void *stop_and_go(void *arg)
{
    sleeper *s = arg;
    program self = {.pid = getpid()};
    pid_t pids[8];
    for (int i = 0; i < 500 && nemesis_workers(&self, pids, 8) < 2; i++)
        asy_sleep_ms(10);
    asy_sleep_ms(500);
    if (nemesis_workers(&self, pids, 8) > 0 && kill(pids[0], SIGSTOP) == 0) {
        asy_sleep_ms(2600); /* a lease is 1,200 ms here */
        s->stops += kill(pids[0], SIGCONT) == 0;
    }
    return NULL;
}

static void sleeping_worker_comes_too_late(void **state)
{
    (void)state;
    char *folder = fake_folder();
    asy_host *h;
    int64_t session;
    must(fake_host(folder, 2, &h));
    must(fake_start(h, "{\"n\": 500, \"own\": true, \"params\": {\"sleep\": 0.015}}", 3,
                    &session));
    sleeper s = {.host = h};
    pthread_t thread;
    pthread_create(&thread, NULL, stop_and_go, &s);
    must(asy_host_run(h, NULL));
    pthread_join(thread, NULL);
    fake_row row = fake_session(asy_host_store(h), session);
    assert_int_equal(s.stops, 1);
    assert_string_equal(row.error, "");
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 500);
    assert_int_equal(row.trials, 500);
    size_t differences = 0;
    must(asy_store_events(asy_host_store(h), count_difference, &differences));
    assert_int_equal(differences, 0);
    asy_host_close(h);
    fake_folder_free(folder);
}

/* --- two hosts ------------------------------------------------------------ */

static void second_host_is_refused(void **state)
{
    nemesis *n = *state;
    program first = nemesis_run(n, 400, 2, NULL);
    nemesis_wait_done(n, &first, 1);
    program second = nemesis_run(n, 4, 1, NULL);
    nemesis_expect(&second, 1);
    char pid[64];
    snprintf(pid, sizeof pid, "in use by process %ld", (long)first.pid);
    assert_true(nemesis_has_said(&second, pid));
    nemesis_free(&second);
    check_ends_well(n, &first, 400, false);
    nemesis_free(&first);
}

/* --- a full disk ---------------------------------------------------------- */

static void set_file_limit(const program *p, rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    assert_int_equal(prlimit(p->pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void full_disk_is_waited_out(void **state)
{
    nemesis *n = *state;
    program p = nemesis_run(n, 1000, 2, NULL);
    nemesis_wait_done(n, &p, 50);
    set_file_limit(&p, 1); /* no file may grow */
    asy_sleep_ms(1500);
    size_t stuck = nemesis_count(n, 1 << ASY_TRIAL_DONE);
    assert_true(nemesis_is_running(&p));
    asy_sleep_ms(500);
    assert_int_equal(nemesis_count(n, 1 << ASY_TRIAL_DONE), stuck);
    assert_true(stuck < 1000);
    set_file_limit(&p, RLIM_INFINITY);
    check_ends_well(n, &p, 1000, false);
    nemesis_free(&p);
}

/* --- strangers on the port ------------------------------------------------ */

/* A body that is MessagePack more often than not, with the keys that a host looks for.
 */
static void put_random_value(asy_buf *b, asy_rng *r, int depth)
{
    static const char *const words[] = {
        "ticket", "token", "held",    "done", "want", "seen",  "running", "hash",
        "offset", "name",  "reports", "pid",  "mean", "build", "slots"};
    switch (asy_rng_below(r, depth > 3 ? 6 : 8)) {
    case 0: asy_pack_nil(b); break;
    case 1: asy_pack_int(b, (int64_t)asy_rng_u64(r)); break;
    case 2: asy_pack_real(b, asy_rng_normal(r) * 1e300); break;
    case 3: asy_pack_text(b, words[asy_rng_below(r, 15)]); break;
    case 4: asy_pack_bin(b, words, 16 * asy_rng_below(r, 3)); break;
    case 5: asy_pack_uint(b, asy_rng_below(r, 3)); break;
    case 6: {
        uint32_t n = (uint32_t)asy_rng_below(r, 5);
        asy_pack_array(b, n + (asy_rng_below(r, 20) == 0));
        while (n--)
            put_random_value(b, r, depth + 1);
        break;
    }
    default: {
        uint32_t n = 1 + (uint32_t)asy_rng_below(r, 5);
        asy_pack_map(b, n);
        while (n--) {
            asy_pack_text(b, words[asy_rng_below(r, 15)]);
            put_random_value(b, r, depth + 1);
        }
    }
    }
}

static void put_random_body(asy_buf *b, asy_rng *r, const void *ticket)
{
    static const char *const lists[] = {"held", "running", "done", "reports"};
    asy_pack_map(b, 3);
    asy_pack_text(b, "ticket");
    asy_pack_bin(b, ticket, ASY_TICKET);
    for (int i = 0; i < 2; i++) {
        asy_pack_text(b, lists[asy_rng_below(r, 4)]);
        put_random_value(b, r, 0);
    }
    for (uint64_t n = asy_rng_below(r, 3); n > 0; n--)
        b->data[asy_rng_below(r, b->len)] = (char)asy_rng_u32(r);
    if (asy_rng_below(r, 4) == 0)
        b->len = (size_t)asy_rng_below(r, b->len);
}

/* Without the token nothing but a refusal may come back. */
static void pester(const char *url, int calls)
{
    static const uint8_t types[] = {ASY_HELLO, ASY_WORK,     ASY_BEAT, ASY_DATA_META,
                                    ASY_BYE,   ASY_DATA_GET, ASY_LOG};
    asy_rng r = asy_rng_open(asy_rng_key(9, 9), ASY_STREAM_RULE, 0);
    asy_link_config config = {.url = url, .incarnation = 1, .contexts = 1};
    asy_link *l;
    must(asy_link_open(&config, &l));
    for (int i = 0; i < calls; i++) {
        asy_buf body = {0};
        asy_frame reply;
        put_random_body(&body, &r, "0123456789abcdef");
        must(asy_link_call(l, 0, types[asy_rng_below(&r, 7)], &body, 5000, 20000,
                           &reply));
        assert_int_equal(reply.type, ASY_REJECT);
        asy_buf_fini(&body);
    }
    asy_link_close(l);
}

/* With token and ticket: the host answers or not, but it believes nothing. */
static void pester_inside(const char *url, const char *token, int calls)
{
    static const uint8_t types[] = {ASY_WORK, ASY_BEAT, ASY_DATA_META, ASY_DATA_GET};
    asy_rng r = asy_rng_open(asy_rng_key(7, 7), ASY_STREAM_RULE, 0);
    asy_link_config config = {.url = url, .incarnation = 3, .contexts = 1};
    uint8_t ticket[ASY_TICKET];
    uint64_t epoch;
    asy_frame reply;
    asy_link *l;
    must(asy_link_open(&config, &l));
    must(honest_hello(l, token, ticket, &epoch));
    for (int i = 0; i < calls; i++) {
        asy_buf body = {0};
        put_random_body(&body, &r, ticket);
        asy_link_call(l, 0, types[asy_rng_below(&r, 4)], &body, 500, 500, &reply);
        asy_buf_fini(&body);
    }
    asy_buf bye = {0}; /* what it was lent goes back at once */
    asy_pack_map(&bye, 1);
    asy_pack_text(&bye, "ticket");
    asy_pack_bin(&bye, ticket, sizeof ticket);
    must(asy_link_call(l, 0, ASY_BYE, &bye, 5000, 20000, &reply));
    assert_int_equal(reply.type, ASY_DONE);
    asy_buf_fini(&bye);
    asy_link_close(l);
}

static void strangers_change_nothing(void **state)
{
    nemesis *n = *state;
    program p = nemesis_run(n, 2400, 2, NULL);
    nemesis_wait_done(n, &p, 1);
    char url[64];
    nemesis_url(&p, url, sizeof url);
    assert_string_not_equal(url, "");
    pester(url, 400);
    char *token = nemesis_path(n, "store/token");
    if (nemesis_is_running(&p))
        pester_inside(url, token, 300);
    asy_free(token);
    check_ends_well(n, &p, 2400, false);
    nemesis_free(&p);
}

/* FIN and RST in the greeting: what ends the accept loop of NNG 1.5.2. */
static void scan(const char *url)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        shutdown(fd, SHUT_WR);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static size_t count_files(const program *p)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)p->pid);
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* A stranger's own word with the host: true when it answers at all. */
static bool is_answered(const char *url)
{
    asy_frame reply;
    asy_link *l;
    asy_link_config config = {.url = url, .incarnation = 2, .contexts = 1};
    must(asy_link_open(&config, &l));
    asy_err err = asy_link_call(l, 0, ASY_BEAT, NULL, 1000, 2000, &reply);
    asy_link_close(l);
    return err == ASY_OK;
}

/* When the scan ended NNG's accept loop the host must open another door, and the
 * workers that it starts from then on must find it. The strangers' connections must not
 * stay. */
static void scanned_host_takes_new_workers(void **state)
{
    enum { SCANS = 60 };
    nemesis *n = *state;
    program p = nemesis_run(n, 1000, 2, NULL);
    nemesis_wait_done(n, &p, 10);
    char url[64];
    nemesis_url(&p, url, sizeof url);
    assert_string_not_equal(url, "");
    size_t files = count_files(&p);
    for (int i = 0; i < SCANS; i++)
        scan(url);
    bool has_died = !is_answered(url);
    for (int i = 0; i < 300 && has_died && !nemesis_has_said(&p, "listening on"); i++)
        asy_sleep_ms(50);
    pid_t pids[8];
    for (size_t i = nemesis_workers(&p, pids, 8); i > 0; i--)
        kill(pids[i - 1], SIGKILL);
    assert_true(count_files(&p) < files + SCANS / 2);
    check_ends_well(n, &p, 1000, false);
    nemesis_free(&p);
}

#define fault_test(name)                                                               \
    cmocka_unit_test_setup_teardown(name, nemesis_open, nemesis_close)

int main(int argc, char **argv)
{
    int status = fake_worker_main(argc, argv);
    if (status >= 0)
        return status;
    const struct CMUnitTest tests[] = {
        fault_test(killed_workers_cost_time_only),
        fault_test(digest_is_the_same_whatever_happens),
        fault_test(killed_host_is_resumed),
        fault_test(acknowledged_results_outlive_the_host),
        fault_test(sleeping_worker_comes_too_late),
        fault_test(second_host_is_refused),
        fault_test(full_disk_is_waited_out),
        fault_test(strangers_change_nothing),
        fault_test(scanned_host_takes_new_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
