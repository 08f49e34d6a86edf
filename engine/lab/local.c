/* local.c - worker processes on this machine: started, watched, started again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/local.h"
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/core.h"

extern char **environ;

enum {
    BACK_OFF_LEAST = 20,
    BACK_OFF_MOST = 5000,
    LIVED_MS = 500, /* a worker that lived so long did not fail at its start */
    STOP_MS = 300   /* from SIGTERM to SIGKILL */
};

/* The environment with our two variables in place of inherited ones. All of it is owned
 * by the arena but the inherited texts. */
static char **make_environment(const asy_host *h, asy_arena *a)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = asy_arena_alloc(a, (n + 3) * sizeof *env);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "ASSAY_TOKEN=", 12) != 0 &&
            strncmp(environ[i], "ASSAY_PARENT=", 13) != 0)
            env[kept++] = environ[i];
    char *token = env[kept++] = asy_arena_alloc(a, 12 + 2 * ASY_TOKEN + 1);
    int at = snprintf(token, 13, "ASSAY_TOKEN=");
    for (int i = 0; i < ASY_TOKEN; i++)
        at += snprintf(token + at, 3, "%02x", h->token[i]);
    env[kept] = asy_arena_alloc(a, 40);
    snprintf(env[kept++], 40, "ASSAY_PARENT=%ld", (long)getpid());
    env[kept] = NULL;
    return env;
}

/* In a process group of its own: Ctrl-C reaches the host, which ends its workers. */
static asy_err start_one(asy_host *h, asy_local *l)
{
    asy_arena a = {0};
    char *const argv[] = {h->program, "worker",
                          (char *)asy_listener_url(h->listener[0]), NULL};
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    int code =
        posix_spawn(&l->pid, h->program, NULL, &attr, argv, make_environment(h, &a));
    posix_spawnattr_destroy(&attr);
    asy_arena_fini(&a);
    l->started_ms = asy_now_ms();
    if (!code)
        return ASY_OK;
    l->pid = 0;
    return asy_fail(ASY_EIO, "worker: cannot start %s: %s", h->program, strerror(code));
}

asy_err asy_local_start(asy_host *h)
{
    asy_err err = ASY_OK;
    for (uint32_t i = 0; !err && i < h->locals; i++)
        err = start_one(h, &h->local[i]);
    return err;
}

static void plan_restart(asy_local *l, uint64_t now)
{
    bool failed_early = now - l->started_ms < LIVED_MS;
    l->back_off = failed_early ? 2 * l->back_off : BACK_OFF_LEAST;
    if (l->back_off < BACK_OFF_LEAST)
        l->back_off = BACK_OFF_LEAST;
    if (l->back_off > BACK_OFF_MOST)
        l->back_off = BACK_OFF_MOST;
    l->pid = 0;
    l->next_ms = now + l->back_off;
}

static void look_after(asy_host *h, asy_local *l, uint64_t now)
{
    int status;
    if (l->pid && waitpid(l->pid, &status, WNOHANG) == l->pid) {
        asy_peer_died(h, l->pid);
        if (WIFSIGNALED(status))
            asy_host_say(h, ASY_WARN,
                         "a worker was killed by signal %d (%s); starting another",
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
        else if (WEXITSTATUS(status))
            asy_host_say(h, ASY_WARN, "a worker ended with status %d; starting another",
                         WEXITSTATUS(status));
        plan_restart(l, now);
    }
    if (!l->pid && !h->is_stopping && now >= l->next_ms && start_one(h, l))
        plan_restart(l, now);
}

void asy_local_tick(asy_host *h, uint64_t now)
{
    for (uint32_t i = 0; i < h->locals; i++)
        look_after(h, &h->local[i], now);
}

static uint32_t reap(asy_host *h)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < h->locals; i++) {
        asy_local *l = &h->local[i];
        if (l->pid && waitpid(l->pid, NULL, WNOHANG) == l->pid)
            l->pid = 0;
        left += l->pid != 0;
    }
    return left;
}

static void signal_all(asy_host *h, int signal)
{
    for (uint32_t i = 0; i < h->locals; i++)
        if (h->local[i].pid)
            kill(h->local[i].pid, signal);
}

void asy_local_stop(asy_host *h)
{
    signal_all(h, SIGTERM);
    uint64_t end = asy_now_ms() + STOP_MS;
    while (reap(h) && asy_now_ms() < end)
        asy_sleep_ms(2);
    signal_all(h, SIGKILL);
    for (uint32_t i = 0; i < h->locals; i++)
        if (h->local[i].pid)
            waitpid(h->local[i].pid, NULL, 0);
    asy_free(h->local);
    h->local = NULL;
    h->locals = 0;
}
