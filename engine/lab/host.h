/* host.h - the host: owns the store, runs sessions, hands out trials, gathers results.
 *
 * One core thread (the caller of asy_host_run) owns all queues and leases. Everything
 * else - NNG callbacks, the store's writer, the rule's I/O thread, signals - puts a
 * message in its queue.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/rule.h"
#include "base/log.h"
#include "store/store.h"

typedef struct asy_host asy_host;

typedef struct asy_host_config {
    const char *folder; /* of the store */
    const char *const
        *listen;      /* further URLs beside the local one, NULL-ended; may be NULL */
    uint32_t workers; /* local worker processes to start and keep alive */
    const char *program;       /* what to start them with: argv[0] of this process */
    const asy_rule_ops *rules; /* how rules are run */
    uint32_t beat_ms;          /* between two signs of life of a worker; 0: 2,000 */
} asy_host_config;

typedef struct asy_session_config {
    const char *rule_name, *rule; /* file name and source */
    size_t rule_len;
    const json_t *options; /* --set; may be NULL */
    const char *data_path; /* CSV to import ... */
    const char *dataset;   /* ... or the hash of an imported one */
    const char *label;     /* NULL: the last column */
    const char *name;      /* NULL: made from the dataset's name */
    uint64_t seed;
    uint64_t trials; /* 0: as the rule says */
    double seconds;  /* 0: as the rule says */
    bool fresh;      /* do not take results from the trial cache */
} asy_session_config;

/* What a watcher sees; all counts are of one session. */
typedef struct asy_progress {
    int64_t session;
    const char *name;
    asy_session_state state;
    uint64_t planned; /* 0: not known (free sweeps) */
    uint64_t made, queued, running, done, failed, pruned, cancelled, cached;
    double seconds, rate;    /* trials a second, lately */
    double eta;              /* seconds; NaN when unknown */
    double best;             /* score; NaN when none */
    int64_t best_trial;      /* number */
    const char *best_params; /* canonical JSON */
    bool maximize;
    const char *objective; /* metric's name */
    uint32_t workers;      /* connected */
    const char *trouble;   /* "disk full, waiting": or NULL */
} asy_progress;

typedef struct asy_host_watch {
    void *ctx;
    void (*progress)(void *ctx,
                     const asy_progress *p); /* at most 10 a second, and at the end */
    void (*log)(void *ctx, asy_level level, const char *line); /* rule logs, warnings */
    bool (*stop)(
        void *ctx); /* asked each tick: true = stop handing out, keep what is done */
} asy_host_watch;

asy_err asy_host_open(const asy_host_config *config, asy_host **out);
/* Imports, asks the rule, prepares, stores the session. ASY_EARG/ASY_ESCRIPT with a
 * message for people when data or rule are wrong. */
asy_err asy_host_start(asy_host *h, const asy_session_config *config, int64_t *session);
/* Takes an ended or interrupted session up again by replay. */
asy_err asy_host_resume(asy_host *h, const char *which, int64_t *session);
/* Runs until every session has ended (or stop). */
asy_err asy_host_run(asy_host *h, const asy_host_watch *watch);
asy_store *asy_host_store(asy_host *h);
/* Where workers reach it: 0 is the local URL, then those of the configuration. NULL
 * after the last. Borrowed. */
const char *asy_host_url(const asy_host *h, uint32_t i);
/* Ends workers and closes the store. */
void asy_host_close(asy_host *h);

/* The hash over (design, seed, metrics) of all trials in order of number. */
asy_err asy_session_digest(asy_store *s, int64_t session, char out[ASY_HASH_TEXT]);
