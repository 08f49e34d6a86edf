/* drive.h - runs a session that a host has started, with progress on stderr, until it
 * ends or the user stops it, and prints what came out. What `run` and `resume` share.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cmd/option.h"
#include "cmd/progress.h"
#include "lab/host.h"

/* Called first: makes Ctrl-C and SIGTERM stop handing out (the second one kills), and
 * sends log lines through the view. */
void asy_drive_begin(asy_progress_view *view);

/* Local workers: what --workers says, else one a core. 2 (wrong usage, told) when there
 * would be nobody to train; else 0. */
int asy_drive_workers(const asy_args *a, uint32_t *workers);

/* Opens a host as --store and --listen say. */
asy_err asy_drive_open(const asy_args *a, uint32_t workers, asy_host **out);

/* Runs the session to its end and prints the answer. Returns the exit status. */
int asy_drive_session(asy_host *h, int64_t session, asy_progress_view *view,
                      bool as_json);
