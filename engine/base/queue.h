/* queue.h - a blocking queue of pointers: many threads push, one pops. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct asy_queue asy_queue;

asy_queue *asy_queue_new(void);
void asy_queue_free(asy_queue *q); /* must be empty of things that need freeing */

/* Never blocks (the queue is unbounded; its users bound what they send). */
void asy_queue_push(asy_queue *q, void *item);

/* The oldest item, waiting up to timeout_ms (UINT32_MAX = for ever); NULL on time-out.
 */
void *asy_queue_pop(asy_queue *q, uint32_t timeout_ms);

/* Moves up to `max` items at once; waits like asy_queue_pop for the first. */
size_t asy_queue_pop_many(asy_queue *q, void **items, size_t max, uint32_t timeout_ms);

size_t asy_queue_length(asy_queue *q);
