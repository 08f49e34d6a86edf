/* nemesis.h - the real program in processes of its own, to be killed, stopped and
 * starved.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/json.h"
#include "store/store.h"

/* One scratch folder with a store in it and what the programs said. */
typedef struct nemesis {
    char *folder;   /* owned */
    uint32_t files; /* programs started so far */
} nemesis;

/* cmocka set-up and tear-down; *state is a nemesis. */
int nemesis_open(void **state);
int nemesis_close(void **state);
char *nemesis_path(const nemesis *n, const char *name); /* in the folder; owned */

/* A program that runs: `assay` with these arguments (NULL-ended) and --store. */
typedef struct program {
    pid_t pid;
    char *out, *said; /* files of its two streams; owned */
} program;

program nemesis_start(nemesis *n, const char *const *args);
/* `assay run tests/lab/faults.lua` on iris with so many trials and workers. */
program nemesis_run(nemesis *n, uint32_t trials, uint32_t workers, const char *more);
program nemesis_resume(nemesis *n, uint32_t workers);
/* Waits for its end, a minute at most; fails the test, with what it said, unless it
 * ends with that status (128 + signal when killed). */
void nemesis_expect(program *p, int status);
bool nemesis_is_running(const program *p);
void nemesis_kill(program *p); /* SIGKILL, and waits */
/* Frees what start made; the process must have ended. */
void nemesis_free(program *p);

/* What it printed, as JSON; fails the test when that makes no sense. Owned. */
json_t *nemesis_answer(const program *p);
/* True when standard error holds the text. */
bool nemesis_has_said(const program *p, const char *text);

/* Its worker processes; at most `room` of them. */
size_t nemesis_workers(const program *p, pid_t *pids, size_t room);
/* The address that its workers dial, from their command line. "" when it has none. */
void nemesis_url(const program *p, char *url, size_t room);
bool nemesis_is_alive(pid_t pid);

/* Trials of the store in these states (bits; 0 = all). 0 while there is no store. */
size_t nemesis_count(const nemesis *n, uint32_t states);
/* Waits until at least `want` trials are done or the program has ended. */
void nemesis_wait_done(const nemesis *n, const program *p, size_t want);
