/* test_link.c - requests arrive, replies return, whatever happens to the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/echo.h"
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include "base/log.h"
#include "base/pack.h"

static const char any_port[] = "tcp://127.0.0.1:0";

static void request_and_reply_carry_every_field(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 2);
    asy_link_set_epoch(l, 5);
    asy_link_set_last_work(l, 6);
    asy_frame reply;
    asy_buf body = {0};
    asy_buf_puts(&body, "hello");
    must(asy_link_call(l, 1, ASY_BEAT, &body, 1000, 5000, &reply));
    assert_int_equal(reply.type, ASY_TASKS);
    assert_int_equal(reply.epoch, echo_epoch);
    assert_int_equal(reply.incarnation, 99);
    assert_int_equal(reply.worker[15], 0xab);
    assert_int_equal(reply.seq, 1);
    assert_int_equal(reply.flags, 1);
    assert_int_equal(reply.last_work, 6);
    assert_memory_equal(reply.body, "hello", 5);
    must(asy_link_call(l, 1, ASY_BEAT, NULL, 1000, 5000, &reply));
    assert_int_equal(reply.seq, 2);
    assert_int_equal(reply.body_len, 0);
    must(asy_link_call(l, 0, ASY_WORK, NULL, 1000, 5000, &reply));
    assert_int_equal(reply.seq, 1); /* counted per context */
    asy_buf_fini(&body);
    asy_link_close(l);
    echo_stop(e);
}

typedef struct caller {
    asy_link *link;
    uint32_t context;
    uint32_t calls;
    uint32_t wrong;
} caller;

static void *call_many(void *arg)
{
    caller *c = arg;
    for (uint32_t i = 0; i < c->calls; i++) {
        asy_buf body = {0};
        asy_buf_printf(&body, "%u of %u", i, c->context);
        asy_frame reply;
        if (asy_link_call(c->link, c->context, ASY_WORK, &body, 5000, 20000, &reply) ||
            reply.body_len != body.len || memcmp(reply.body, body.data, body.len) != 0)
            c->wrong++;
        asy_buf_fini(&body);
    }
    return NULL;
}

static void ten_thousand_requests_over_four_contexts(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 4);
    pthread_t threads[4];
    caller callers[4];
    for (uint32_t i = 0; i < 4; i++) {
        callers[i] = (caller){.link = l, .context = i, .calls = 2500};
        pthread_create(&threads[i], NULL, call_many, &callers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
    assert_int_equal(atomic_load(&e->requests), 10000);
    asy_link_close(l);
    echo_stop(e);
}

static void largest_body_passes_and_larger_is_refused(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    asy_buf body = {0};
    size_t most = ASY_FRAME_LIMIT - ASY_FRAME_HEADER;
    memset(asy_buf_reserve(&body, most), 'x', most);
    body.len = most;
    asy_frame reply;
    must(asy_link_call(l, 0, ASY_WORK, &body, 5000, 10000, &reply));
    assert_int_equal(reply.body_len, most);
    asy_buf_putc(&body, 'x');
    assert_int_equal(asy_link_call(l, 0, ASY_WORK, &body, 5000, 10000, &reply),
                     ASY_EARG);
    assert_null(reply.body);
    assert_int_equal(asy_link_call(l, 1, ASY_WORK, NULL, 5000, 10000, &reply),
                     ASY_EARG);
    assert_int_equal(atomic_load(&e->requests), 1);
    asy_buf_fini(&body);
    ping(l, "still here", 5000);
    asy_link_close(l);
    echo_stop(e);
}

static void ignore_log(void *ctx, asy_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

/* It would cost the connection, again and again; a refusal costs the request only. */
static void reply_over_the_limit_becomes_a_refusal(void **state)
{
    (void)state;
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    atomic_store(&e->is_gross, true);
    asy_frame reply;
    must(asy_link_call(l, 0, ASY_WORK, NULL, 5000, 10000, &reply));
    assert_int_equal(reply.type, ASY_REJECT);
    json_t *body;
    must(asy_unpack_value(reply.body, reply.body_len, &body));
    assert_string_equal(json_string_value(json_object_get(body, "code")), "too_large");
    json_decref(body);
    atomic_store(&e->is_gross, false);
    ping(l, "as before", 5000);
    asy_link_close(l);
    echo_stop(e);
    asy_log_set(NULL, NULL, ASY_WARN);
}

static void slow_host_gets_the_same_seq_again(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    atomic_store(&e->hold_ms, 150);
    asy_frame reply;
    must(asy_link_call(l, 0, ASY_WORK, NULL, 1000, 5000, &reply));
    assert_int_equal(atomic_load(&e->requests), 1); /* slow is no reason to repeat */
    atomic_store(&e->hold_ms, 0);
    atomic_store(&e->drop_next, 2);
    must(asy_link_call(l, 0, ASY_WORK, NULL, 100, 5000, &reply));
    assert_int_equal(reply.seq, 2);
    assert_int_equal(atomic_load(&e->last_seq), 2);
    assert_int_equal(atomic_load(&e->requests), 4);
    asy_link_close(l);
    echo_stop(e);
}

static void patience_ends(void **state)
{
    (void)state;
    asy_link *l = link_to("tcp://127.0.0.1:9", 1); /* nobody there */
    asy_frame reply;
    uint64_t before = asy_now_ms();
    assert_int_equal(asy_link_call(l, 0, ASY_WORK, NULL, 100, 300, &reply), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "no answer to WORK"));
    assert_true(asy_now_ms() - before < 2000);
    assert_null(reply.body);
    asy_link_close(l);
}

static void *cancel_soon(void *arg)
{
    asy_sleep_ms(100);
    asy_link_cancel(arg);
    return NULL;
}

static void assert_cancels(const char *url)
{
    asy_link *l = link_to(url, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, l);
    uint64_t before = asy_now_ms();
    asy_frame reply;
    assert_int_equal(asy_link_call(l, 0, ASY_WORK, NULL, 60000, 60000, &reply),
                     ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "cancelled"));
    assert_true(asy_now_ms() - before < 5000);
    assert_int_equal(asy_link_call(l, 0, ASY_WORK, NULL, 60000, 60000, &reply),
                     ASY_EIO);
    pthread_join(thread, NULL);
    asy_link_close(l);
}

static void cancel_wakes_a_caller(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    atomic_store(&e->drop_next, 1000);
    assert_cancels(asy_listener_url(e->listener)); /* while it waits for the reply */
    assert_cancels("tcp://127.0.0.1:9");           /* while it waits for a connection */
    echo_stop(e);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "tls+tcp://127.0.0.1:1", "ipc:///tmp/x",   "", "tcp://",
        "tcp://10.0.0.1:80",     "tcp://127.0.0.1"};
    asy_link *l;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        asy_link_config config = {.url = urls[i], .contexts = 1};
        assert_int_equal(asy_link_open(&config, &l), ASY_EARG);
        assert_null(l);
    }
    asy_link_config config = {.url = "tcp://127.0.0.1:1", .contexts = 0};
    assert_int_equal(asy_link_open(&config, &l), ASY_EARG);
    config.contexts = 99;
    assert_int_equal(asy_link_open(&config, &l), ASY_EARG);
    asy_link_close(NULL);
}

/* --- a host in a process of its own --------------------------------------- */

/* Prints its address, then answers until it is killed. */
static int be_host(const char *url)
{
    echo *e = echo_start(url);
    printf("%s\n", asy_listener_url(e->listener));
    fflush(stdout);
    pthread_join(e->thread, NULL);
    return 0;
}

/* Starts this program as a host; *url is where it listens. */
static pid_t spawn_host(const char *program, const char *at, char url[64])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    char *const args[] = {(char *)program, "host", (char *)at, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, args, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    assert_non_null(fgets(url, 64, f));
    url[strcspn(url, "\n")] = '\0';
    fclose(f);
    return pid;
}

static void kill_host(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void *kill_soon(void *arg)
{
    asy_sleep_ms(100);
    kill_host(*(pid_t *)arg);
    return NULL;
}

static void request_outlives_its_host(void **state)
{
    char url[64], again[64];
    pid_t pid = spawn_host(*state, any_port, url);
    asy_link *l = link_to(url, 2);
    ping(l, "first", 5000);
    for (int round = 0; round < 3; round++) {
        kill_host(pid);
        pthread_t thread;
        caller c = {.link = l, .context = 1, .calls = 1};
        pthread_create(&thread, NULL, call_many,
                       &c); /* outstanding while there is none */
        asy_sleep_ms(50);
        pid = spawn_host(*state, url, again);
        assert_string_equal(url, again);
        pthread_join(thread, NULL);
        assert_int_equal(c.wrong, 0);
        ping(l, "again", 5000);
    }
    kill_host(pid);
    asy_link_close(l);
}

static void stopped_host_is_waited_for(void **state)
{
    char url[64], again[64];
    pid_t pid = spawn_host(*state, any_port, url), killed = pid;
    asy_link *l = link_to(url, 1);
    ping(l, "first", 5000);
    kill(pid, SIGSTOP); /* the request goes out, the answer cannot come */
    pthread_t thread;
    pthread_create(&thread, NULL, kill_soon, &killed);
    caller c = {.link = l, .context = 0, .calls = 1};
    pthread_t calling;
    pthread_create(&calling, NULL, call_many, &c);
    pthread_join(thread, NULL);
    pid = spawn_host(*state, url, again);
    pthread_join(calling, NULL);
    assert_int_equal(c.wrong, 0);
    kill_host(pid);
    asy_link_close(l);
}

static void silent_connection_is_replaced(void **state)
{
    char url[64];
    pid_t pid = spawn_host(*state, any_port, url);
    asy_link *l = link_to(url, 1);
    ping(l, "first", 5000);
    kill(pid, SIGSTOP);
    asy_frame reply; /* longer than a link bears silence: it connects anew meanwhile */
    assert_int_equal(asy_link_call(l, 0, ASY_WORK, NULL, 500, 4500, &reply), ASY_EIO);
    kill(pid, SIGCONT);
    ping(l, "awake", 5000);
    kill_host(pid);
    asy_link_close(l);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "host") == 0)
        return be_host(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_and_reply_carry_every_field),
        cmocka_unit_test(ten_thousand_requests_over_four_contexts),
        cmocka_unit_test(largest_body_passes_and_larger_is_refused),
        cmocka_unit_test(reply_over_the_limit_becomes_a_refusal),
        cmocka_unit_test(slow_host_gets_the_same_seq_again),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(cancel_wakes_a_caller),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test_prestate(request_outlives_its_host, argv[0]),
        cmocka_unit_test_prestate(stopped_host_is_waited_for, argv[0]),
        cmocka_unit_test_prestate(silent_connection_is_replaced, argv[0]),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
