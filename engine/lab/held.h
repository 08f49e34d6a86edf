/* held.h - what a worker has in its hands: trials to do, trials it does, results that
 * no host has acknowledged. Three threads share it: the trainer takes and finishes, the
 * work thread exchanges results for trials, the beat thread tells that all are alive.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "lab/work.h"

typedef struct asy_held asy_held;

typedef struct asy_job {
    asy_task task;    /* its spec belongs to the job */
    atomic_int order; /* an asy_order for a trial that runs: see board.h */
    struct asy_job *next;
} asy_job;

asy_held *asy_held_new(void);
void asy_held_free(asy_held *h);

/* --- trainer ------------------------------------------------------------------------
 */

/* Takes up to `most` trials of one session and fold, waiting for the first. 0: stopped,
 * or nothing came for 100 ms. The jobs stay in the held list until they are finished.
 */
size_t asy_held_take(asy_held *h, asy_job **out, size_t most);
/* Puts the result into the outbox; frees the job. seconds: wall clock the trial took.
 */
void asy_held_finish(asy_held *h, asy_job *job, const asy_outcome *o, double seconds);
/* Hands a trial back undone: it is no longer held; frees the job. */
void asy_held_return(asy_held *h, asy_job *job);
void asy_held_report(asy_held *h, uint64_t lease, uint32_t epoch, double value);
/* Seconds a trial took lately; 0 = not known. */
double asy_held_mean(asy_held *h);

/* --- work thread --- */

/* Waits until there is a reason to ask the host: few trials left, results to give, or
 * nothing to do at all. False: stopped, and nothing is left to give. */
bool asy_held_wait(asy_held *h);
/* The body of a WORK request. */
void asy_held_write_work(asy_held *h, asy_slice ticket, asy_buf *out);
/* The reply arrived: what the request carried is durable, new trials are taken in. */
void asy_held_acknowledge(asy_held *h, const asy_orders *reply, uint64_t seq);

/* --- beat thread --- */

/* Waits `beat_ms`, less when there are reports to pass on. False: stopped. */
bool asy_held_wait_beat(asy_held *h, uint64_t last_ms, uint32_t beat_ms);
bool asy_held_has_reports(asy_held *h);
void asy_held_write_beat(asy_held *h, asy_slice ticket, asy_buf *out);

/* --- all
 * --------------------------------------------------------------------------------------
 */

/* Prune, cancel, recall, unknown. */
void asy_held_order(asy_held *h, const asy_orders *orders);
/* The list [[trial, lease, check]...] of HELLO. */
void asy_held_write_holding(asy_held *h, asy_buf *out);
/* No new trials; those not begun are handed back. The trial that runs may end. */
void asy_held_drain(asy_held *h);
/* Everybody leaves at once; results that were not acknowledged are lost. */
void asy_held_stop(asy_held *h);
bool asy_held_is_stopped(asy_held *h);
