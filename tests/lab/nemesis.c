/* nemesis.c - the real program in processes of its own, to be killed, stopped, starved.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "nemesis.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { PATIENCE_MS = 60000 };

/* --- folders -------------------------------------------------------------- */

int nemesis_open(void **state)
{
    nemesis *n = asy_alloc(1, sizeof *n);
    n->folder = asy_strdup("/tmp/assay-faults-XXXXXX");
    *state = n;
    return mkdtemp(n->folder) ? 0 : -1;
}

int nemesis_close(void **state)
{
    nemesis *n = *state;
    asy_buf command = {0};
    asy_buf_printf(&command, "rm -rf '%s'", n->folder);
    int code = system(asy_buf_text(&command));
    asy_buf_fini(&command);
    asy_free(n->folder);
    asy_free(n);
    return code;
}

char *nemesis_path(const nemesis *n, const char *name)
{
    return asy_path_join(n->folder, name);
}

/* --- programs ------------------------------------------------------------- */

static char *next_file(nemesis *n, const char *kind)
{
    char name[32];
    snprintf(name, sizeof name, "%u.%s", n->files, kind);
    return nemesis_path(n, name);
}

static void redirect(posix_spawn_file_actions_t *a, int fd, const char *path)
{
    posix_spawn_file_actions_addopen(a, fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

/* SIGXFSZ is ignored by what we start, so that a limit on the size of files (our full
 * disk) gives an error instead of a kill. */
program nemesis_start(nemesis *n, const char *const *args)
{
    enum { MOST = 32 };
    const char *argv[MOST + 4] = {ASY_PROGRAM};
    size_t count = 1;
    for (; args[count - 1]; count++) {
        assert_true(count < MOST);
        argv[count] = args[count - 1];
    }
    char *store = nemesis_path(n, "store");
    argv[count++] = "--store";
    argv[count++] = store;
    n->files++;
    program p = {.out = next_file(n, "out"), .said = next_file(n, "said")};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    redirect(&actions, 1, p.out);
    redirect(&actions, 2, p.said);
    signal(SIGXFSZ, SIG_IGN);
    int code =
        posix_spawn(&p.pid, ASY_PROGRAM, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    asy_free(store);
    if (code)
        fail_msg("%s: %s", ASY_PROGRAM, strerror(code));
    return p;
}

program nemesis_run(nemesis *n, uint32_t trials, uint32_t workers, const char *more)
{
    char set[32], count[16];
    snprintf(set, sizeof set, "n=%u", trials);
    snprintf(count, sizeof count, "%u", workers);
    const char *const args[] = {"run",       ASY_SOURCE_DIR "/tests/lab/faults.lua",
                                "--data",    ASY_SOURCE_DIR "/tests/fixtures/iris.csv",
                                "--set",     set,
                                "--workers", count,
                                "--json",    more,
                                NULL};
    return nemesis_start(n, args);
}

program nemesis_resume(nemesis *n, uint32_t workers)
{
    char count[16];
    snprintf(count, sizeof count, "%u", workers);
    const char *const args[] = {"resume", "last", "--workers", count, "--json", NULL};
    return nemesis_start(n, args);
}

static int status_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void print_said(const program *p)
{
    asy_buf said = {0};
    asy_file_read(p->said, 1 << 20, &said);
    print_error("%s\n", asy_buf_text(&said));
    asy_buf_fini(&said);
}

void nemesis_expect(program *p, int want)
{
    int status = 0;
    pid_t ended = 0;
    uint64_t end = asy_now_ms() + PATIENCE_MS;
    while ((ended = waitpid(p->pid, &status, WNOHANG)) == 0 && asy_now_ms() < end)
        asy_sleep_ms(5);
    if (ended == 0)
        nemesis_kill(p);
    p->pid = 0;
    if (ended && status_of(status) == want)
        return;
    print_said(p);
    if (!ended)
        fail_msg("the program did not end in %d s", PATIENCE_MS / 1000);
    fail_msg("exit status %d expected, got %d", want, status_of(status));
}

bool nemesis_is_running(const program *p)
{
    siginfo_t info = {0};
    return p->pid &&
           waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void nemesis_kill(program *p)
{
    if (!p->pid)
        return;
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    p->pid = 0;
}

void nemesis_free(program *p)
{
    nemesis_kill(p);
    asy_free(p->out);
    asy_free(p->said);
    *p = (program){0};
}

/* --- what it says --------------------------------------------------------- */

json_t *nemesis_answer(const program *p)
{
    json_t *answer;
    if (asy_json_load(p->out, &answer) == ASY_OK)
        return answer;
    print_said(p);
    fail_msg("an answer in JSON expected: %s", asy_errmsg());
    return NULL;
}

bool nemesis_has_said(const program *p, const char *text)
{
    asy_buf said = {0};
    bool has = asy_file_read(p->said, 1 << 20, &said) == ASY_OK &&
               strstr(asy_buf_text(&said), text);
    asy_buf_fini(&said);
    return has;
}

/* --- its processes -------------------------------------------------------- */

/* The command line of a process, arguments separated by NULs; its length, 0 when gone.
 */
static size_t read_command(pid_t pid, char *out, size_t room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, out, room - 1);
    close(fd);
    out[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

/* Its parent, and its state as one letter. 0 when it is gone. */
static pid_t read_parent(pid_t pid, char *state)
{
    char path[64], text[512] = {0};
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    char *end =
        len > 0 ? strrchr(text, ')') : NULL; /* of the name, which may hold any */
    long parent = 0;
    if (!end || sscanf(end + 1, " %c %ld", state, &parent) != 2)
        return 0;
    return (pid_t)parent;
}

bool nemesis_is_alive(pid_t pid)
{
    char state = 'Z';
    return read_parent(pid, &state) && state != 'Z';
}

/* The second argument when the process is `assay worker URL`, else NULL. */
static const char *worker_url(char *command, size_t len)
{
    const char *second = command + strlen(command) + 1;
    if (second >= command + len || strcmp(second, "worker") != 0)
        return NULL;
    const char *third = second + strlen(second) + 1;
    return third < command + len ? third : NULL;
}

size_t nemesis_workers(const program *p, pid_t *pids, size_t room)
{
    size_t n = 0;
    DIR *d = opendir("/proc");
    assert_non_null(d);
    struct dirent *e;
    while ((e = readdir(d)) && n < room) {
        char command[4096], state;
        pid_t pid = (pid_t)atol(e->d_name);
        if (!isdigit((unsigned char)*e->d_name) || read_parent(pid, &state) != p->pid ||
            state == 'Z')
            continue;
        size_t len = read_command(pid, command, sizeof command);
        if (len && worker_url(command, len))
            pids[n++] = pid;
    }
    closedir(d);
    return n;
}

void nemesis_url(const program *p, char *url, size_t room)
{
    pid_t pid;
    char command[4096];
    *url = '\0';
    if (nemesis_workers(p, &pid, 1) == 0)
        return;
    size_t len = read_command(pid, command, sizeof command);
    const char *found = len ? worker_url(command, len) : NULL;
    snprintf(url, room, "%s", found ? found : "");
}

/* --- its store ------------------------------------------------------------ */

static bool count_one(void *ctx, const asy_row_trial *row)
{
    (void)row;
    ++*(size_t *)ctx;
    return true;
}

size_t nemesis_count(const nemesis *n, uint32_t states)
{
    size_t count = 0;
    asy_store *s;
    char *path = nemesis_path(n, "store");
    if (asy_store_open_read(path, &s) == ASY_OK) {
        const asy_trial_query q = {.states = states};
        if (asy_store_trials(s, &q, count_one, &count))
            count = 0;
        asy_store_close(s);
    }
    asy_free(path);
    return count;
}

void nemesis_wait_done(const nemesis *n, const program *p, size_t want)
{
    for (uint64_t end = asy_now_ms() + PATIENCE_MS; asy_now_ms() < end;
         asy_sleep_ms(10))
        if (nemesis_count(n, 1 << ASY_TRIAL_DONE) >= want || !nemesis_is_running(p))
            return;
    fail_msg("%zu trials did not end in %d s", want, PATIENCE_MS / 1000);
}
