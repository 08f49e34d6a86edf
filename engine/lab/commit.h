/* commit.h - what waits for the store.
 *
 * Everything that is written while the core thread handles one lot of notes is one
 * commit. It comes back as a note once all of it is durable, in the order in which it
 * was written. Its sessions and peers count it as pending and are not freed before.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "lab/board.h"
#include "lab/host.h"
#include "lab/note.h"

struct asy_peer;
struct asy_session;

/* Trials that one scatter made. */
typedef struct asy_made {
    struct asy_session *session;
    uint32_t first, n;
} asy_made;

typedef struct asy_commit {
    asy_note note; /* pushed by the writer thread: no allocation there */
    asy_host *host;
    atomic_uint users; /* writes that are out, and the core thread until it is sent */
    struct asy_peer **peer; /* [peers] wait for their answers */
    uint32_t peers, peer_cap;
    asy_trial **ended; /* [endeds] in order of `told` */
    uint32_t endeds, ended_cap;
    asy_made *made; /* [mades] */
    uint32_t mades, made_cap;
    atomic_int err; /* asy_err */
} asy_commit;

asy_commit *asy_commit_now(asy_host *h); /* the one being filled */
void asy_commit_wait(asy_commit *c, struct asy_peer *p);
void asy_commit_end(asy_commit *c, asy_trial *t);
void asy_commit_make(asy_commit *c, struct asy_session *s, uint32_t first, uint32_t n);
/* Announces a write; asy_commit_done() is its asy_store_done, on the writer's thread.
 */
void asy_commit_use(asy_commit *c);
void asy_commit_done(void *ctx, asy_err err);
/* Gives the one being filled, if any, to the writer. */
void asy_commit_send(asy_host *h);
/* Handles one that came back, and frees it. */
void asy_commit_arrived(asy_commit *c);
void asy_commit_free(asy_commit *c);
