/* held.c - three lists under one lock: ready, running, outbox. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/held.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lab/board.h"

enum {
    MOST_HELD = 8192, /* trials in all lists */
    FLUSH_MS = 20,    /* how long a result may wait for company */
    REPORT_MS = 100   /* between two beats that carry reports */
};

typedef struct list {
    asy_job *first, **last;
    uint32_t n;
} list;

/* An encoded result. */
typedef struct result {
    uint64_t lease;
    int64_t trial;
    uint64_t check;
    asy_buf bytes;
    struct result *next;
} result;

struct asy_held {
    pthread_mutex_t lock;
    pthread_cond_t ready_changed, work_changed, beat_changed;
    list ready, running;
    result *out_first, **out_last;
    uint32_t out_n, out_sent; /* results; of them in the request that is out */
    uint64_t out_since;       /* when the oldest unsent one came */
    uint64_t seen;            /* seq of the last WORK reply taken in */
    uint32_t low;             /* ask for more when so few are ready */
    uint64_t not_before;      /* the host said so */
    double mean;
    asy_report *report; /* [reports] one a lease: the latest */
    uint32_t reports, report_cap;
    bool is_draining, is_stopped;
};

/* --- lists ---------------------------------------------------------------------- */

static void list_init(list *l) { *l = (list){.last = &l->first}; }

static void list_add(list *l, asy_job *j)
{
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
    l->n++;
}

static void list_remove(list *l, asy_job *j)
{
    asy_job **at = &l->first;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    if (l->last == &j->next)
        l->last = at;
    l->n--;
}

static void job_free(asy_job *j)
{
    asy_free((char *)j->task.spec);
    asy_free(j);
}

static void list_clear(list *l)
{
    while (l->first) {
        asy_job *j = l->first;
        list_remove(l, j);
        job_free(j);
    }
}

static void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

asy_held *asy_held_new(void)
{
    asy_held *h = asy_alloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    cond_init(&h->ready_changed);
    cond_init(&h->work_changed);
    cond_init(&h->beat_changed);
    list_init(&h->ready);
    list_init(&h->running);
    h->out_last = &h->out_first;
    return h;
}

static void drop_first_result(asy_held *h)
{
    result *r = h->out_first;
    h->out_first = r->next;
    if (!h->out_first)
        h->out_last = &h->out_first;
    h->out_n--;
    asy_buf_fini(&r->bytes);
    asy_free(r);
}

void asy_held_free(asy_held *h)
{
    if (!h)
        return;
    list_clear(&h->ready);
    list_clear(&h->running);
    while (h->out_first)
        drop_first_result(h);
    asy_free(h->report);
    pthread_cond_destroy(&h->ready_changed);
    pthread_cond_destroy(&h->work_changed);
    pthread_cond_destroy(&h->beat_changed);
    pthread_mutex_destroy(&h->lock);
    asy_free(h);
}

/* --- waiting ---------------------------------------------------------------------- */

/* Until the monotonic millisecond `at`. */
static void wait_until(asy_held *h, pthread_cond_t *c, uint64_t at)
{
    struct timespec ts = {.tv_sec = (time_t)(at / 1000),
                          .tv_nsec = (long)(at % 1000) * 1000000};
    pthread_cond_timedwait(c, &h->lock, &ts);
}

static bool is_idle(const asy_held *h) { return !h->ready.n && !h->running.n; }

/* When the work thread should ask; UINT64_MAX = there is no reason. */
static uint64_t ask_time(const asy_held *h)
{
    uint64_t at = UINT64_MAX;
    if (h->is_draining)
        return h->out_n ? 0 : UINT64_MAX;
    if (is_idle(h))
        return h->out_n ? 0 : h->not_before;
    if (h->out_n)
        at = h->out_since + FLUSH_MS;
    if (h->ready.n <= h->low && h->not_before < at)
        at = h->not_before;
    return at;
}

bool asy_held_wait(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    for (;;) {
        uint64_t now = asy_now_ms(), at = ask_time(h);
        bool is_over = h->is_draining && is_idle(h) && !h->out_n;
        if (at <= now || h->is_stopped || is_over)
            break;
        wait_until(h, &h->work_changed, at < now + 1000 ? at : now + 1000);
    }
    bool goes_on = !h->is_stopped && (!h->is_draining || h->out_n || !is_idle(h));
    pthread_mutex_unlock(&h->lock);
    return goes_on;
}

bool asy_held_wait_beat(asy_held *h, uint64_t last_ms, uint32_t beat_ms)
{
    uint64_t end =
        asy_now_ms() + REPORT_MS; /* the caller has other things to look at */
    pthread_mutex_lock(&h->lock);
    for (;;) {
        uint64_t now = asy_now_ms();
        uint64_t at = last_ms + (h->reports ? REPORT_MS : beat_ms);
        if (h->is_stopped || now >= at || now >= end)
            break;
        wait_until(h, &h->beat_changed, at < end ? at : end);
    }
    bool goes_on = !h->is_stopped;
    pthread_mutex_unlock(&h->lock);
    return goes_on;
}

/* --- trainer -------------------------------------------------------------------------
 */

size_t asy_held_take(asy_held *h, asy_job **out, size_t most)
{
    size_t n = 0;
    pthread_mutex_lock(&h->lock);
    if (!h->ready.n && !h->is_stopped)
        wait_until(h, &h->ready_changed, asy_now_ms() + 100);
    while (n < most && h->ready.n && !h->is_stopped && !h->is_draining) {
        asy_job *j = h->ready.first;
        bool fits = n == 0 || (j->task.session == out[0]->task.session &&
                               j->task.fold == out[0]->task.fold);
        if (!fits)
            break;
        list_remove(&h->ready, j);
        list_add(&h->running, j);
        out[n++] = j;
    }
    if (n && h->ready.n <= h->low)
        pthread_cond_signal(&h->work_changed);
    pthread_mutex_unlock(&h->lock);
    return n;
}

static void drop_report(asy_held *h, uint64_t lease)
{
    for (uint32_t i = 0; i < h->reports; i++)
        if (h->report[i].lease == lease)
            h->report[i--] = h->report[--h->reports];
}

void asy_held_finish(asy_held *h, asy_job *j, const asy_outcome *o, double seconds)
{
    result *r = asy_alloc(1, sizeof *r);
    *r = (result){
        .lease = j->task.lease, .trial = j->task.trial, .check = j->task.check};
    asy_outcome_write(&r->bytes, o);
    pthread_mutex_lock(&h->lock);
    list_remove(&h->running, j);
    drop_report(h, j->task.lease);
    if (h->out_n == h->out_sent) {
        h->out_since = asy_now_ms();
        pthread_cond_signal(&h->work_changed);
    } else if (is_idle(h)) {
        pthread_cond_signal(&h->work_changed);
    }
    *h->out_last = r;
    h->out_last = &r->next;
    h->out_n++;
    h->mean = h->mean > 0 ? h->mean + 0.2 * (seconds - h->mean) : seconds;
    pthread_mutex_unlock(&h->lock);
    job_free(j);
}

void asy_held_return(asy_held *h, asy_job *j)
{
    pthread_mutex_lock(&h->lock);
    list_remove(&h->running, j);
    drop_report(h, j->task.lease);
    pthread_cond_signal(&h->work_changed);
    pthread_mutex_unlock(&h->lock);
    job_free(j);
}

void asy_held_report(asy_held *h, uint64_t lease, uint32_t epoch, double value)
{
    pthread_mutex_lock(&h->lock);
    uint32_t i = 0;
    while (i < h->reports && h->report[i].lease != lease)
        i++;
    if (i == h->report_cap) {
        h->report_cap = h->report_cap ? 2 * h->report_cap : 8;
        h->report = asy_realloc(h->report, h->report_cap, sizeof *h->report);
    }
    h->report[i] = (asy_report){lease, epoch, value};
    if (i == h->reports) {
        h->reports++;
        pthread_cond_signal(&h->beat_changed);
    }
    pthread_mutex_unlock(&h->lock);
}

double asy_held_mean(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    double mean = h->mean;
    pthread_mutex_unlock(&h->lock);
    return mean;
}

/* --- what is said to the host --- */

/* All leases of the lists, results only from the k-th on. Owned by the caller. */
static uint64_t *list_leases(const asy_held *h, uint32_t k, size_t *n)
{
    uint64_t *x =
        asy_alloc((size_t)h->out_n + h->running.n + h->ready.n + 1, sizeof *x);
    uint32_t i = 0;
    *n = 0;
    for (const result *r = h->out_first; r; r = r->next)
        if (i++ >= k)
            x[(*n)++] = r->lease;
    for (const asy_job *j = h->running.first; j; j = j->next)
        x[(*n)++] = j->task.lease;
    for (const asy_job *j = h->ready.first; j; j = j->next)
        x[(*n)++] = j->task.lease;
    return x;
}

static int compare_leases(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Runs ascend. So do the lists, unless trials ended out of order. */
static void write_held(const asy_held *h, uint32_t k, asy_buf *b)
{
    asy_runs runs = {0};
    size_t n;
    uint64_t *x = list_leases(h, k, &n);
    bool ascends = true;
    for (size_t i = 1; i < n; i++)
        ascends &= x[i - 1] < x[i];
    if (!ascends)
        qsort(x, n, sizeof *x, compare_leases);
    for (size_t i = 0; i < n; i++)
        asy_runs_add(&runs, x[i]);
    asy_pack_text(b, "held");
    asy_runs_write(&runs, b);
    asy_runs_fini(&runs);
    asy_free(x);
}

/* Trials run in order: of those that were taken together the first is the one. */
static void write_common(asy_held *h, asy_slice ticket, uint32_t keys, asy_buf *b)
{
    asy_pack_map(b, 4 + keys);
    asy_pack_text(b, "ticket");
    asy_pack_bin(b, ticket.bytes, ticket.len);
    asy_pack_text(b, "seen");
    asy_pack_uint(b, h->seen);
    asy_pack_text(b, "mean");
    asy_pack_real(b, h->mean);
    asy_pack_text(b, "running");
    asy_pack_array(b, h->running.n ? 1 : 0);
    if (h->running.n)
        asy_pack_uint(b, h->running.first->task.lease);
}

/* As many results as fit into one request. */
static uint32_t count_results(const asy_held *h)
{
    uint32_t n = 0;
    size_t bytes = 0;
    for (const result *r = h->out_first; r; r = r->next, n++) {
        bytes += r->bytes.len;
        if (n && bytes > ASY_BODY_TARGET)
            break;
    }
    return n;
}

void asy_held_write_work(asy_held *h, asy_slice ticket, asy_buf *b)
{
    pthread_mutex_lock(&h->lock);
    uint32_t all = h->ready.n + h->running.n + h->out_n;
    h->out_sent = count_results(h);
    write_common(h, ticket, 3, b);
    asy_pack_text(b, "want");
    asy_pack_uint(b, h->is_draining || all > MOST_HELD ? 0 : MOST_HELD - all);
    write_held(h, h->out_sent, b);
    asy_pack_text(b, "done");
    asy_pack_array(b, h->out_sent);
    const result *r = h->out_first;
    for (uint32_t i = 0; i < h->out_sent; i++, r = r->next)
        asy_buf_add(b, r->bytes.data, r->bytes.len);
    pthread_mutex_unlock(&h->lock);
}

bool asy_held_has_reports(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    bool has = h->reports > 0;
    pthread_mutex_unlock(&h->lock);
    return has;
}

void asy_held_write_beat(asy_held *h, asy_slice ticket, asy_buf *b)
{
    pthread_mutex_lock(&h->lock);
    write_common(h, ticket, 2, b);
    write_held(h, 0, b);
    asy_pack_text(b, "reports");
    asy_pack_array(b, h->reports);
    for (uint32_t i = 0; i < h->reports; i++) {
        asy_pack_array(b, 3);
        asy_pack_uint(b, h->report[i].lease);
        asy_pack_uint(b, h->report[i].epoch);
        asy_pack_real(b, h->report[i].value);
    }
    h->reports = 0;
    pthread_mutex_unlock(&h->lock);
}

static void write_holding_one(asy_buf *b, int64_t trial, uint64_t lease, uint64_t check)
{
    asy_pack_array(b, 3);
    asy_pack_int(b, trial);
    asy_pack_uint(b, lease);
    asy_pack_uint(b, check);
}

void asy_held_write_holding(asy_held *h, asy_buf *b)
{
    pthread_mutex_lock(&h->lock);
    asy_pack_array(b, h->out_n + h->running.n + h->ready.n);
    for (const result *r = h->out_first; r; r = r->next)
        write_holding_one(b, r->trial, r->lease, r->check);
    const list *lists[] = {&h->running, &h->ready};
    for (int i = 0; i < 2; i++)
        for (const asy_job *j = lists[i]->first; j; j = j->next)
            write_holding_one(b, j->task.trial, j->task.lease, j->task.check);
    pthread_mutex_unlock(&h->lock);
}

/* --- what the host says --- */

static asy_job *find(list *l, uint64_t first, uint64_t n)
{
    for (asy_job *j = l->first; j; j = j->next)
        if (j->task.lease >= first && j->task.lease - first < n)
            return j;
    return NULL;
}

/* A trial not begun just goes; one that runs is told, if `running` says so. */
static void order_run(asy_held *h, uint64_t first, uint64_t n, asy_order order,
                      bool running)
{
    asy_job *j;
    while ((j = find(&h->ready, first, n))) {
        list_remove(&h->ready, j);
        job_free(j);
    }
    for (j = running ? h->running.first : NULL; j; j = j->next)
        if (j->task.lease >= first && j->task.lease - first < n)
            atomic_store(&j->order, (int)order);
}

static void order_list(asy_held *h, asy_slice leases, asy_order order)
{
    asy_walk w = asy_walk_open(leases);
    uint64_t lease;
    while (asy_walk_lease(&w, &lease))
        order_run(h, lease, 1, order, order != ASY_ORDER_RECALL);
}

static void order_all(asy_held *h, const asy_orders *o)
{
    asy_walk w = asy_walk_open(o->unknown);
    uint64_t first, n;
    order_list(h, o->prune, ASY_ORDER_PRUNE);
    order_list(h, o->cancel, ASY_ORDER_CANCEL);
    order_list(h, o->recall, ASY_ORDER_RECALL);
    while (asy_walk_run(&w, &first, &n))
        order_run(h, first, n, ASY_ORDER_RECALL, true);
}

void asy_held_order(asy_held *h, const asy_orders *orders)
{
    pthread_mutex_lock(&h->lock);
    order_all(h, orders);
    if (is_idle(h))
        pthread_cond_signal(&h->work_changed);
    pthread_mutex_unlock(&h->lock);
}

static void add_tasks(asy_held *h, asy_slice tasks)
{
    asy_walk w = asy_walk_open(tasks);
    asy_task t;
    uint32_t n = w.left;
    while (asy_walk_task(&w, &t)) {
        asy_job *j = asy_alloc(1, sizeof *j);
        j->task = t;
        j->task.spec = asy_strndup(t.spec, t.spec_len);
        atomic_init(&j->order, ASY_ORDER_NONE);
        list_add(&h->ready, j);
    }
    if (n) {
        h->low = n / 2;
        pthread_cond_signal(&h->ready_changed);
    }
}

void asy_held_acknowledge(asy_held *h, const asy_orders *reply, uint64_t seq)
{
    pthread_mutex_lock(&h->lock);
    for (; h->out_sent; h->out_sent--)
        drop_first_result(h);
    h->out_since = asy_now_ms();
    h->not_before = reply->next_ms ? h->out_since + reply->next_ms : 0;
    if (is_idle(h) && !h->out_n)
        h->not_before = 0;
    order_all(h, reply);
    if (!h->is_draining)
        add_tasks(h, reply->tasks);
    h->seen = seq;
    pthread_mutex_unlock(&h->lock);
}

/* --- the end
 * -----------------------------------------------------------------------------------
 */

static void wake_all(asy_held *h)
{
    pthread_cond_broadcast(&h->ready_changed);
    pthread_cond_broadcast(&h->work_changed);
    pthread_cond_broadcast(&h->beat_changed);
}

void asy_held_drain(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_draining = true;
    list_clear(&h->ready);
    wake_all(h);
    pthread_mutex_unlock(&h->lock);
}

void asy_held_stop(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_stopped = true;
    for (asy_job *j = h->running.first; j; j = j->next)
        atomic_store(&j->order, ASY_ORDER_RECALL);
    wake_all(h);
    pthread_mutex_unlock(&h->lock);
}

bool asy_held_is_stopped(asy_held *h)
{
    pthread_mutex_lock(&h->lock);
    bool is_stopped = h->is_stopped || (h->is_draining && is_idle(h) && !h->out_n);
    pthread_mutex_unlock(&h->lock);
    return is_stopped;
}
