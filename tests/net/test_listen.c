/* test_listen.c - strangers on the port: garbage, scans and damaged frames change
 * nothing, and a listener that they did kill is noticed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/echo.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include "base/log.h"
#include "base/pack.h"
#include "base/rng.h"
#include "net/canary.h"

static const char any_port[] = "tcp://127.0.0.1:0";

static int connect_plain(const asy_listener *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)atoi(strrchr(asy_listener_url(l), ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1; /* two sends in a row must not wait for each other */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Reads exactly len bytes or less when the peer ends or two seconds pass. */
static size_t read_some(int fd, void *out, size_t len)
{
    size_t have = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (have < len && poll(&p, 1, 2000) == 1) {
        ssize_t n = recv(fd, (char *)out + have, len - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    return have;
}

/* A connection that has exchanged greetings, as NNG's own would. */
static int connect_greeted(const asy_listener *l)
{
    int fd = connect_plain(l);
    char theirs[8];
    assert_int_equal(send(fd, "\0SP\0\0\x30\0\0", 8, MSG_NOSIGNAL), 8);
    assert_int_equal(read_some(fd, theirs, 8), 8);
    assert_memory_equal(theirs, "\0SP\0\0\x31\0\0", 8);
    return fd;
}

/* One NNG message of a request: u64 length, u32 request number, the bytes. */
static void send_raw(int fd, const void *bytes, size_t len)
{
    uint8_t head[12] = {0};
    uint64_t size = len + 4;
    for (int i = 0; i < 8; i++)
        head[i] = (uint8_t)(size >> (56 - 8 * i));
    head[8] = 0x80;
    head[11] = 1;
    send(fd, head, sizeof head, MSG_NOSIGNAL);
    send(fd, bytes, len, MSG_NOSIGNAL);
}

/* The reply's type, with its body parsed; 0 when the connection ended instead. */
static uint8_t read_raw(int fd, json_t **body)
{
    static uint8_t bytes[65536];
    *body = NULL;
    if (read_some(fd, bytes, 12) != 12)
        return 0;
    size_t size = (size_t)bytes[6] << 8 | bytes[7];
    assert_true(size >= 4 && read_some(fd, bytes, size - 4) == size - 4);
    asy_frame f;
    must(asy_frame_parse(bytes, size - 4, &f));
    if (f.body_len)
        must(asy_unpack_value(f.body, f.body_len, body));
    return f.type;
}

static void damaged_frame_is_rejected_with_a_reason(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    int fd = connect_greeted(e->listener);
    json_t *body;
    send_raw(fd, "short", 5);
    assert_int_equal(read_raw(fd, &body), ASY_REJECT);
    assert_string_equal(json_string_value(json_object_get(body, "code")), "frame");
    assert_non_null(strstr(json_string_value(json_object_get(body, "text")), "bytes"));
    json_decref(body);
    asy_buf b = {0};
    asy_frame_write(
        &b, &(asy_frame){.type = ASY_WORK, .seq = 9, .body = "abc", .body_len = 3});
    b.data[ASY_FRAME_HEADER] ^= 1;
    send_raw(fd, b.data, b.len);
    assert_int_equal(read_raw(fd, &body), ASY_REJECT);
    assert_non_null(
        strstr(json_string_value(json_object_get(body, "text")), "checksum"));
    json_decref(body);
    b.data[ASY_FRAME_HEADER] ^= 1;
    assert_int_equal(atomic_load(&e->requests), 0);
    send_raw(fd, b.data, b.len); /* the same connection is good for a good frame */
    uint8_t answer[12 + ASY_FRAME_HEADER + 3];
    assert_int_equal(read_some(fd, answer, sizeof answer), sizeof answer);
    assert_memory_equal(answer + 12 + ASY_FRAME_HEADER, "abc", 3);
    assert_int_equal(atomic_load(&e->requests), 1);
    close(fd);
    wait_for_count(&e->gone, 1);
    asy_buf_fini(&b);
    echo_stop(e);
}

static void oversize_costs_the_stranger_its_connection_only(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    ping(l, "before", 5000);
    int fd = connect_greeted(e->listener);
    uint8_t head[8] = {0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff};
    send(fd, head, sizeof head, MSG_NOSIGNAL);
    char c;
    assert_int_equal(read_some(fd, &c, 1), 0);
    close(fd);
    ping(l, "after", 5000);
    assert_int_equal(atomic_load(&e->requests), 2);
    asy_link_close(l);
    echo_stop(e);
}

/* Random frames: valid ones, mutated ones, noise. Nothing but whole, sound frames may
 * reach the sink, and good peers notice nothing. */
static void mutated_frames_never_reach_the_host(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    asy_rng r = asy_rng_open(asy_rng_key(3, 4), ASY_STREAM_RULE, 0);
    unsigned sound = 0;
    int fd = connect_greeted(e->listener);
    for (int i = 0; i < 1500; i++) {
        asy_buf b = {0};
        asy_frame_write(&b, &(asy_frame){.type = (uint8_t)asy_rng_below(&r, 80),
                                         .seq = (uint64_t)i,
                                         .body = "some body",
                                         .body_len = 9});
        for (uint64_t n = asy_rng_below(&r, 3); n > 0; n--)
            b.data[asy_rng_below(&r, b.len)] ^= (char)(1 << asy_rng_below(&r, 8));
        asy_frame f;
        sound += asy_frame_parse(b.data, b.len, &f) == ASY_OK;
        send_raw(fd, b.data, b.len);
        uint8_t head[12];
        static uint8_t rest[4096];
        assert_int_equal(read_some(fd, head, 12), 12); /* each gets an answer */
        size_t size = ((size_t)head[6] << 8 | head[7]) - 4;
        assert_int_equal(read_some(fd, rest, size), size);
        asy_buf_fini(&b);
    }
    close(fd);
    assert_int_equal(atomic_load(&e->requests), sound);
    assert_true(sound > 50 && sound < 1450);
    ping(l, "unharmed", 5000);
    asy_link_close(l);
    echo_stop(e);
}

static void noise_before_the_greeting_changes_nothing(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_link *l = link_to(asy_listener_url(e->listener), 1);
    asy_rng r = asy_rng_open(asy_rng_key(5, 6), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 100; i++) {
        int fd = connect_plain(e->listener);
        uint8_t noise[256];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)asy_rng_u32(&r);
        send(fd, noise, 1 + asy_rng_below(&r, sizeof noise), MSG_NOSIGNAL);
        close(fd);
    }
    ping(l, "unharmed", 5000); /* a connection that stands is not touched */
    assert_int_equal(atomic_load(&e->requests), 1);
    asy_link_close(l);
    echo_stop(e);
}

/* FIN and RST during the greeting: what ends the accept loop of NNG 1.5.2. */
static void scan(const asy_listener *l)
{
    int fd = connect_plain(l);
    shutdown(fd, SHUT_WR);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static void ignore_log(void *ctx, asy_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

/* True when the listener died of it; newer versions of NNG do not. */
static bool scan_to_death(asy_listener *l)
{
    bool is_alive = true;
    for (int i = 0; i < 30 && is_alive; i++) {
        scan(l);
        is_alive = asy_listener_alive(l);
    }
    return !is_alive;
}

static void scanned_to_death_the_host_moves(void **state)
{
    (void)state;
    asy_log_set(ignore_log, NULL, ASY_ERROR);
    echo *e = echo_start(any_port);
    char url[64];
    snprintf(url, sizeof url, "%s", asy_listener_url(e->listener));
    assert_true(asy_listener_alive(e->listener));
    asy_link *before = link_to(url, 1);
    ping(before, "before", 5000);
    bool has_died = scan_to_death(e->listener);
    asy_link *l = link_to(url, 1);
    asy_frame reply;
    asy_err err = asy_link_call(l, 0, ASY_WORK, NULL, 1000, 1500, &reply);
    assert_int_equal(err == ASY_OK, !has_died); /* the canary told the truth */
    asy_link_close(l);
    for (int i = 0; has_died && i < 200 && !strcmp(url, asy_listener_url(e->listener));
         i++)
        asy_sleep_ms(100);
    assert_int_equal(strcmp(url, asy_listener_url(e->listener)) != 0, has_died);
    assert_true(asy_listener_alive(e->listener));
    l = link_to(asy_listener_url(e->listener), 1);
    ping(l, "at the new door", 5000);
    ping(before, "those inside are served", 5000);
    asy_link_close(l);
    asy_link_close(before);
    echo_stop(e);
    asy_log_set(NULL, NULL, ASY_WARN);
}

static void canary_does_no_harm(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    for (int i = 0; i < 50; i++)
        assert_true(asy_listener_alive(e->listener));
    wait_for_count(&e->gone, 50);
    assert_int_equal(atomic_load(&e->requests), 0);
    assert_false(asy_canary_port("127.0.0.1", 9, 500));
    assert_true(asy_canary_reaper(5000));
    echo_stop(e);
}

static void port_in_use_is_said(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    asy_listener *second;
    const char *url = asy_listener_url(e->listener);
    assert_int_equal(asy_listener_open(url, echo_sink, e, &second), ASY_EIO);
    assert_null(second);
    assert_non_null(strstr(asy_errmsg(), url));
    assert_int_equal(asy_listener_open("tls+tcp://0.0.0.0:1", echo_sink, e, &second),
                     ASY_EARG);
    assert_int_equal(asy_listener_open("tcp://0.0.0.0:0", echo_sink, e, &second),
                     ASY_EARG);
    asy_listener_stop(NULL);
    echo_stop(e);
}

/* Requests that are held take slots; new ones must still be heard. */
static void many_requests_may_be_held(void **state)
{
    (void)state;
    enum { CONNECTIONS = 100 };
    echo *e = echo_start(any_port);
    atomic_store(&e->hold_ms, 500);
    int fds[CONNECTIONS];
    asy_buf b = {0};
    asy_frame_write(&b, &(asy_frame){.type = ASY_WORK});
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = connect_greeted(e->listener);
        send_raw(fds[i], b.data, b.len);
    }
    for (int i = 0; i < 2000 && asy_queue_length(e->queue) < CONNECTIONS - 1; i++)
        asy_sleep_ms(1);
    assert_true(asy_queue_length(e->queue) >= CONNECTIONS - 3);
    atomic_store(&e->hold_ms, 0);
    json_t *body;
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(read_raw(fds[i], &body), ASY_TASKS);
        close(fds[i]);
    }
    asy_buf_fini(&b);
    echo_stop(e);
}

static void after_stop_nothing_comes(void **state)
{
    (void)state;
    echo *e = echo_start(any_port);
    int fd = connect_greeted(e->listener);
    asy_listener_stop(e->listener);
    asy_buf b = {0};
    asy_frame_write(&b, &(asy_frame){.type = ASY_WORK});
    send_raw(fd, b.data, b.len);
    asy_sleep_ms(50);
    assert_int_equal(atomic_load(&e->requests), 0);
    asy_buf_fini(&b);
    close(fd);
    echo_stop(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_frame_is_rejected_with_a_reason),
        cmocka_unit_test(oversize_costs_the_stranger_its_connection_only),
        cmocka_unit_test(mutated_frames_never_reach_the_host),
        cmocka_unit_test(noise_before_the_greeting_changes_nothing),
        cmocka_unit_test(scanned_to_death_the_host_moves),
        cmocka_unit_test(canary_does_no_harm),
        cmocka_unit_test(port_in_use_is_said),
        cmocka_unit_test(many_requests_may_be_held),
        cmocka_unit_test(after_stop_nothing_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
