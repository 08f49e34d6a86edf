/* test_lockdown.c - a process that is locked down, running code of its choice: whatever
 * it tries, it dies of it or is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "script/lockdown.h"

enum { FINE = 40, REFUSED = 41, NOT_LOCKED = 42 };

static int say(bool done) { return done ? FINE : REFUSED; }

/* Attempts return FINE when they succeeded, REFUSED when they were told no. */
static int open_file(void) { return say(open("/etc/passwd", O_RDONLY) >= 0); }
static int make_file(void)
{
    return say(open("/tmp/assay-x", O_CREAT | O_RDWR, 0600) >= 0);
}
static int make_socket(void) { return say(socket(AF_INET, SOCK_STREAM, 0) >= 0); }
static int make_process(void)
{
    return say(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0);
}
static int kill_parent(void) { return say(kill(getppid(), 0) == 0); }
static int trace_parent(void)
{
    return say(ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0);
}
static int read_elsewhere(void)
{
    char c;
    return say(read(0, &c, 1) >= 0);
}
static int write_elsewhere(void) { return say(write(1, "x", 1) >= 0); }
static int become_root(void) { return say(syscall(SYS_setuid, 0) == 0); }
static int list_folder(void) { return say(syscall(SYS_chdir, "/") == 0); }
static int load_filter(void) { return say(syscall(SYS_seccomp, 0, 0, 0) == 0); }

static int run_program(void)
{
    char *argv[] = {(char *)"sh", NULL};
    return say(execve("/bin/sh", argv, argv) == 0);
}

static int raise_limits(void)
{
    struct rlimit r = {.rlim_cur = 1024, .rlim_max = 1024};
    return say(syscall(SYS_setrlimit, RLIMIT_NOFILE, &r) == 0);
}

static int make_code(void)
{
    int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
    return say(mmap(NULL, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
               MAP_FAILED);
}

static int turn_to_code(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return say(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int get_memory(void)
{
    void *p = asy_try_alloc(1, 20 << 20);
    bool ok = p != NULL;
    asy_free(p);
    return say(ok);
}

static int get_too_much(void)
{
    return say(mmap(NULL, (size_t)4 << 30, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int speak(void) { return say(write(3, "x", 1) == 1); }

/* What becomes of an attempt: the signal, or the exit status. */
static int attempt(int (*f)(void), bool jit)
{
    int pair[2], status;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        asy_lockdown l = {.memory = 64 << 20, .jit = jit, .fd = 3};
        dup2(pair[1], 3);
        asy_lockdown_stack();
        _exit(asy_lockdown_apply(&l) ? NOT_LOCKED : f());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(pair[0]);
    close(pair[1]);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_attempts(void **state)
{
    (void)state;
    int (*const deadly[])(void) = {
        open_file,    make_file,      make_socket,     make_process, kill_parent,
        trace_parent, read_elsewhere, write_elsewhere, become_root,  list_folder,
        load_filter,  run_program,    raise_limits};
    for (int jit = 0; jit < 2; jit++)
        for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
            int end = attempt(deadly[i], jit);
            if (end != -SIGSYS)
                fail_msg("attempt %zu, jit %d: end %d", i, jit, end);
        }
}

static void test_code(void **state)
{
    (void)state;
    assert_int_equal(attempt(make_code, false), -SIGSYS);
    assert_int_equal(attempt(turn_to_code, false), -SIGSYS);
    assert_int_equal(attempt(turn_to_code, true), FINE);
}

static void test_what_stays(void **state)
{
    (void)state;
    assert_int_equal(attempt(speak, false), FINE);
    assert_int_equal(attempt(get_memory, false), FINE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(attempt(get_too_much, false), REFUSED);
#else
    (void)get_too_much;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attempts),
                                       cmocka_unit_test(test_code),
                                       cmocka_unit_test(test_what_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
