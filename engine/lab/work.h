/* work.h - the bodies of LP/1 messages, written and read without trees.
 *
 * HELLO   {token: bin, name, build, pid, slots, held: [[trial, lease, check]...]}
 * WELCOME {ticket: bin, beat_ms, lease_ms}
 * REJECT  {code, text}; code "hello" asks for a new HELLO, "token" and "version" are
 * final WORK    {ticket, seen, want, mean, held, running, done: [outcome...]} TASKS
 * {sessions: [tree...], tasks: [task...], next_ms, prune, cancel, recall, unknown,
 *          drain}
 * BEAT    {ticket, seen, mean, held, running, reports: [[lease, epoch, value]...]}
 * ORDERS  {prune, cancel, recall, unknown, drain, beat_ms}
 * DATA_META {ticket, hash} -> DATA {size}; DATA_GET {ticket, hash, offset} -> DATA
 * {bytes}
 *
 * `held` is a flat list of runs [first lease, n, first lease, n, ...], ascending,
 * because leases of one grant are consecutive. The other lists of leases are plain.
 * Unknown keys and further members of a list are skipped, so that a newer peer may say
 * more. Readers borrow from the bytes they read and check everything: a body that was
 * read without an error can be walked without one.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/pack.h"
#include "store/store.h"

enum { ASY_TICKET = 16, ASY_TOKEN = 32, ASY_BODY_TARGET = 1 << 20 };

/* Encoded bytes of one value inside a body; empty when the key is absent. */
typedef struct asy_slice {
    const void *bytes;
    size_t len;
} asy_slice;

typedef struct asy_hello {
    asy_slice token; /* raw bytes */
    char name[64];
    uint32_t slots;
    int64_t pid;
    asy_slice held;
} asy_hello;

/* A trial that a worker still had when its host came back. */
typedef struct asy_holding {
    int64_t trial;
    uint64_t lease, check;
} asy_holding;

/* What WORK and BEAT say. */
typedef struct asy_ask {
    asy_slice ticket; /* raw bytes */
    uint64_t seen;    /* seq of the last WORK whose reply was taken in */
    uint32_t want;    /* trials at most */
    double mean;      /* seconds a trial took lately; 0 = not known */
    asy_slice held, running, done, reports;
} asy_ask;

/* A trial on its way to a worker. */
typedef struct asy_task {
    int64_t trial, session;
    uint64_t lease, seed;
    uint64_t
        check; /* first bytes of the trial's key: no result lands on a wrong trial */
    uint32_t fold;
    const char *spec; /* design, or params of a `trial =` rule: JSON; borrowed */
    size_t spec_len;
} asy_task;

/* A result on its way back. Text is borrowed. */
typedef struct asy_outcome {
    int64_t trial;
    uint64_t lease, check;
    asy_trial_state state;                 /* DONE, FAILED, PRUNED or CANCELLED */
    asy_slice reason, metrics, how, curve; /* raw bytes; metrics: flat JSON object */
    uint32_t epochs;
    double seconds;
    uint64_t parameters;
    double flops;
} asy_outcome;

typedef struct asy_report {
    uint64_t lease;
    uint32_t epoch;
    double value;
} asy_report;

/* What TASKS and ORDERS say. */
typedef struct asy_orders {
    asy_slice sessions, tasks;
    asy_slice prune, cancel, recall, unknown; /* lists of leases; unknown: runs */
    uint32_t next_ms, beat_ms;
    bool drain;
} asy_orders;

asy_err asy_hello_read(const void *body, size_t len, asy_hello *out);
asy_err asy_ask_read(const void *body, size_t len, asy_ask *out);
asy_err asy_orders_read(const void *body, size_t len, asy_orders *out);

/* WELCOME, REJECT and the DATA messages are few and small: {"name": value} by name. */
typedef struct asy_letter {
    asy_slice ticket, bytes;
    char code[16], text[512], hash[ASY_HASH_TEXT];
    uint32_t beat_ms, lease_ms;
    uint64_t offset, size;
} asy_letter;
asy_err asy_letter_read(const void *body, size_t len, asy_letter *out);

/* Walks a list of a body that was read: false at its end. */
typedef struct asy_walk {
    asy_unpack in;
    uint32_t left;
} asy_walk;
asy_walk asy_walk_open(asy_slice list);
bool asy_walk_lease(asy_walk *w, uint64_t *lease);
bool asy_walk_run(asy_walk *w, uint64_t *first, uint64_t *n);
bool asy_walk_task(asy_walk *w, asy_task *out);
bool asy_walk_outcome(asy_walk *w, asy_outcome *out);
bool asy_walk_report(asy_walk *w, asy_report *out);
bool asy_walk_holding(asy_walk *w, asy_holding *out);
bool asy_walk_tree(asy_walk *w, json_t **out); /* owned by the caller */

void asy_task_write(asy_buf *b, const asy_task *t);
void asy_outcome_write(asy_buf *b, const asy_outcome *o);
void asy_reject_write(asy_buf *b, const char *code, const char *text);

/* Leases given one by one, ascending, as runs. */
typedef struct asy_runs {
    asy_buf body;
    uint64_t first, n;
    uint32_t runs;
} asy_runs;
void asy_runs_add(asy_runs *r, uint64_t lease);
void asy_runs_add_run(asy_runs *r, uint64_t first, uint64_t n);
void asy_runs_write(asy_runs *r, asy_buf *out); /* the whole list; empties r */
void asy_runs_fini(asy_runs *r);
