/* failures.h - why trials of a session failed, reason by reason. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "store/store.h"

/* Prints the commonest reasons with their numbers of trials to stdout; nothing when no
 * trial failed. A reason that goes on for lines is told by its first. */
asy_err asy_failures_print(asy_store *s, int64_t session);
