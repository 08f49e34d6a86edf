/* lease.c - who holds which trial, and how it comes back when they do not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/lease.h"
#include <assert.h>
#include "base/clock.h"
#include "lab/core.h"
#include "lab/gather.h"

enum { POISON = 3 }; /* workers that may die running one trial */

/* --- the list of a peer -------------------------------------------------------- */

static void link_last(asy_peer *p, asy_trial *t)
{
    t->holder = p;
    t->prev = p->last;
    t->next = NULL;
    if (p->last)
        p->last->next = t;
    else
        p->first = t;
    p->last = t;
    p->held++;
}

static void unlink_one(asy_peer *p, asy_trial *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        p->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        p->last = t->prev;
    t->prev = t->next = NULL;
    t->holder = NULL;
    p->held--;
}

/* Lease ids of one epoch ascend, and a list begins empty in each epoch. */
void asy_lease_grant(asy_peer *p, asy_trial *t, uint64_t seq)
{
    asy_host *h = p->host;
    assert(!t->holder && t->state == ASY_TRIAL_QUEUED);
    t->lease = (asy_store_epoch(h->store) & UINT32_MAX) << 32 | ++h->leases;
    t->grant = seq;
    t->order = ASY_ORDER_NONE;
    t->stamp = p->stamp;
    link_last(p, t);
    asy_board_move(t->session->board, t, ASY_TRIAL_LEASED);
}

void asy_lease_adopt(asy_peer *p, asy_trial *t, uint64_t lease)
{
    t->lease = lease;
    t->grant = 0;
    t->batch = UINT16_MAX;
    t->order = ASY_ORDER_NONE;
    t->stamp = p->stamp;
    link_last(p, t);
    asy_board_move(t->session->board, t, ASY_TRIAL_LEASED);
}

void asy_lease_end(asy_trial *t)
{
    asy_peer *p = t->holder;
    if (!p)
        return;
    if (t->order)
        p->orders--;
    t->order = ASY_ORDER_NONE;
    unlink_one(p, t);
}

asy_trial *asy_lease_find(asy_peer *p, uint64_t lease)
{
    for (asy_trial *t = p->first; t && t->lease <= lease; t = t->next)
        if (t->lease == lease)
            return t;
    return NULL;
}

/* --- coming back ------------------------------------------------------------------ */

/* A worker that dies takes the trials with it that it had not begun. Each death cuts
 * the company that they may be leased in, until the one that kills stands alone. */
static bool is_suspect(asy_trial *t)
{
    bool was_running = t->state == ASY_TRIAL_RUNNING || t->batch <= 1;
    uint32_t fewer = t->batch / 8u;
    if (fewer < t->together)
        t->together = (uint16_t)(fewer ? fewer : 1);
    if (was_running)
        t->crashes++;
    return t->crashes >= POISON;
}

void asy_lease_back(asy_trial *t, bool died)
{
    asy_order order = t->order;
    bool is_poison = died && is_suspect(t);
    asy_lease_end(t);
    if (t->attempt < UINT16_MAX)
        t->attempt++;
    if (order == ASY_ORDER_CANCEL)
        asy_gather_close(t, ASY_TRIAL_CANCELLED, "cancelled");
    else if (order == ASY_ORDER_PRUNE)
        asy_gather_close(t, ASY_TRIAL_PRUNED, "pruned");
    else if (is_poison)
        asy_gather_close(t, ASY_TRIAL_FAILED, "poison: three workers died running it");
    else
        asy_board_move(t->session->board, t, ASY_TRIAL_QUEUED);
}

void asy_lease_back_all(asy_peer *p, bool died)
{
    while (p->first)
        asy_lease_back(p->first, died);
}

void asy_lease_drop(asy_trial *t)
{
    asy_lease_end(t);
    asy_board_move(t->session->board, t, ASY_TRIAL_QUEUED);
}

/* --- reconciliation ------------------------------------------------------------------
 */

/* Stamps what the worker lists. Its runs and our list both ascend. */
static void stamp_held(asy_peer *p, asy_slice held, asy_runs *unknown)
{
    asy_walk w = asy_walk_open(held);
    uint64_t first, n;
    asy_trial *t = p->first;
    while (asy_walk_run(&w, &first, &n)) {
        while (t && t->lease < first)
            t = t->next;
        uint64_t next = first; /* the first lease of the run not yet met */
        for (; t && t->lease < first + n; t = t->next) {
            if (t->lease > next)
                asy_runs_add_run(unknown, next, t->lease - next);
            next = t->lease + 1;
            t->stamp = p->stamp;
        }
        if (next < first + n)
            asy_runs_add_run(unknown, next, first + n - next);
    }
}

static void mark_running(asy_peer *p, asy_slice running)
{
    asy_walk w = asy_walk_open(running);
    uint64_t lease;
    while (asy_walk_lease(&w, &lease)) {
        asy_trial *t = asy_lease_find(p, lease);
        if (!t || t->state != ASY_TRIAL_LEASED)
            continue;
        asy_board_move(t->session->board, t, ASY_TRIAL_RUNNING);
        if (t->order == ASY_ORDER_RECALL) { /* too late for that */
            t->order = ASY_ORDER_NONE;
            p->orders--;
        }
    }
}

void asy_lease_reconcile(asy_peer *p, const asy_ask *ask, asy_runs *unknown)
{
    p->stamp++;
    stamp_held(p, ask->held, unknown);
    mark_running(p, ask->running);
    asy_trial *next;
    for (asy_trial *t = p->first; t; t = next) {
        next = t->next;
        /* Not listed, and the reply that granted it was taken in: it is not there. */
        if (t->stamp != p->stamp && t->grant <= ask->seen)
            asy_lease_back(t, false);
    }
}
