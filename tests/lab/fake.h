/* fake.h - a rule without a script, and the set-up that tests of a host share.
 *
 * The "source" of a fake rule is JSON:
 *   {"n": proposals, "chunk": 500, "ahead": 4000, "own": false, "repeats": 1, "folds":
 * 1, "adapt": false, "epochs": 2, "units": 4, "fail": "", "cancel": 0, "pruner": false,
 *    "die_at": 0, "limit": 0, "function": false, "slow_from": 0}
 * adapt: the next design depends on the best score so far. fail: the call that fails.
 * cancel: the number of a proposal to cancel at once. pruner: stops every trial at its
 * second report. die_at: the rule's "process" ends after so many results, once.
 * slow_from: `trial =` proposals after that one take half a second each.
 */
#pragma once
#include "lab/host.h"
#include "lab/worker.h"

extern const asy_rule_ops fake_rules;
/* `trial =` functions: score = params.x; {"crash": true} kills the worker, {"sleep": s}
 * takes time, {"fail": true} fails. */
extern const asy_own_ops fake_own;

/* What the process does when it is started as a worker by a host: -1 = it was not. */
int fake_worker_main(int argc, char **argv);

/* A folder of its own for a test's store, empty. Free with fake_folder_free(). */
char *fake_folder(void);
void fake_folder_free(char *folder);

asy_err fake_host(const char *folder, uint32_t workers, asy_host **out);
/* Starts a session of a fake rule on the iris data. */
asy_err fake_start(asy_host *h, const char *source, uint64_t seed, int64_t *session);

/* The row of a session; text is not kept. */
typedef struct fake_row {
    asy_session_state state;
    uint64_t done, failed, pruned, cancelled, cached, trials;
    char digest[ASY_HASH_TEXT];
    char error[512];
} fake_row;
fake_row fake_session(asy_store *s, int64_t session);
