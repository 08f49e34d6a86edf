/* lockdown.h - takes from this process everything a rule has no business with.
 *
 * In order: service user when we are root, death with the parent, no core dumps and no
 * ptrace, no new privileges, resource limits, Landlock where the kernel has it, and a
 * seccomp list of what is left: memory, the clock, and descriptor 3. Anything else
 * kills the process. There is no way back.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

typedef struct asy_lockdown {
    uint64_t memory; /* bytes the rule may hold; 0: no limit on the address space */
    bool jit;        /* machine code may be made */
    int fd;          /* the descriptor that may be read and written */
} asy_lockdown;

/* First of all things in the process: a C stack on which deep recursion of scripts ends
 * in a Lua error before it ends in a crash. */
void asy_lockdown_stack(void);

/* ASY_EIO when the kernel refuses what must hold (no new privileges, seccomp). */
asy_err asy_lockdown_apply(const asy_lockdown *l);
