/* peer.h - workers as the host knows them: who they are, whether they are alive. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sys/types.h>
#include "lab/board.h"
#include "lab/host.h"
#include "lab/work.h"
#include "net/listen.h"

typedef enum asy_wait { ASY_WAIT_NONE, ASY_WAIT_COMMIT, ASY_WAIT_WORK } asy_wait;

/* The last request of one kind and its reply, so that a retry executes nothing. */
typedef struct asy_last {
    uint64_t seq;
    uint8_t type; /* of the reply; 0 = none yet */
    asy_buf reply;
} asy_last;

typedef struct asy_peer {
    asy_host *host;
    uint64_t incarnation;
    uint8_t uuid[16], ticket[ASY_TICKET];
    char name[64];
    pid_t pid;
    uint32_t pipe;
    uint64_t seen_ms;   /* monotonic, of the last request */
    uint64_t result_ms; /* monotonic, of the last results, or of holding nothing */
    uint64_t gone_ms;   /* 0 = connected */
    bool is_dead;
    double mean; /* seconds a trial */
    uint32_t want;
    asy_trial *first, *last; /* leases, ascending */
    uint32_t held;
    uint32_t stamp;
    asy_last work, beat;
    asy_request *request; /* WORK that waits for its reply */
    asy_wait wait;
    bool has_results; /* in that request */
    uint64_t wait_until;
    asy_runs unknown; /* leases it listed and does not have, for the reply */
    uint32_t orders;  /* trials with an order to pass on */
    uint32_t pending; /* commits that name it */
    int64_t *session; /* [sessions] it was told about */
    uint32_t sessions;
} asy_peer;

asy_peer *asy_peer_hello(asy_host *h, const asy_frame *f, const asy_hello *hello,
                         uint32_t pipe);
/* The peer that a frame and a ticket belong to, or NULL. */
asy_peer *asy_peer_find(asy_host *h, const asy_frame *f, asy_slice ticket);
void asy_peer_leave(asy_peer *p); /* of its own will */
void asy_peer_gone(asy_host *h, uint32_t pipe);
void asy_peer_died(asy_host *h, pid_t pid); /* a local worker's process has ended */
void asy_peers_tick(asy_host *h, uint64_t now);
void asy_peer_free(asy_peer *p);
bool asy_peer_is_live(const asy_peer *p);
