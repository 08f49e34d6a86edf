/* core.h - the host's insides, for its own files. Everything belongs to the core
 * thread.
 *
 * Life of a result: a WORK request brings it (dispatch.c), it ends its trial (gather.c)
 * and goes to the store; the commit comes back as a note (commit.c); then the worker is
 * answered and the rule is told (talk.c).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/queue.h"
#include "lab/commit.h"
#include "lab/local.h"
#include "lab/peer.h"
#include "lab/session.h"

struct asy_host {
    asy_store *store;
    asy_queue *queue;
    asy_listener **listener; /* [listeners] */
    uint32_t listeners;
    const asy_rule_ops *rules;
    char *folder, *program;
    uint8_t token[ASY_TOKEN];
    uint32_t beat_ms, lease_ms;
    asy_session **session; /* [sessions] */
    uint32_t sessions;
    asy_peer **peer; /* [peers] */
    uint32_t peers;
    asy_local *local; /* [locals] */
    uint32_t locals;
    uint32_t leases;    /* counter of this epoch */
    asy_commit *commit; /* being filled; NULL = none */
    const asy_host_watch *watch;
    uint64_t tick_ms, progress_ms;
    bool is_stopping, is_closing;
    uint64_t stop_ms;
    char *trouble; /* why nothing is handed out, or NULL; owned */
};

/* Handles what is in the queue, waiting up to `timeout_ms` for something. */
void asy_host_pump(asy_host *h, uint32_t timeout_ms);
void asy_host_say(asy_host *h, asy_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
