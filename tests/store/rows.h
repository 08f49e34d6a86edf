/* rows.h - folders and rows that the tests of the store share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"

/* A fresh folder for one test; *state is its path. */
static inline int make_folder(void **state)
{
    const char *base = getenv("TMPDIR");
    asy_buf path = {0};
    asy_buf_printf(&path, "%s/assay-store-XXXXXX", base ? base : "/tmp");
    *state = asy_buf_take(&path);
    return mkdtemp(*state) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    asy_buf command = {0};
    asy_buf_printf(&command, "rm -rf '%s'", (const char *)*state);
    int code = system(asy_buf_text(&command));
    asy_buf_fini(&command);
    asy_free(*state);
    return code;
}

#define must(call)                                                                     \
    do {                                                                               \
        asy_err must_err = (call);                                                     \
        if (must_err)                                                                  \
            fail_msg("%s: %s", #call, asy_errmsg());                                   \
    } while (0)

static inline asy_row_session a_session(const char *name)
{
    return (asy_row_session){.name = name,
                             .rule_name = "best.lua",
                             .rule = "return {}",
                             .title = "A title",
                             .options = "{\"a\":1}",
                             .settings = "{}",
                             .dataset = "d00d",
                             .label = "Species",
                             .prepared = "[]",
                             .seed = UINT64_MAX,
                             .state = ASY_SESSION_RUNNING,
                             .digest = "",
                             .error = "",
                             .created = 1234567890123};
}

static inline asy_hash a_key(uint64_t n) { return asy_hash_of(&n, sizeof n); }

static inline asy_row_trial a_trial(int64_t id, int64_t session, int64_t number)
{
    return (asy_row_trial){.id = id,
                           .session = session,
                           .number = number,
                           .proposal = number,
                           .state = ASY_TRIAL_QUEUED,
                           .seed = (uint64_t)number,
                           .key = a_key((uint64_t)id),
                           .params = "{\"depth\":3}",
                           .design = "{\"layers\":[16,16]}",
                           .score = NAN,
                           .queued = 1000 + number};
}

static inline asy_row_trial an_end(int64_t id, double score)
{
    return (asy_row_trial){.id = id,
                           .state = ASY_TRIAL_DONE,
                           .attempt = 1,
                           .score = score,
                           .metrics = "{\"accuracy\":0.5}",
                           .reason = "patience",
                           .epochs = 30,
                           .seconds = 0.25,
                           .parameters = 99,
                           .flops = 1e9,
                           .how = "blas/avx2/1",
                           .worker = "host-1",
                           .told = id,
                           .ended = 5000};
}

/* Opens, makes one session with n queued trials 1 .. n (ids and numbers alike). */
static inline asy_store *store_with(const char *folder, size_t n, int64_t *session)
{
    asy_store *s;
    must(asy_store_open(folder, &s));
    asy_row_session row = a_session("iris-1");
    must(asy_store_new_session(s, &row, session));
    asy_row_trial *rows = asy_alloc(n, sizeof *rows);
    int64_t first = asy_store_next_trial(s, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = a_trial(first + (int64_t)i, *session, (int64_t)i + 1);
    asy_hash specs = a_key(7);
    asy_store_scatter(s, *session, 1, &specs, 0, rows, n, NULL, NULL);
    must(asy_store_flush(s));
    asy_free(rows);
    return s;
}

static inline bool count_trial(void *ctx, const asy_row_trial *row)
{
    (void)row;
    ++*(size_t *)ctx;
    return true;
}

static inline size_t count_trials(asy_store *s, uint32_t states)
{
    size_t n = 0;
    asy_trial_query q = {.states = states};
    must(asy_store_trials(s, &q, count_trial, &n));
    return n;
}
