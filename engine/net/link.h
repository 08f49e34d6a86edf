/* link.h - the worker's side: a supervised connection with a few contexts, each with at
 * most one request outstanding. Resends after a lost link with the same seq, so that
 * the host can tell a retry from a new request. Recreates a dialer that went dead
 * (1.5.2 bug).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include "net/frame.h"

typedef struct asy_link asy_link;

typedef struct asy_link_config {
    const char *url;
    uint8_t worker[16]; /* uuid */
    uint64_t incarnation;
    uint32_t contexts; /* 2 for control, 1 .. 4 for data */
} asy_link_config;

/* Does not wait for a connection: the first call does. ASY_EARG: not an address of this
 * machine (without TLS no other is dialled), or TLS, which is not configured. */
asy_err asy_link_open(const asy_link_config *config, asy_link **out);
/* Nobody may be in a call. Accepts NULL. */
void asy_link_close(asy_link *l);

/* Sends a request on a context and waits for its reply: each try takes up to
 * timeout_ms; retries with the same seq after time-outs and lost links until
 * `patience_ms` is over (ASY_EIO). A body over the limit of a frame is ASY_EARG.
 * *reply's body points into memory owned by the context, valid until its next call.
 * Thread-safe across contexts. */
asy_err asy_link_call(asy_link *l, uint32_t context, uint8_t type, const asy_buf *body,
                      uint32_t timeout_ms, uint32_t patience_ms, asy_frame *reply);

void asy_link_set_epoch(asy_link *l, uint64_t epoch);
/* The seq of the last WORK whose reply arrived; goes into every later frame. */
void asy_link_set_last_work(asy_link *l, uint32_t seq);
/* Makes pending and later calls return ASY_EIO "cancelled"; from any thread. */
void asy_link_cancel(asy_link *l);
