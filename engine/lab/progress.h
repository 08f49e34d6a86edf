/* progress.h - what a watcher sees of the sessions. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/host.h"

/* Tells the watcher, at most ten times a second but in any case at the end. now:
 * monotonic ms. */
void asy_progress_send(asy_host *h, uint64_t now, bool at_end);
