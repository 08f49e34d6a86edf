/* progress.h - how a session goes, on stderr: a bar that redraws itself on a terminal,
 * a line every few seconds elsewhere. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdio.h>
#include "lab/host.h"

/* Zeroed but for `out`. One thread at a time, except asy_progress_say(). */
typedef struct asy_progress_view {
    FILE *out;
    bool is_drawn;    /* a bar stands in the last line; guarded by out's lock */
    uint64_t next_ms; /* when the next plain line is due */
    bool had_trouble, has_ended; /* so the last plain line said */
} asy_progress_view;

void asy_progress_show(asy_progress_view *v, const asy_progress *p);

/* A line of its own above the bar; from any thread. */
void asy_progress_say(asy_progress_view *v, asy_level level, const char *line);

/* Takes the bar away. */
void asy_progress_end(asy_progress_view *v);

/* The words without bar or colour: "412/1000 trials, 810/s, 0.7 s left, ...". */
void asy_progress_put(asy_buf *out, const asy_progress *p);
