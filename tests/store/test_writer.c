/* test_writer.c - what was acknowledged is there, whatever happens: kill -9, a full
 * disk, results that come twice, many threads at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "base/log.h"

/* --- results that come twice ---------------------------------------------- */

typedef struct events {
    size_t n;
    int64_t trial;
    char kind[32];
} events;

static bool add_event(void *ctx, const asy_row_event *e)
{
    events *l = ctx;
    l->n++;
    l->trial = e->trial;
    snprintf(l->kind, sizeof l->kind, "%s", e->kind);
    return true;
}

static bool keep_score(void *ctx, const asy_row_trial *t)
{
    *(double *)ctx = t->score;
    return true;
}

static void first_result_wins(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 2, &session);
    asy_row_trial end = an_end(1, 0.5);
    asy_store_end_trial(s, &end, "first", 5, NULL, NULL);
    asy_store_end_trial(s, &end, "first", 5, NULL, NULL); /* a repeat: equal */
    end.seconds = 99; /* may differ; is not a result */
    asy_store_end_trial(s, &end, NULL, 0, NULL, NULL);
    must(asy_store_flush(s));
    assert_int_equal(asy_store_duplicates(s), 2);
    events l = {0};
    must(asy_store_events(s, add_event, &l));
    assert_int_equal(l.n, 0);
    end.score = 0.6; /* another result of the same trial */
    asy_store_end_trial(s, &end, "second", 6, NULL, NULL);
    end.state = ASY_TRIAL_CANCELLED; /* too late, and no second result */
    asy_store_end_trial(s, &end, NULL, 0, NULL, NULL);
    must(asy_store_flush(s));
    assert_int_equal(asy_store_duplicates(s), 4);
    must(asy_store_events(s, add_event, &l));
    assert_int_equal(l.n, 1);
    assert_int_equal(l.trial, 1);
    assert_string_equal(l.kind, "differs");
    double score = 0;
    must(asy_store_trial(s, 1, keep_score, &score));
    assert_true(score == 0.5);
    asy_buf curve = {0};
    must(asy_store_curve(s, 1, &curve));
    assert_string_equal(asy_buf_text(&curve), "first");
    asy_buf_fini(&curve);
    asy_store_close(s);
}

/* --- operations that are wrong -------------------------------------------- */

typedef struct verdict {
    asy_err err;
    int calls;
    char message[256];
} verdict;

static void keep_verdict(void *ctx, asy_err err)
{
    verdict *v = ctx;
    v->err = err;
    v->calls++;
    snprintf(v->message, sizeof v->message, "%s", err ? asy_errmsg() : "");
}

static void wrong_operation_fails_alone(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 2, &session);
    verdict none = {0}, open = {0}, good = {0}, twice = {0}, lost = {0}, empty = {0};
    asy_row_trial end = an_end(1, 0.5), missing = an_end(99, 0.5),
                  running = an_end(2, 0);
    running.state = ASY_TRIAL_RUNNING;
    asy_row_session unknown = {.id = 99};
    asy_hash specs = a_key(1);
    int64_t id = asy_store_next_trial(s, 2);
    asy_row_trial rows[2] = {a_trial(id, session, 3), a_trial(id + 1, session, 1)};
    asy_store_end_trial(s, &missing, NULL, 0, keep_verdict, &none);
    asy_store_end_trial(s, &running, NULL, 0, keep_verdict, &open);
    asy_store_end_trial(s, &end, NULL, 0, keep_verdict, &good);
    asy_store_scatter(s, session, 2, &specs, 0, rows, 2, keep_verdict, &twice);
    asy_store_put_session(s, &unknown, keep_verdict, &lost);
    asy_store_scatter(s, session, 3, &specs, 0, NULL, 0, keep_verdict, &empty);
    must(asy_store_flush(s));
    assert_int_equal(none.err, ASY_EARG);
    assert_string_equal(none.message, "trial 99: there is none");
    assert_int_equal(open.err, ASY_EARG);
    assert_int_equal(good.err, ASY_OK);
    assert_int_equal(twice.err,
                     ASY_EARG); /* number 1 is taken: nothing of it is kept */
    assert_int_equal(lost.err, ASY_EARG);
    assert_int_equal(empty.err, ASY_OK);
    assert_int_equal(none.calls + open.calls + good.calls + twice.calls + lost.calls +
                         empty.calls,
                     6);
    assert_int_equal(count_trials(s, 0), 2);
    asy_row_scatter row;
    must(asy_store_find_scatter(s, session, 2, &row));
    assert_int_equal(row.n, 0);
    asy_store_scatter(s, session, 2, &specs, 0, rows, 1, keep_verdict, &twice);
    must(asy_store_flush(s));
    assert_int_equal(twice.err, ASY_OK);
    must(asy_store_health(s));
    asy_store_close(s);
}

static void trials_need_a_session(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 1, &session);
    verdict v = {0};
    asy_row_trial row = a_trial(2, session + 1, 1);
    asy_hash specs = a_key(1);
    asy_store_scatter(s, session + 1, 1, &specs, 0, &row, 1, keep_verdict, &v);
    must(asy_store_flush(s));
    assert_int_equal(v.err, ASY_EARG);
    asy_store_close(s);
}

/* --- kill -9 -------------------------------------------------------------- */

static void report_id(void *ctx, asy_err err)
{
    int64_t id = (int64_t)(intptr_t)ctx;
    if (err || write(3, &id, sizeof id) != sizeof id)
        _exit(3);
}

/* Ends trial after trial, telling each acknowledgement to the parent, until it is
 * killed. */
static void write_until_killed(const char *folder)
{
    asy_store *s;
    if (asy_store_open(folder, &s))
        _exit(2);
    asy_row_session row = a_session("killed");
    int64_t session, first;
    enum { N = 2000 };
    if (asy_store_new_session(s, &row, &session))
        _exit(2);
    for (int64_t seq = 1;; seq++) {
        asy_row_trial rows[N];
        first = asy_store_next_trial(s, N);
        for (int64_t i = 0; i < N; i++)
            rows[i] = a_trial(first + i, session, (seq - 1) * N + i + 1);
        asy_hash specs = a_key((uint64_t)seq);
        asy_store_scatter(s, session, seq, &specs, 0, rows, N, NULL, NULL);
        for (int64_t i = first; i < first + N; i++) {
            asy_row_trial end = an_end(i, (double)i);
            asy_store_end_trial(s, &end, "curve", 5, report_id, (void *)(intptr_t)i);
        }
        asy_store_flush(s);
    }
}

/* Starts a writer, kills it after `ms`; returns how many ids it had acknowledged. */
static size_t kill_a_writer(const char *folder, uint32_t ms, int64_t *ids, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 3);
        write_until_killed(folder);
    }
    close(ends[1]);
    size_t n = 0;
    if (read(ends[0], &ids[n], sizeof *ids) == sizeof *ids) /* it has begun */
        n++;
    uint64_t until = asy_now_ms() + ms;
    while (n < room && asy_now_ms() < until && read(ends[0], &ids[n], 8) == 8)
        n++;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (n < room && read(ends[0], &ids[n], sizeof *ids) == sizeof *ids)
        n++;
    close(ends[0]);
    return n;
}

static bool expect_done(void *ctx, const asy_row_trial *t)
{
    ++*(size_t *)ctx;
    assert_int_equal(t->state, ASY_TRIAL_DONE);
    assert_true(t->score == (double)t->id);
    return true;
}

static void acknowledged_results_survive_kill(void **state)
{
    enum { ROOM = 1 << 20 };
    int64_t *ids = asy_alloc(ROOM, sizeof *ids);
    for (uint32_t round = 0; round < 3; round++) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%u", (const char *)*state, round);
        size_t n = kill_a_writer(folder, 30 + 150 * round, ids, ROOM);
        assert_true(n > 0);
        asy_store *s;
        must(asy_store_open(folder, &s));
        assert_int_equal(asy_store_epoch(s), 2);
        size_t found = 0;
        for (size_t i = 0; i < n; i++)
            must(asy_store_trial(s, ids[i], expect_done, &found));
        assert_int_equal(found, n);
        size_t all = count_trials(s, 0); /* whole scatters only */
        assert_int_equal(all % 2000, 0);
        assert_true(asy_store_next_trial(s, 1) == (int64_t)all + 1);
        asy_store_close(s);
    }
    asy_free(ids);
}

/* --- a disk that fails ---------------------------------------------------- */

static void ignore_log(void *ctx, asy_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void count_ack(void *ctx, asy_err err)
{
    if (!err)
        atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void queue_ends(asy_store *s, int64_t from, int64_t to, atomic_uint *acked)
{
    static const char curve[1000];
    for (int64_t i = from; i <= to; i++) {
        asy_row_trial end = an_end(i, 0.5);
        asy_store_end_trial(s, &end, curve, sizeof curve, count_ack, acked);
    }
}

static bool wait_until_sick(asy_store *s)
{
    for (int i = 0; i < 5000 && asy_store_health(s) == ASY_OK; i++)
        asy_sleep_ms(1);
    return asy_store_health(s) != ASY_OK;
}

static void full_disk_keeps_the_batch(void **state)
{
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    signal(SIGXFSZ, SIG_IGN);
    enum { N = 3000 };
    int64_t session;
    asy_store *s = store_with(*state, N, &session);
    atomic_uint acked = 0;
    set_file_limit(1 << 20); /* the log may grow to 1 MiB: less than what comes */
    queue_ends(s, 1, N, &acked);
    assert_true(wait_until_sick(s));
    assert_true(atomic_load(&acked) < N);
    size_t seen = count_trials(s, 1 << ASY_TRIAL_DONE); /* readers go on meanwhile */
    assert_true(seen < N);
    set_file_limit(RLIM_INFINITY);
    must(asy_store_flush(s));
    must(asy_store_health(s));
    assert_int_equal(atomic_load(&acked), N);
    assert_int_equal(count_trials(s, 1 << ASY_TRIAL_DONE), N);
    assert_int_equal(asy_store_duplicates(s), 0); /* tries are not counted */
    asy_store_close(s);
    asy_log_set(NULL, NULL, ASY_WARN);
}

/* The real thing, where this process may mount: ENOSPC instead of EFBIG. */
static void full_file_system_keeps_the_batch(void **state)
{
    char command[4096];
    const char *folder = *state;
    snprintf(command, sizeof command, "mount -t tmpfs -o size=2m none '%s' 2>/dev/null",
             folder);
    if (geteuid() != 0 || system(command) != 0)
        skip();
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    enum { N = 3000 };
    int64_t session;
    asy_store *s = store_with(folder, N, &session);
    atomic_uint acked = 0;
    queue_ends(s, 1, N, &acked);
    bool is_sick = wait_until_sick(s);
    char message[256];
    snprintf(message, sizeof message, "%s", asy_errmsg());
    snprintf(command, sizeof command, "mount -o remount,size=64m '%s'", folder);
    int grown = system(command);
    asy_err err = asy_store_flush(s);
    size_t done = count_trials(s, 1 << ASY_TRIAL_DONE);
    asy_store_close(s);
    snprintf(command, sizeof command, "umount '%s'", folder);
    int unmounted = system(command); /* before anything may fail this test */
    asy_log_set(NULL, NULL, ASY_WARN);
    assert_true(is_sick);
    assert_non_null(strstr(message, "full"));
    assert_int_equal(grown, 0);
    assert_int_equal(err, ASY_OK);
    assert_int_equal(done, N);
    assert_int_equal(atomic_load(&acked), N);
    assert_int_equal(unmounted, 0);
}

static void closing_gives_up_in_the_end(void **state)
{
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    signal(SIGXFSZ, SIG_IGN);
    int64_t session;
    asy_store *s = store_with(*state, 1, &session);
    verdict v = {0};
    set_file_limit(4096);
    asy_row_trial end = an_end(1, 0.5);
    asy_store_end_trial(s, &end, NULL, 0, keep_verdict, &v);
    assert_true(wait_until_sick(s));
    uint64_t before = asy_now_ms();
    asy_store_close(s);
    set_file_limit(RLIM_INFINITY);
    assert_true(asy_now_ms() - before < 10000);
    assert_int_equal(v.calls, 1);
    assert_int_equal(v.err, ASY_EIO);
    assert_non_null(strstr(v.message, "closed"));
    must(asy_store_open(*state, &s)); /* and the store is sound */
    assert_int_equal(count_trials(s, 1 << ASY_TRIAL_QUEUED), 1);
    asy_store_close(s);
    asy_log_set(NULL, NULL, ASY_WARN);
}

/* --- two hosts on one store, in spite of the lock ------------------------- */

static void earlier_host_is_shut_out(void **state)
{
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    int64_t session;
    asy_store *s = store_with(*state, 1, &session);
    char *path = asy_path_join(*state, "assay.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    const char *raise = "UPDATE meta SET v = v + 1 WHERE k = 'epoch'";
    assert_int_equal(sqlite3_exec(db, raise, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    asy_free(path);
    verdict v = {0};
    asy_row_trial end = an_end(1, 0.5);
    asy_store_end_trial(s, &end, NULL, 0, keep_verdict, &v);
    assert_int_equal(asy_store_flush(s), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "another host"));
    assert_int_equal(v.err, ASY_EIO);
    assert_int_equal(asy_store_health(s), ASY_EIO);
    assert_int_equal(count_trials(s, 1 << ASY_TRIAL_QUEUED), 1);
    asy_store_close(s);
    asy_log_set(NULL, NULL, ASY_WARN);
}

/* --- many at once --------------------------------------------------------- */

typedef struct crowd {
    asy_store *s;
    atomic_int_least64_t next;
    int64_t last;
    atomic_uint acked;
    atomic_bool is_over;
} crowd;

static void *end_some(void *arg)
{
    crowd *c = arg;
    int64_t id;
    while ((id = atomic_fetch_add(&c->next, 1)) <= c->last) {
        asy_row_trial end = an_end(id, (double)id);
        asy_store_end_trial(c->s, &end, "c", 1, count_ack, &c->acked);
    }
    return NULL;
}

static void *read_on(void *arg)
{
    crowd *c = arg;
    size_t before = 0;
    while (!atomic_load(&c->is_over)) {
        size_t now = count_trials(c->s, 1 << ASY_TRIAL_DONE);
        assert_true(now >= before); /* what is committed stays */
        before = now;
        asy_sleep_ms(1);
    }
    return NULL;
}

static void fifty_thousand_rows_under_readers(void **state)
{
    enum { N = 50000, WRITERS = 3, READERS = 2 };
    int64_t session;
    crowd c = {.s = store_with(*state, N, &session), .next = 1, .last = N};
    pthread_t writers[WRITERS], readers[READERS];
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, &c);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, end_some, &c);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    must(asy_store_flush(c.s));
    atomic_store(&c.is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&c.acked), N);
    size_t done = 0;
    asy_trial_query q = {.session = session};
    must(asy_store_trials(c.s, &q, expect_done, &done));
    assert_int_equal(done, N);
    assert_int_equal(asy_store_duplicates(c.s), 0);
    asy_store_close(c.s);
}

#define store_test(name)                                                               \
    cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(first_result_wins),
        store_test(wrong_operation_fails_alone),
        store_test(trials_need_a_session),
        store_test(acknowledged_results_survive_kill),
        store_test(full_disk_keeps_the_batch),
        store_test(full_file_system_keeps_the_batch),
        store_test(closing_gives_up_in_the_end),
        store_test(earlier_host_is_shut_out),
        store_test(fifty_thousand_rows_under_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
