/* lease.h - who holds which trial, and how it comes back when they do not. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/peer.h"

void asy_lease_grant(asy_peer *p, asy_trial *t, uint64_t seq);
/* A lease of an earlier epoch goes on with its worker. */
void asy_lease_adopt(asy_peer *p, asy_trial *t, uint64_t lease);
void asy_lease_end(asy_trial *t);
/* Takes a lease back: the trial waits again, or ends if it was ordered to or kills
 * workers. */
void asy_lease_back(asy_trial *t, bool died);
void asy_lease_back_all(asy_peer *p, bool died);
/* Of a session that is over: nothing is written; the worker learns it when it asks. */
void asy_lease_drop(asy_trial *t);
/* Compares what a worker says it holds with what it was given. *unknown: leases it
 * lists that it does not have. `done` results of the same request count as held. */
void asy_lease_reconcile(asy_peer *p, const asy_ask *ask, asy_runs *unknown);
asy_trial *asy_lease_find(asy_peer *p, uint64_t lease);
