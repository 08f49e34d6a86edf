/* commit.c - what waits for the store: collected by the core thread, returned by the
 * writer's thread when the last of its writes is durable. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/commit.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/dispatch.h"
#include "lab/gather.h"

asy_commit *asy_commit_now(asy_host *h)
{
    if (h->commit)
        return h->commit;
    asy_commit *c = asy_alloc(1, sizeof *c);
    c->note = (asy_note){.kind = ASY_NOTE_COMMIT, .commit = c};
    c->host = h;
    atomic_init(&c->users, 1);
    atomic_init(&c->err, ASY_OK);
    return h->commit = c;
}

void asy_commit_free(asy_commit *c)
{
    if (!c)
        return;
    asy_free(c->peer);
    asy_free(c->ended);
    asy_free(c->made);
    asy_free(c);
}

/* Room for one more of `count` things of `size` bytes. */
static void *grow(void *list, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap)
        return list;
    *cap = *cap ? 2 * *cap : 16;
    return asy_realloc(list, *cap, size);
}

void asy_commit_wait(asy_commit *c, asy_peer *p)
{
    c->peer = grow(c->peer, c->peers, &c->peer_cap, sizeof(asy_peer *));
    c->peer[c->peers++] = p;
    p->pending++;
}

void asy_commit_end(asy_commit *c, asy_trial *t)
{
    c->ended = grow(c->ended, c->endeds, &c->ended_cap, sizeof(asy_trial *));
    c->ended[c->endeds++] = t;
    t->session->pending++;
}

void asy_commit_make(asy_commit *c, asy_session *s, uint32_t first, uint32_t n)
{
    c->made = grow(c->made, c->mades, &c->made_cap, sizeof *c->made);
    c->made[c->mades++] = (asy_made){s, first, n};
    s->pending++;
}

/* --- there and back ---------------------------------------------------------- */

static void unuse(asy_commit *c)
{
    if (atomic_fetch_sub(&c->users, 1) == 1)
        asy_queue_push(c->host->queue, &c->note);
}

void asy_commit_use(asy_commit *c) { atomic_fetch_add(&c->users, 1); }

void asy_commit_done(void *ctx, asy_err err)
{
    asy_commit *c = ctx;
    if (err)
        atomic_store(&c->err, (int)err);
    unuse(c);
}

void asy_commit_send(asy_host *h)
{
    asy_commit *c = h->commit;
    h->commit = NULL;
    if (c)
        unuse(c);
}

static void make_ready(const asy_made *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        asy_board_ready(m->session->board,
                        asy_board_at(m->session->board, m->first + i));
}

void asy_commit_arrived(asy_commit *c)
{
    bool is_durable = !atomic_load(&c->err);
    for (uint32_t i = 0; i < c->mades; i++) {
        c->made[i].session->pending--;
        if (is_durable)
            make_ready(&c->made[i]);
    }
    for (uint32_t i = 0; i < c->endeds; i++) {
        c->ended[i]->session->pending--;
        if (is_durable)
            asy_gather_durable(c->ended[i]);
    }
    for (uint32_t i = 0; i < c->peers; i++) {
        c->peer[i]->pending--;
        if (is_durable)
            asy_dispatch_committed(c->peer[i]);
    }
    asy_commit_free(c);
}
