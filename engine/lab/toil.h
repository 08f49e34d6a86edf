/* toil.h - a worker's one training thread: takes trials, trains, leaves results. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/fetch.h"
#include "lab/held.h"
#include "lab/rule.h"

typedef struct asy_toil asy_toil;

/* All borrowed for the trainer's life; own may be NULL when there are no `trial =`
 * rules. */
asy_toil *asy_toil_new(asy_held *held, asy_fetch *fetch, const asy_own_ops *own);
void asy_toil_free(asy_toil *t);

/* Works until the held list is stopped. */
void asy_toil_run(asy_toil *t);
