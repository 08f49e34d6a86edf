/* peer.c - workers as the host knows them: who they are, whether they are alive. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/peer.h"
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/lease.h"

bool asy_peer_is_live(const asy_peer *p) { return !p->is_dead && !p->gone_ms; }

static asy_peer *find_incarnation(asy_host *h, uint64_t incarnation)
{
    for (uint32_t i = 0; i < h->peers; i++)
        if (h->peer[i]->incarnation == incarnation)
            return h->peer[i];
    return NULL;
}

/* Constant time: an attacker learns nothing from how long a refusal takes. */
static bool is_same(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint8_t differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= (uint8_t)(a[i] ^ b[i]);
    return !differs;
}

/* The ticket is the secret that ties a request to its HELLO. The connection is not
 * looked at: a link that broke in mid-request comes back on another one, with the same
 * ticket. */
asy_peer *asy_peer_find(asy_host *h, const asy_frame *f, asy_slice ticket)
{
    asy_peer *p = find_incarnation(h, f->incarnation);
    if (!p || p->is_dead || ticket.len != ASY_TICKET ||
        !is_same(ticket.bytes, p->ticket, ASY_TICKET))
        return NULL;
    return p;
}

/* --- arriving --------------------------------------------------------------------- */

static asy_peer *add(asy_host *h)
{
    h->peer = asy_realloc(h->peer, h->peers + 1, sizeof(asy_peer *));
    asy_peer *p = asy_alloc(1, sizeof *p);
    p->host = h;
    return h->peer[h->peers++] = p;
}

static asy_trial *find_trial(asy_host *h, int64_t id)
{
    for (uint32_t i = 0; i < h->sessions; i++) {
        asy_trial *t = asy_board_find(h->session[i]->board, id);
        if (t && asy_session_is_open(h->session[i]))
            return t;
    }
    return NULL;
}

/* A worker that outlived its host goes on with what nobody else has taken up. */
static void adopt(asy_peer *p, asy_slice held)
{
    asy_walk w = asy_walk_open(held);
    asy_holding x;
    while (asy_walk_holding(&w, &x)) {
        asy_trial *t = find_trial(p->host, x.trial);
        bool is_free = t && t->state == ASY_TRIAL_QUEUED && !t->holder && t->is_ready &&
                       t->check == x.check;
        if (is_free && (!p->last || p->last->lease < x.lease))
            asy_lease_adopt(p, t, x.lease);
    }
}

asy_peer *asy_peer_hello(asy_host *h, const asy_frame *f, const asy_hello *hello,
                         uint32_t pipe)
{
    if (hello->token.len != ASY_TOKEN ||
        !is_same(hello->token.bytes, h->token, ASY_TOKEN))
        return NULL;
    asy_peer *p = find_incarnation(h, f->incarnation);
    bool is_new = !p || p->is_dead;
    if (!p)
        p = add(h);
    p->incarnation = f->incarnation;
    memcpy(p->uuid, f->worker, sizeof p->uuid);
    snprintf(p->name, sizeof p->name, "%s", hello->name);
    asy_random_bytes(p->ticket, sizeof p->ticket);
    p->pid = (pid_t)hello->pid;
    p->pipe = pipe;
    p->seen_ms = asy_now_ms();
    p->gone_ms = 0;
    p->is_dead = false;
    p->sessions = 0;
    if (is_new)
        adopt(p, hello->held);
    return p;
}

/* --- leaving --- */

static void bury(asy_peer *p, bool died)
{
    if (p->is_dead)
        return;
    p->is_dead = true;
    p->wait = ASY_WAIT_NONE;
    if (p->request)
        asy_request_drop(p->request);
    p->request = NULL;
    if (died && p->held)
        asy_store_event(p->host->store, 0, 0, "worker lost", p->name);
    asy_lease_back_all(p, died);
}

void asy_peer_leave(asy_peer *p) { bury(p, false); }

void asy_peer_gone(asy_host *h, uint32_t pipe)
{
    for (uint32_t i = 0; i < h->peers; i++)
        if (h->peer[i]->pipe == pipe && !h->peer[i]->gone_ms)
            h->peer[i]->gone_ms = asy_now_ms();
}

void asy_peer_died(asy_host *h, pid_t pid)
{
    for (uint32_t i = 0; i < h->peers; i++)
        if (h->peer[i]->pid == pid)
            bury(h->peer[i], true);
}

/* A lost connection is a hint: the worker has two beats to come back. */
static bool is_over(const asy_peer *p, uint64_t now)
{
    if (p->gone_ms && p->seen_ms <= p->gone_ms &&
        now - p->gone_ms > 2 * p->host->beat_ms)
        return true;
    return now - p->seen_ms > p->host->lease_ms;
}

void asy_peers_tick(asy_host *h, uint64_t now)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->peers; i++) {
        asy_peer *p = h->peer[i];
        if (!p->is_dead && !p->pending && is_over(p, now))
            bury(p, true);
        if (p->is_dead && !p->pending)
            asy_peer_free(p);
        else
            h->peer[kept++] = p;
    }
    h->peers = kept;
}

void asy_peer_free(asy_peer *p)
{
    if (p->request)
        asy_request_drop(p->request);
    asy_buf_fini(&p->work.reply);
    asy_buf_fini(&p->beat.reply);
    asy_runs_fini(&p->unknown);
    asy_free(p->session);
    asy_free(p);
}
