/* replay.h - a session goes on after its host or its rule ended.
 *
 * The rule runs again from the top. Its n-th scatter is matched with the n-th one in
 * the store, and before each scatter it is told exactly the results that it knew then,
 * in the order in which they were told. When nothing stored is left the session is live
 * again.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/session.h"

asy_err asy_replay_open(asy_session *s); /* loads the board from the store */
void asy_replay_begin(asy_session *s);   /* everything ended is to be told again */
/* Matches a scatter with the stored one of its number: how many of the n proposals it
 * made then; 0 = the store has none. ASY_ESCRIPT when they differ. */
asy_err asy_replay_scatter(asy_session *s, const asy_hash *specs, asy_spec *const *spec,
                           uint32_t n, int32_t priority, uint32_t *matched);
/* Queues what comes next of the stored results; ends the replay when none are left. */
void asy_replay_feed(asy_session *s);
