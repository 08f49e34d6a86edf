/* honest.h - a worker of the tests' own: it keeps a ledger of what the host
 * acknowledged, and gives some results twice, the second time wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "lab/work.h"
#include "net/link.h"

enum { HONEST_MOST = 4096 };

typedef struct honest_entry {
    int64_t trial; /* id of the store */
    double score;
} honest_entry;

typedef struct honest {
    const char *url, *token_file; /* of the host; borrowed */
    atomic_uint acked; /* entries of the ledger: reply received, so durable */
    honest_entry ledger[HONEST_MOST];
    bool has_order; /* leases came in ascending order, all of the host's epoch */
} honest;

/* What faults.lua computes. */
double honest_score(int64_t x, int64_t steps);

/* Says HELLO with the host's token; what every later request must carry. */
asy_err honest_hello(asy_link *link, const char *token_file, uint8_t ticket[ASY_TICKET],
                     uint64_t *epoch);

/* A thread's main: works until the host is gone or refuses. arg: a honest. */
void *honest_main(void *arg);
