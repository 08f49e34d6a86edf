/* dispatch.h - requests of workers: results in, trials out. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/peer.h"

/* A request or a lost connection; owned. */
void asy_dispatch_event(asy_host *h, asy_net_event *e);
/* What came with its request is durable: it gets its answer. */
void asy_dispatch_committed(asy_peer *p);
/* Gives queued trials to workers that wait for some. */
void asy_dispatch_wake(asy_host *h);
void asy_dispatch_release(asy_host *h); /* answers all that wait, at the end */
