/* failures.c - why trials failed: equal reasons are counted together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/failures.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cmd/grid.h"

/* Reasons may all differ, as those with numbers in them do: those that come first are
 * told apart, the others are only counted. */
enum { MOST_REASONS = 64, SHOWN = 5 };

typedef struct reason {
    char *text; /* owned */
    uint64_t trials;
    int64_t first; /* number of the first such trial */
} reason;

typedef struct tally {
    reason reason[MOST_REASONS];
    size_t n;
    uint64_t trials; /* all that failed */
} tally;

static bool count(void *ctx, const asy_row_trial *row)
{
    tally *t = ctx;
    size_t len = strcspn(row->reason, "\n"), i = 0;
    t->trials++;
    while (i < t->n && (strlen(t->reason[i].text) != len ||
                        memcmp(t->reason[i].text, row->reason, len) != 0))
        i++;
    if (i == MOST_REASONS)
        return true;
    if (i == t->n)
        t->reason[t->n++] =
            (reason){.text = asy_strndup(row->reason, len), .first = row->number};
    t->reason[i].trials++;
    return true;
}

/* The commonest first; equals in the order of their trials. */
static int by_trials(const void *a, const void *b)
{
    const reason *x = a, *y = b;
    if (x->trials != y->trials)
        return x->trials < y->trials ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static void print(tally *t)
{
    static const char *const head[] = {">failed", ">trial", "why"};
    size_t shown = t->n < SHOWN ? t->n : SHOWN;
    uint64_t others = t->trials;
    asy_grid g;
    qsort(t->reason, t->n, sizeof *t->reason, by_trials);
    asy_grid_open(&g, head, 3);
    for (size_t i = 0; i < shown; i++) {
        asy_grid_addf(&g, "%llu", (unsigned long long)t->reason[i].trials);
        asy_grid_addf(&g, "%lld", (long long)t->reason[i].first);
        asy_grid_add(&g, t->reason[i].text);
        others -= t->reason[i].trials;
    }
    if (others > 0) {
        asy_grid_addf(&g, "%llu", (unsigned long long)others);
        asy_grid_add(&g, "");
        asy_grid_add(&g, "other reasons: assay trials --where 'state = failed'");
    }
    putchar('\n');
    asy_grid_print(&g, stdout);
}

asy_err asy_failures_print(asy_store *s, int64_t session)
{
    tally t = {0};
    const asy_trial_query q = {
        .session = session, .states = 1 << ASY_TRIAL_FAILED, .order = ASY_BY_NUMBER};
    asy_err err = asy_store_trials(s, &q, count, &t);
    if (!err && t.n > 0)
        print(&t);
    for (size_t i = 0; i < t.n; i++)
        asy_free(t.reason[i].text);
    return err;
}
