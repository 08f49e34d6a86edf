/* board.c - trials in blocks of a thousand, a heap of those that wait, counts by state.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/board.h"

#include <assert.h>
#include <math.h>

#include "base/mem.h"

enum { BLOCK = 1024 };

/* Trials added together: their ids and numbers run side by side. */
typedef struct run {
    int64_t first_id;
    uint32_t first_number, n;
} run;

struct asy_board {
    asy_trial **block; /* [blocks] of BLOCK trials each: addresses never change */
    uint32_t blocks, count;
    run *runs; /* ascending by id */
    uint32_t run_count, run_cap;
    asy_trial **heap; /* waiting trials; those that ended meanwhile are skipped */
    uint32_t heap_count, heap_cap;
    uint32_t in[ASY_TRIAL_STATES];
};

/* --- specs ------------------------------------------------------------------ */

asy_spec *asy_spec_new(char *params_take, char *design_take)
{
    asy_spec *s = asy_alloc(1, sizeof *s);
    *s = (asy_spec){.users = 1, .params = params_take, .design = design_take};
    while (params_take[s->params_len])
        s->params_len++;
    while (design_take[s->design_len])
        s->design_len++;
    return s;
}

void asy_spec_unref(asy_spec *s)
{
    if (!s || --s->users)
        return;
    asy_free(s->params);
    asy_free(s->design);
    asy_free(s);
}

/* --- trials ------------------------------------------------------------------- */

asy_board *asy_board_new(void) { return asy_alloc(1, sizeof(asy_board)); }

static void trial_fini(asy_trial *t)
{
    asy_spec_unref(t->spec);
    asy_free(t->metrics);
    asy_free(t->reason);
    asy_free(t->worker);
}

void asy_board_free(asy_board *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        trial_fini(asy_board_at(b, (uint64_t)i + 1));
    for (uint32_t i = 0; i < b->blocks; i++)
        asy_free(b->block[i]);
    asy_free(b->block);
    asy_free(b->runs);
    asy_free(b->heap);
    asy_free(b);
}

static void add_run(asy_board *b, int64_t first_id, uint32_t n)
{
    run *last = b->run_count ? &b->runs[b->run_count - 1] : NULL;
    assert(!last || first_id >= last->first_id + last->n);
    if (last && first_id == last->first_id + last->n) {
        last->n += n;
        return;
    }
    if (b->run_count == b->run_cap) {
        b->run_cap = b->run_cap ? 2 * b->run_cap : 64;
        b->runs = asy_realloc(b->runs, b->run_cap, sizeof *b->runs);
    }
    b->runs[b->run_count++] = (run){first_id, b->count + 1, n};
}

static asy_trial *add_one(asy_board *b)
{
    if (b->count == b->blocks * BLOCK) {
        b->block = asy_realloc(b->block, b->blocks + 1, sizeof *b->block);
        b->block[b->blocks++] = asy_alloc(BLOCK, sizeof(asy_trial));
    }
    asy_trial *t = &b->block[b->count / BLOCK][b->count % BLOCK];
    *t = (asy_trial){.number = ++b->count, .together = UINT16_MAX, .score = NAN};
    return t;
}

uint32_t asy_board_add(asy_board *b, int64_t first_id, uint32_t n)
{
    uint32_t first = b->count + 1;
    add_run(b, first_id, n);
    for (uint32_t i = 0; i < n; i++)
        add_one(b)->id = first_id + i;
    b->in[ASY_TRIAL_QUEUED] += n;
    return first;
}

uint32_t asy_board_count(const asy_board *b) { return b->count; }

asy_trial *asy_board_at(asy_board *b, uint64_t number)
{
    if (number == 0 || number > b->count)
        return NULL;
    uint64_t i = number - 1;
    return &b->block[i / BLOCK][i % BLOCK];
}

asy_trial *asy_board_find(asy_board *b, int64_t id)
{
    uint32_t low = 0,
             high = b->run_count; /* the last run that begins at or before id */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->runs[mid].first_id <= id)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    const run *r = &b->runs[low - 1];
    int64_t offset = id - r->first_id;
    return offset < r->n ? asy_board_at(b, r->first_number + (uint64_t)offset) : NULL;
}

/* --- the queue ---------------------------------------------------------------- */

static bool comes_before(const asy_trial *a, const asy_trial *b)
{
    return a->priority != b->priority ? a->priority > b->priority
                                      : a->number < b->number;
}

static void push(asy_board *b, asy_trial *t)
{
    if (b->heap_count == b->heap_cap) {
        b->heap_cap = b->heap_cap ? 2 * b->heap_cap : BLOCK;
        b->heap = asy_realloc(b->heap, b->heap_cap, sizeof(asy_trial *));
    }
    uint32_t i = b->heap_count++;
    for (; i && comes_before(t, b->heap[(i - 1) / 2]); i = (i - 1) / 2)
        b->heap[i] = b->heap[(i - 1) / 2];
    b->heap[i] = t;
    t->is_listed = true;
}

static void pop(asy_board *b)
{
    b->heap[0]->is_listed = false;
    asy_trial *last = b->heap[--b->heap_count];
    uint32_t i = 0, child;
    while ((child = 2 * i + 1) < b->heap_count) {
        if (child + 1 < b->heap_count &&
            comes_before(b->heap[child + 1], b->heap[child]))
            child++;
        if (!comes_before(b->heap[child], last))
            break;
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = last;
}

asy_trial *asy_board_peek(asy_board *b)
{
    while (b->heap_count && b->heap[0]->state != ASY_TRIAL_QUEUED)
        pop(b);
    return b->heap_count ? b->heap[0] : NULL;
}

void asy_board_take(asy_board *b, asy_trial *t)
{
    assert(b->heap_count && b->heap[0] == t);
    (void)t;
    pop(b);
}

/* --- states --------------------------------------------------------------------- */

/* The diagram of the header: allowed[from] is a bit set of states. */
#define TO(state) (1u << ASY_TRIAL_##state)
static const uint32_t allowed[ASY_TRIAL_STATES] = {
    [ASY_TRIAL_QUEUED] =
        TO(LEASED) | TO(DONE) | TO(FAILED) | TO(PRUNED) | TO(CANCELLED),
    [ASY_TRIAL_LEASED] =
        TO(QUEUED) | TO(RUNNING) | TO(DONE) | TO(FAILED) | TO(PRUNED) | TO(CANCELLED),
    [ASY_TRIAL_RUNNING] =
        TO(QUEUED) | TO(DONE) | TO(FAILED) | TO(PRUNED) | TO(CANCELLED),
};

static void enter(asy_board *b, asy_trial *t, asy_trial_state to)
{
    b->in[t->state]--;
    b->in[to]++;
    t->state = (uint8_t)to;
    if (to == ASY_TRIAL_QUEUED && t->is_ready && !t->is_listed)
        push(b, t);
}

void asy_board_move(asy_board *b, asy_trial *t, asy_trial_state to)
{
    bool is_allowed = allowed[t->state] >> to & 1;
    assert(is_allowed);
    (void)is_allowed;
    enter(b, t, to);
}

void asy_board_load(asy_board *b, asy_trial *t, asy_trial_state state)
{
    enter(b, t, state);
}

void asy_board_ready(asy_board *b, asy_trial *t)
{
    t->is_ready = true;
    if (t->state == ASY_TRIAL_QUEUED && !t->is_listed)
        push(b, t);
}

uint32_t asy_board_in(const asy_board *b, asy_trial_state state)
{
    return b->in[state];
}

uint32_t asy_board_open(const asy_board *b)
{
    return b->in[ASY_TRIAL_QUEUED] + b->in[ASY_TRIAL_LEASED] + b->in[ASY_TRIAL_RUNNING];
}
