/* lockdown.c - privileges, limits, Landlock and seccomp of a rule's process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/lockdown.h"
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    STACK_BYTES = 112 << 20, /* below the 128 MiB that the kernel keeps free */
    SPARE_BYTES =
        256 << 20 /* program, libraries, BLAS buffers beside the rule's memory */
};

/* Sanitizers reserve terabytes of address space and have system calls of their own. */
#if defined(__SANITIZE_THREAD__) /* has a thread of its own, which no filter suits */
enum { IS_SANITIZED = 1, HAS_FILTER = 0 };
#elif defined(__SANITIZE_ADDRESS__)
enum { IS_SANITIZED = 1, HAS_FILTER = 1 };
#else
enum { IS_SANITIZED = 0, HAS_FILTER = 1 };
#endif

void asy_lockdown_stack(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r))
        return;
    r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > STACK_BYTES
                     ? (rlim_t)STACK_BYTES
                     : r.rlim_max;
    setrlimit(RLIMIT_STACK, &r);
}

/* Root gives its rights away; in a container that cannot, seccomp has to do. */
static void drop_user(void)
{
    if (geteuid() != 0 || setgroups(0, NULL))
        return;
    if (setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY))
        return;
}

static void limit(int resource, rlim_t n)
{
    struct rlimit r = {.rlim_cur = n, .rlim_max = n};
    setrlimit(resource, &r);
}

static void set_limits(const asy_lockdown *l)
{
    if (l->memory && !IS_SANITIZED) /* by half, see the allocator in state.c */
        limit(RLIMIT_AS, l->memory + l->memory / 2 + SPARE_BYTES);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_MEMLOCK, 0);
    limit(RLIMIT_NOFILE, (rlim_t)l->fd + 1);
}

/* ---- Landlock ---- */

/* An empty set of rules that handles every right forbids all of them. Debian 12's
 * header ends at the second version, so the numbers are written out. */
typedef struct landlock_ruleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
} landlock_ruleset;

static void apply_landlock(void)
{
    static const uint64_t fs_rights[] = {0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
    enum { CREATE = 444, RESTRICT = 446, ASK_VERSION = 1 };
    long version = syscall(CREATE, NULL, 0, ASK_VERSION);
    if (version < 1)
        return;
    long known = version < 5 ? version : 5;
    landlock_ruleset set = {.handled_access_fs = fs_rights[known - 1]};
    size_t size = sizeof(uint64_t);
    if (version >= 4) {
        set.handled_access_net = 3; /* bind, connect */
        size = 2 * sizeof(uint64_t);
    }
    if (version >= 6) {
        set.scoped = 3; /* abstract sockets, signals */
        size = sizeof set;
    }
    int fd = (int)syscall(CREATE, &set, size, 0);
    if (fd < 0)
        return;
    syscall(RESTRICT, fd, 0);
    close(fd);
}

/* ---- seccomp ---- */

static const int allowed[] = {
    SCMP_SYS(munmap),         SCMP_SYS(mremap),         SCMP_SYS(brk),
    SCMP_SYS(madvise),        SCMP_SYS(futex),          SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),      SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield),    SCMP_SYS(restart_syscall)};

/* What libraries try and can do without: they are told that there is no such call. */
static const int refused[] = {SCMP_SYS(mbind), SCMP_SYS(set_mempolicy),
                              SCMP_SYS(sched_getaffinity), SCMP_SYS(prlimit64),
                              SCMP_SYS(sysinfo)};

enum {
    ALLOWED = sizeof allowed / sizeof *allowed,
    REFUSED = sizeof refused / sizeof *refused
};

/* Returns a negative errno. */
static int allow_all(scmp_filter_ctx f)
{
    int e = 0;
    for (int i = 0; i < ALLOWED && !e; i++)
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
    if (IS_SANITIZED && !e) /* before every longjmp or throw ... */
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
    if (IS_SANITIZED && !e) /* ... and in every warning */
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(getpid), 0);
    for (int i = 0; i < REFUSED && !e; i++)
        e = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), refused[i], 0);
    return e;
}

static int allow_io(scmp_filter_ctx f, int fd)
{
    int e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(read), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd));
    if (!e)
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd));
    if (!e) /* /dev/null, or the terminal of whoever debugs */
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                             SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO));
    return e;
}

static int allow_memory(scmp_filter_ctx f, bool jit)
{
    scmp_datum_t forbidden = jit ? 0 : PROT_EXEC;
    int e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, forbidden, 0));
    if (!e)
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, forbidden, 0));
    return e;
}

static asy_err apply_seccomp(const asy_lockdown *l)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f)
        return asy_fail(ASY_EIO, "no memory for the system call filter");
    int e = allow_all(f);
    if (!e)
        e = allow_io(f, l->fd);
    if (!e)
        e = allow_memory(f, l->jit);
    if (!e)
        e = seccomp_load(f);
    seccomp_release(f);
    return e ? asy_fail(ASY_EIO, "the kernel refuses the system call filter: %s",
                        strerror(-e))
             : ASY_OK;
}

asy_err asy_lockdown_apply(const asy_lockdown *l)
{
    pid_t parent = getppid();
    drop_user();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        return asy_fail(ASY_EIO, "the parent is gone");
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return asy_fail(ASY_EIO, "no new privileges: %s", strerror(errno));
    apply_landlock();
    set_limits(l);
    return HAS_FILTER ? apply_seccomp(l) : ASY_OK;
}
