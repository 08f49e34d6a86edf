/* test_progress.c - what the progress line says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cmd/progress.h"

static void expect(const asy_progress *p, const char *text)
{
    asy_buf b = {0};
    asy_progress_put(&b, p);
    assert_string_equal(asy_buf_text(&b), text);
    asy_buf_fini(&b);
}

static void test_words(void **state)
{
    (void)state;
    asy_progress p = {.planned = 1000, .eta = NAN, .best = NAN};
    expect(&p, "0/1000 trials");
    p.done = 400;
    p.failed = 2;
    p.pruned = 10;
    p.rate = 812.4;
    p.eta = 0.72;
    p.best = 0.96666;
    p.best_trial = 211;
    p.objective = "accuracy";
    expect(&p, "412/1000 trials, 812/s, 720 ms left, best accuracy 0.9667 (trial 211), "
               "10 pruned, 2 failed");
    p.trouble = "disk full, waiting";
    p.cached = 3;
    expect(&p, "412/1000 trials, 812/s, 720 ms left, best accuracy 0.9667 (trial 211), "
               "3 cached, 10 pruned, 2 failed, disk full, waiting");
}

static void test_unknown_plan(void **state)
{
    (void)state;
    asy_progress p = {.done = 7, .rate = 0.25, .eta = NAN, .best = -3, .best_trial = 1};
    expect(&p, "7 trials, 0.2/s, best score -3 (trial 1)");
}

static void test_done_has_no_eta(void **state)
{
    (void)state;
    asy_progress p = {.planned = 5, .done = 5, .rate = 20, .eta = 0, .best = NAN};
    expect(&p, "5/5 trials, 20/s");
}

/* Not a terminal: nothing at first, a line at the end, said once, and never a colour.
 */
static void test_plain_lines(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    char path[] = "/tmp/assay-progress-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w+");
    assert_non_null(f);
    asy_progress_view view = {.out = f};
    asy_progress p = {.name = "iris-1", .planned = 9, .eta = NAN, .best = NAN};
    asy_progress_show(&view, &p);
    asy_progress_say(&view, ASY_WARN, "a worker was killed");
    p.done = 9;
    p.state = ASY_SESSION_DONE;
    asy_progress_show(&view, &p);
    asy_progress_show(&view, &p);
    asy_progress_end(&view);
    rewind(f);
    assert_true(getdelim(&text, &len, '\0', f) > 0);
    assert_string_equal(text, "warning: a worker was killed\niris-1: 9/9 trials\n");
    free(text);
    fclose(f);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_unknown_plan),
        cmocka_unit_test(test_done_has_no_eta),
        cmocka_unit_test(test_plain_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
