/* child.c - starts a rule's process, talks with it and ends it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/child.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "script/rulehost.h"

/* What a child inherits from our environment, when it is set. The BLAS ones keep its
 * arithmetic equal to that of this process. */
static const char *const inherited[] = {"ASSAY_DEBUG",       "ASSAY_ISA",
                                        "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
                                        "ASAN_OPTIONS",      "UBSAN_OPTIONS"};
enum { INHERITED = sizeof inherited / sizeof *inherited };

/* How much wall clock a child has for each ms of processor time. */
enum { WALL_SHARE = 4 };

/* Fills env with borrowed text; `text` holds it and is released by the caller. */
static void make_environment(asy_buf text[INHERITED], char *env[INHERITED + 2])
{
    size_t n = 0;
    env[n++] = (char *)"OPENBLAS_NUM_THREADS=1";
    for (size_t i = 0; i < INHERITED; i++) {
        const char *value = getenv(inherited[i]);
        if (!value)
            continue;
        asy_buf_printf(&text[i], "%s=%s", inherited[i], value);
        env[n++] = text[i].data;
    }
    env[n] = NULL;
}

/* Returns an errno value. */
static int add_actions(posix_spawn_file_actions_t *actions, int sock)
{
    int e = posix_spawn_file_actions_adddup2(actions, sock, ASY_RULEHOST_FD);
    if (!e)
        e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (!e)
        e = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    if (!e && !getenv("ASSAY_DEBUG"))
        e = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    if (!e)
        e = posix_spawn_file_actions_addclosefrom_np(actions, ASY_RULEHOST_FD + 1);
    return e;
}

/* The child starts with no signal blocked or ignored, whatever this thread does. */
static int set_signals(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int e = posix_spawnattr_setsigmask(attr, &none);
    if (!e)
        e = posix_spawnattr_setsigdefault(attr, &all);
    if (!e)
        e = posix_spawnattr_setflags(attr,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return e;
}

static int spawn(pid_t *pid, int sock)
{
    char *argv[] = {(char *)"assay", (char *)ASY_RULEHOST_ARG, NULL};
    asy_buf text[INHERITED] = {{0}};
    char *env[INHERITED + 2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    make_environment(text, env);
    int e = posix_spawn_file_actions_init(&actions);
    if (e)
        goto free_text;
    e = posix_spawnattr_init(&attr);
    if (e)
        goto free_actions;
    e = add_actions(&actions, sock);
    if (!e)
        e = set_signals(&attr);
    if (!e)
        e = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
free_actions:
    posix_spawn_file_actions_destroy(&actions);
free_text:
    for (size_t i = 0; i < INHERITED; i++)
        asy_buf_fini(&text[i]);
    return e;
}

asy_err asy_child_start(asy_child *c)
{
    int pair[2];
    *c = (asy_child){.sock = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return asy_fail(ASY_EIO, "cannot make a socket for the rule: %s",
                        strerror(errno));
    int e = spawn(&c->pid, pair[1]);
    close(pair[1]);
    if (e) {
        close(pair[0]);
        c->pid = 0;
        return asy_fail(ASY_EIO, "cannot start the rule's process: %s", strerror(e));
    }
    c->sock = pair[0];
    fcntl(c->sock, F_SETFL, O_NONBLOCK);
    return ASY_OK;
}

asy_err asy_child_send(asy_child *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->sock, c->out.data + c->sent, c->out.len - c->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET))
            return ASY_OK;
        if (n < 0)
            return asy_fail(ASY_EIO, "writing to the rule's process: %s",
                            strerror(errno));
        c->sent += (size_t)n;
    }
    asy_buf_clear(&c->out);
    c->sent = 0;
    return ASY_OK;
}

asy_err asy_child_wait(asy_child *c, int wake, uint32_t timeout_ms,
                       asy_child_event *event)
{
    bool again;
    size_t got;
    *event = ASY_CHILD_QUIET;
    asy_err e = asy_child_send(c);
    if (e)
        return e;
    struct pollfd p[2] = {{.fd = c->sock, .events = POLLIN},
                          {.fd = wake, .events = POLLIN}};
    if (c->sent < c->out.len)
        p[0].events |= POLLOUT;
    int timeout = timeout_ms > INT32_MAX ? -1 : (int)timeout_ms;
    if (poll(p, 2, timeout) < 0 && errno != EINTR)
        return asy_fail(ASY_EIO, "waiting for the rule's process: %s", strerror(errno));
    if (!(p[0].revents & (POLLIN | POLLHUP | POLLERR)))
        return ASY_OK;
    e = asy_packet_fill(&c->in, c->sock, &got, &again);
    if (!e && !again)
        *event = got ? ASY_CHILD_BYTES : ASY_CHILD_ENDED;
    return e;
}

/* Processor time of the child so far, in ms; 0 when it cannot be read. */
static uint64_t time_spent(const asy_child *c)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(c->pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void asy_child_allow(asy_child *c, uint64_t ms)
{
    uint64_t now = asy_now_ms();
    c->limit = ms;
    c->spent = ms ? time_spent(c) : 0;
    c->deadline = now + ms;
    c->last = now + WALL_SHARE * ms;
}

uint64_t asy_child_rest(const asy_child *c)
{
    if (c->limit == 0)
        return 0;
    uint64_t used = time_spent(c) - c->spent;
    return used < c->limit ? c->limit - used : 1;
}

uint32_t asy_child_left(asy_child *c, uint32_t most)
{
    if (c->limit == 0)
        return most;
    uint64_t now = asy_now_ms(), used;
    if (now >= c->deadline && now < c->last &&
        (used = time_spent(c) - c->spent) < c->limit)
        c->deadline = now + c->limit - used;
    uint64_t left = c->deadline > now ? c->deadline - now : 0;
    return left < most ? (uint32_t)left : most;
}

static void describe_end(int status, asy_buf *why)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        asy_buf_puts(why, "it tried to leave its sandbox (a forbidden system call)");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        asy_buf_puts(why, "it was killed from outside (signal 9; is memory short?)");
    else if (WIFSIGNALED(status))
        asy_buf_printf(why, "it crashed (signal %d)", WTERMSIG(status));
    else
        asy_buf_printf(why, "it ended by itself (status %d)", WEXITSTATUS(status));
}

/* A child that closed its end is about to exit; its own status tells more than our
 * kill. */
static bool reap_gently(pid_t pid, int *status)
{
    for (int i = 0; i < 20; i++) {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        asy_sleep_ms(1);
    }
    return false;
}

void asy_child_kill(asy_child *c, asy_buf *why)
{
    int status = 0;
    if (c->pid) {
        bool reaped = why && reap_gently(c->pid, &status);
        if (!reaped) {
            kill(c->pid, SIGKILL);
            while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
                ;
        }
        if (why)
            describe_end(status, why);
        close(c->sock);
    }
    asy_packet_reader_fini(&c->in);
    asy_buf_fini(&c->out);
    *c = (asy_child){.sock = -1};
}
