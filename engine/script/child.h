/* child.h - a rule's process as its parent sees it: start, send, watch, end.
 *
 * The child is this same program started as "assay rule-host" (see rulehost.h) with one
 * end of a socketpair as descriptor 3 and nothing else open. Start it from a thread
 * that lives as long as the child: the child dies with that thread. An object belongs
 * to one thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "script/packet.h"

#define ASY_RULEHOST_ARG "rule-host" /* argv[1] of a rule's process */

enum {
    ASY_CHILD_START_MS = 2000 /* more time for the first packet: it has to start */
};

typedef struct asy_child {
    pid_t pid; /* 0: none */
    int sock;  /* our end, non-blocking; valid while pid != 0 */
    asy_packet_reader in;
    asy_buf out;       /* packets to send */
    size_t sent;       /* bytes of `out` already gone */
    uint64_t limit;    /* ms of its processor time from `spent` on; 0: none */
    uint64_t spent;    /* ms of processor time when the limit was set */
    uint64_t deadline; /* asy_now_ms() of the next look at the clocks */
    uint64_t last;     /* asy_now_ms() of its end, however little it could run */
} asy_child;

asy_err asy_child_start(asy_child *c);

/* Sends what the socket takes. Never blocks. A broken pipe is no error: the end of the
 * stream tells. */
asy_err asy_child_send(asy_child *c);

typedef enum asy_child_event {
    ASY_CHILD_QUIET, /* nothing new */
    ASY_CHILD_BYTES, /* new bytes: take packets with asy_packet_next(&c->in) */
    ASY_CHILD_ENDED  /* it closed its end */
} asy_child_event;

/* Waits for the child or for `wake` (a descriptor to poll as well, or -1) up to
 * timeout_ms, sends what waits to be sent, and reads once. */
asy_err asy_child_wait(asy_child *c, int wake, uint32_t timeout_ms,
                       asy_child_event *event);

/* Gives the child `ms` of processor time from now on, and four times that by the
 * wall clock, so that a busy machine is not held against it. 0: no limit. */
void asy_child_allow(asy_child *c, uint64_t ms);

/* What is left of the allowance, at least 1; 0: there is no limit. */
uint64_t asy_child_rest(const asy_child *c);

/* Milliseconds until the child needs a look, at most `most`; 0: its time is over. */
uint32_t asy_child_left(asy_child *c, uint32_t most);

/* Kills and reaps; appends to `why` (may be NULL) how it ended, for people. Descriptors
 * and buffers are released; the object is empty again. */
void asy_child_kill(asy_child *c, asy_buf *why);
