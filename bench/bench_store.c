/* bench_store.c - rows a second, durable: scatters of thousands, ends in group commits.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

enum { TRIALS = 100000, SCATTER = 5000, ROUNDS = 3 };

static const char params[] = "{\"activation\":\"relu\",\"depth\":4,\"dropout\":0.25,"
                             "\"rate\":0.0031,\"width\":57}";
static const char design[] =
    "{\"batch\":32,\"epochs\":30,\"hidden\":[{\"activation\":\"relu\",\"dropout\":0.25,"
    "\"units\":57},{\"activation\":\"relu\",\"dropout\":0.25,\"units\":57}],"
    "\"optimizer\":{\"name\":\"adam\",\"rate\":0.0031}}";
static const char metrics[] =
    "{\"accuracy\":0.93,\"loss\":0.21,\"test_accuracy\":0.93,\"test_loss\":0.21,"
    "\"train_accuracy\":0.95,\"train_loss\":0.18}";

static void must(asy_err err)
{
    if (!err)
        return;
    fprintf(stderr, "bench_store: %s\n", asy_errmsg());
    exit(1);
}

static int64_t make_session(asy_store *s)
{
    asy_row_session row = {.name = "bench", .rule = "return {}"};
    int64_t id;
    must(asy_store_new_session(s, &row, &id));
    return id;
}

static void scatter_all(asy_store *s, int64_t session, int64_t first)
{
    asy_row_trial *rows = asy_alloc(SCATTER, sizeof *rows);
    asy_hash specs = asy_hash_of("specs", 5);
    for (int64_t done = 0, seq = 1; done < TRIALS; done += SCATTER, seq++) {
        for (int64_t i = 0; i < SCATTER; i++) {
            int64_t id = first + done + i;
            rows[i] = (asy_row_trial){.id = id,
                                      .session = session,
                                      .number = done + i + 1,
                                      .proposal = done + i + 1,
                                      .seed = (uint64_t)id,
                                      .key = asy_hash_of(&id, sizeof id),
                                      .params = params,
                                      .design = design,
                                      .score = NAN};
        }
        asy_store_scatter(s, session, seq, &specs, 0, rows, SCATTER, NULL, NULL);
    }
    asy_free(rows);
    must(asy_store_flush(s));
}

static void end_all(asy_store *s, int64_t first)
{
    char curve[400] = {0};
    for (int64_t i = 0; i < TRIALS; i++) {
        asy_row_trial end = {.id = first + i,
                             .state = ASY_TRIAL_DONE,
                             .attempt = 1,
                             .score = (double)(i % 997) / 997,
                             .metrics = metrics,
                             .epochs = 30,
                             .seconds = 0.01,
                             .parameters = 4000,
                             .how = "blas/avx2/1",
                             .worker = "host-1",
                             .told = i + 1};
        asy_store_end_trial(s, &end, curve, sizeof curve, NULL, NULL);
        if (i % SCATTER == SCATTER - 1)
            must(asy_store_flush(s)); /* callers hold back; so does this one */
    }
    must(asy_store_flush(s));
}

static bool count(void *ctx, const asy_row_trial *t)
{
    *(double *)ctx += t->score;
    return true;
}

/* What the process has computed so far, all threads: tells the cost of a row whatever
 * else the machine is doing. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_since(uint64_t before)
{
    return (double)(asy_now_ns() - before) / 1e9;
}

static void look_up_all(asy_store *s, int64_t first)
{
    double sum = 0;
    uint64_t before = asy_now_ns();
    for (int64_t i = 0; i < TRIALS; i++) {
        int64_t id = first + i;
        asy_hash key = asy_hash_of(&id, sizeof id);
        must(asy_store_by_key(s, &key, count, &sum));
    }
    printf("  by key          %9.0f /s\n", TRIALS / seconds_since(before));
}

static void read_all(asy_store *s, int64_t session)
{
    double sum = 0;
    uint64_t before = asy_now_ns();
    must(asy_store_trials(s, &(asy_trial_query){.session = session}, count, &sum));
    printf("  all in order    %9.0f /s\n", TRIALS / seconds_since(before));
    before = asy_now_ns();
    must(asy_store_trials(s,
                          &(asy_trial_query){.session = session,
                                             .states = 1 << ASY_TRIAL_DONE,
                                             .order = ASY_BY_SCORE,
                                             .descending = true,
                                             .limit = 100},
                          count, &sum));
    printf("  best 100        %9.2f ms\n", 1e3 * seconds_since(before));
    before = asy_now_ns();
    must(asy_store_trials(
        s, &(asy_trial_query){.session = session, .states = 1 << ASY_TRIAL_FAILED},
        count, &sum));
    printf("  failed ones     %9.2f ms\n", 1e3 * seconds_since(before));
}

int main(void)
{
    char folder[] = "bench-store-XXXXXX";
    if (!mkdtemp(folder))
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%d", folder, round);
        asy_store *s;
        must(asy_store_open(path, &s));
        int64_t session = make_session(s), first = asy_store_next_trial(s, TRIALS);
        uint64_t before = asy_now_ns();
        double cpu = cpu_seconds();
        scatter_all(s, session, first);
        printf("round %d\n  scatter         %9.0f /s  %5.1f us CPU each\n", round + 1,
               TRIALS / seconds_since(before), 1e6 * (cpu_seconds() - cpu) / TRIALS);
        before = asy_now_ns();
        cpu = cpu_seconds();
        end_all(s, first);
        printf("  end             %9.0f /s  %5.1f us CPU each\n",
               TRIALS / seconds_since(before), 1e6 * (cpu_seconds() - cpu) / TRIALS);
        look_up_all(s, first);
        read_all(s, session);
        asy_store_close(s);
    }
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}
