/* drive.c - runs a session with progress on stderr. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/drive.h"
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "cmd/option.h"
#include "cmd/outcome.h"
#include "cmd/term.h"
#include "script/script.h"

enum { MOST_WORKERS = 4096 };

/* Signal handlers have nothing else to write to. */
static volatile sig_atomic_t was_interrupted;

/* The handler is taken away by its first use (SA_RESETHAND): the second signal kills.
 */
static void interrupt(int signal_number)
{
    (void)signal_number;
    was_interrupted = 1;
}

static void to_view(void *ctx, asy_level level, const char *line)
{
    asy_progress_say(ctx, level, line);
}

void asy_drive_begin(asy_progress_view *view)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    view->out = stderr;
    asy_log_set(to_view, view, ASY_WARN);
}

static uint32_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < MOST_WORKERS ? (uint32_t)n : 1;
}

int asy_drive_workers(const asy_args *a, uint32_t *workers)
{
    uint64_t n = asy_args_given(a, "workers") ? asy_args_whole(a, "workers") : cores();
    if (n > MOST_WORKERS)
        return asy_wrong_usage(a, "--workers: at most %d expected", MOST_WORKERS);
    if (n == 0 && !asy_args_given(a, "listen"))
        return asy_wrong_usage(a, "--workers 0: nobody would train; give --listen too");
    *workers = (uint32_t)n;
    return 0;
}

/* This program's file, by a name that stays good when the working folder changes. */
static const char *program_path(char room[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", room, PATH_MAX - 1);
    room[len > 0 ? len : 0] = '\0';
    return len > 0 ? room : "/proc/self/exe";
}

asy_err asy_drive_open(const asy_args *a, uint32_t workers, asy_host **out)
{
    char room[PATH_MAX];
    const char *const urls[] = {asy_args_text(a, "listen"), NULL};
    asy_host_config config = {.folder = asy_args_text(a, "store"),
                              .listen = urls,
                              .workers = workers,
                              .program = program_path(room),
                              .rules = &asy_script_rules};
    /* Read by OpenBLAS before main() of the workers: a worker is one thread. */
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    return asy_host_open(&config, out);
}

/* --- watching -------------------------------------------------------------------- */

typedef struct watcher {
    asy_progress_view *view;
    bool was_told; /* that the first Ctrl-C has been seen */
} watcher;

static void on_progress(void *ctx, const asy_progress *p)
{
    watcher *w = ctx;
    asy_progress_show(w->view, p);
}

static void on_log(void *ctx, asy_level level, const char *line)
{
    watcher *w = ctx;
    asy_progress_say(w->view, level, line);
}

static bool on_stop(void *ctx)
{
    watcher *w = ctx;
    if (was_interrupted && !w->was_told) {
        w->was_told = true;
        asy_progress_say(
            w->view, ASY_INFO,
            "stopping: running trials are given back, what is done is kept "
            "(press Ctrl-C again to kill)");
    }
    return was_interrupted;
}

/* --- the end --------------------------------------------------------------------- */

typedef struct ending {
    asy_session_state state;
    uint64_t trials; /* done */
    char *name;      /* owned */
} ending;

static bool keep_ending(void *ctx, const asy_row_session *row)
{
    *(ending *)ctx = (ending){row->state, row->done, asy_strdup(row->name)};
    return false;
}

static asy_err find_ending(asy_store *s, int64_t session, ending *out)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)session);
    return asy_store_find_session(s, id, keep_ending, out);
}

static asy_err print_answer(asy_store *s, int64_t session, bool as_json)
{
    json_t *answer;
    if (!as_json)
        return asy_outcome_print(s, session);
    asy_err err = asy_outcome_json(s, session, &answer);
    if (!err)
        asy_print_json(answer);
    json_decref(answer);
    return err;
}

static void say_how_to_go_on(const ending *e, const char *folder)
{
    fprintf(stderr, "resume with: assay resume %s --store %s\n", e->name, folder);
}

/* Why a session failed has been said by the host. An interrupted one has not ended:
 * scripts must not take it for done. */
static int status_of(const ending *e)
{
    return e->state == ASY_SESSION_FAILED || was_interrupted ? 1 : 0;
}

/* A session that failed before its first trial has no answer. */
static bool has_answer(const ending *e)
{
    return e->state != ASY_SESSION_FAILED || e->trials > 0;
}

static asy_err finish(asy_host *h, int64_t session, bool as_json, int *status)
{
    ending e = {0};
    asy_store *store = asy_host_store(h);
    asy_err err = asy_store_flush(store);
    if (!err)
        err = find_ending(store, session, &e);
    if (!err && has_answer(&e))
        err = print_answer(store, session, as_json);
    if (!err) {
        *status = status_of(&e);
        if (e.state == ASY_SESSION_STOPPED || e.state == ASY_SESSION_PAUSED)
            say_how_to_go_on(&e, asy_store_folder(store));
    }
    asy_free(e.name);
    return err;
}

int asy_drive_session(asy_host *h, int64_t session, asy_progress_view *view,
                      bool as_json)
{
    int status = 1;
    watcher w = {.view = view};
    asy_host_watch watch = {
        .ctx = &w, .progress = on_progress, .log = on_log, .stop = on_stop};
    asy_err err = asy_host_run(h, &watch);
    asy_progress_end(view);
    if (!err)
        err = finish(h, session, as_json, &status);
    return err ? asy_cannot() : status;
}
