/* test_prepare.c - steps are fitted on the training part and repeated on other tables.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/rng.h"
#include "csv_text.h"
#include "data/prepare.h"

static json_t *steps_of(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

static asy_err run_fold(const asy_table *t, const char *label, const char *steps,
                        uint64_t seed, uint32_t folds, uint32_t fold, asy_tensors **out)
{
    json_t *list = steps_of(steps);
    asy_prepare_job job = {
        .table = t, .steps = list, .seed = seed, .folds = folds, .fold = fold};
    assert_int_equal(asy_table_find(t, label, &job.label), ASY_OK);
    asy_err e = asy_prepare_run(&job, out);
    json_decref(list);
    return e;
}

static asy_tensors *run(const asy_table *t, const char *label, const char *steps)
{
    asy_tensors *out;
    if (run_fold(t, label, steps, 1, 1, 0, &out))
        fail_msg("%s: %s", steps, asy_errmsg());
    return out;
}

static void run_fails(const char *csv, const char *label, const char *steps,
                      const char *part)
{
    asy_tensors *out;
    asy_table *t = csv_table(csv);
    assert_int_equal(run_fold(t, label, steps, 1, 1, 0, &out), ASY_EARG);
    assert_null(out);
    if (!strstr(asy_errmsg(), part))
        fail_msg("\"%s\" expected in: %s", part, asy_errmsg());
    asy_table_free(t);
}

static asy_table *iris(void)
{
    asy_table *t;
    assert_int_equal(asy_csv_load(ASY_SOURCE_DIR "/tests/fixtures/iris.csv", NULL, &t),
                     ASY_OK);
    return t;
}

static const char *input(const asy_tensors *t, uint32_t i)
{
    return json_string_value(json_array_get(json_object_get(t->meta, "inputs"), i));
}

/* Twenty rows with gaps: x 1..20 without 10, kind a/b/c, label p/q. */
static asy_table *gaps(void)
{
    asy_buf b = {0};
    asy_buf_puts(&b, "x,kind,flat,part,y\n");
    for (int i = 1; i <= 20; i++) {
        const char *kind = i > 15 ? "c" : i % 2 ? "a" : "b";
        const char *part = i <= 14 ? "train" : i <= 17 ? "val" : "test";
        if (i != 10)
            asy_buf_printf(&b, "%d", i);
        asy_buf_printf(&b, ",%s,5,%s,%s\n", i == 7 ? "" : kind, part,
                       i % 2 ? "p" : "q");
    }
    asy_table *t = csv_table(asy_buf_text(&b));
    asy_buf_fini(&b);
    return t;
}

#define BY_PART "{\"op\":\"split\",\"by\":\"part\"}"

static void default_split_is_stratified(void **state)
{
    (void)state;
    asy_table *t = iris();
    asy_tensors *p = run(t, "Species", "[]");
    assert_int_equal(p->inputs, 4);
    assert_int_equal(p->classes, 3);
    assert_int_equal(p->part[ASY_TRAIN].rows, 120);
    assert_int_equal(p->part[ASY_VALIDATE].rows, 0);
    assert_int_equal(p->part[ASY_TEST].rows, 30);
    int count[3] = {0};
    for (int i = 0; i < 30; i++)
        count[p->part[ASY_TEST].label[i]]++;
    assert_int_equal(count[0], 10);
    assert_int_equal(count[1], 10);
    uint8_t seen[150] = {0};
    for (int k = 0; k < ASY_PARTS; k++)
        for (uint32_t i = 0; i < p->part[k].rows; i++) {
            int32_t r = p->part[k].row[i];
            assert_false(seen[r]++);
            assert_true(p->part[k].x[i * 4 + 2] == (float)t->column[2].number[r]);
            assert_int_equal(p->part[k].label[i], t->column[4].code[r]);
        }
    asy_tensors_free(p);
    asy_table_free(t);
}

static void equal_seeds_give_equal_bytes(void **state)
{
    (void)state;
    asy_table *t = iris();
    asy_tensors *a, *b, *c;
    const char *steps = "[{\"op\":\"split\",\"test\":0.3,\"validate\":0.2}]";
    assert_int_equal(run_fold(t, "Species", steps, 5, 1, 0, &a), ASY_OK);
    assert_int_equal(run_fold(t, "Species", steps, 5, 1, 0, &b), ASY_OK);
    assert_int_equal(run_fold(t, "Species", steps, 6, 1, 0, &c), ASY_OK);
    assert_true(asy_hash_equal(&a->hash, &b->hash));
    assert_false(asy_hash_equal(&a->hash, &c->hash));
    assert_int_equal(a->part[ASY_TEST].rows, 45);
    assert_int_equal(a->part[ASY_VALIDATE].rows, 30);
    asy_tensors_free(a);
    asy_tensors_free(b);
    asy_tensors_free(c);
    asy_table_free(t);
}

/* Stratifying cannot help a class of one row: the message must not say so. */
static void folds_need_two_rows_of_a_class(void **state)
{
    (void)state;
    asy_table *t = csv_table("x,y\n1,a\n2,a\n3,a\n4,a\n5,solo\n");
    int faults = 0;
    for (uint32_t fold = 0; fold < 2; fold++) {
        asy_tensors *p;
        if (run_fold(t, "y", "[{\"op\":\"split\",\"stratify\":true}]", 1, 2, fold,
                     &p)) {
            assert_non_null(strstr(asy_errmsg(),
                                   "\"solo\"; stratify, and leave classes of "
                                   "a single row out of folds"));
            faults++;
        }
        asy_tensors_free(p);
    }
    assert_int_equal(faults, 1);
    asy_table_free(t);
}

static void folds_cover_every_row_once(void **state)
{
    (void)state;
    asy_table *t = iris();
    uint8_t tested[150] = {0};
    for (uint32_t fold = 0; fold < 7; fold++) {
        asy_tensors *p;
        assert_int_equal(run_fold(t, "Species", "[]", 3, 7, fold, &p), ASY_OK);
        assert_in_range(p->part[ASY_TEST].rows, 21, 22);
        int count[3] = {0};
        for (uint32_t i = 0; i < p->part[ASY_TEST].rows; i++) {
            tested[p->part[ASY_TEST].row[i]]++;
            count[p->part[ASY_TEST].label[i]]++;
        }
        for (int k = 0; k < 3; k++)
            assert_in_range(count[k], 7, 8);
        asy_tensors_free(p);
    }
    for (int r = 0; r < 150; r++)
        assert_int_equal(tested[r], 1);
    asy_tensors *p;
    assert_int_equal(run_fold(t, "Species", "[]", 3, 7, 7, &p), ASY_EARG);
    assert_int_equal(run_fold(t, "Species", "[]", 3, 200, 0, &p), ASY_EARG);
    asy_table_free(t);
}

/* Statistics come from the fourteen training rows alone, where x is 1..14 without 10.
 */
static void fits_on_the_training_part_only(void **state)
{
    (void)state;
    asy_table *t = gaps();
    asy_tensors *p =
        run(t, "y",
            "[" BY_PART ",{\"op\":\"drop\",\"columns\":[\"kind\",\"flat\"]},"
            "{\"op\":\"fill_missing\",\"with\":\"mean\",\"indicator\":true},"
            "{\"op\":\"scale\",\"lo\":-1,\"hi\":1,\"columns\":[\"x\"]}]");
    assert_int_equal(p->inputs, 2);
    assert_string_equal(input(p, 1), "x_missing");
    assert_int_equal(p->part[ASY_TRAIN].rows, 14);
    assert_int_equal(p->part[ASY_VALIDATE].rows, 3);
    assert_int_equal(p->part[ASY_TEST].rows, 3);
    const float *x = p->part[ASY_TRAIN].x;
    assert_true(x[0] == -1 && x[13 * 2] == 1);
    double mean = (105.0 - 10) / 13;
    assert_true(fabs(x[9 * 2] - ((mean - 1) / 13 * 2 - 1)) < 1e-6);
    assert_true(x[9 * 2 + 1] == 1 && x[8 * 2 + 1] == 0);
    assert_true(fabs(p->part[ASY_TEST].x[4] - ((20 - 1) / 13.0 * 2 - 1)) < 1e-6);
    asy_tensors_free(p);
    p = run(t, "y",
            "[" BY_PART ",{\"op\":\"keep\",\"columns\":[\"x\",\"flat\",\"y\"]},"
            "{\"op\":\"fill_missing\",\"with\":\"median\"},{\"op\":\"standardize\"}]");
    double sum = 0, squares = 0;
    for (int i = 0; i < 14; i++) {
        sum += p->part[ASY_TRAIN].x[i * 2];
        squares += p->part[ASY_TRAIN].x[i * 2] * p->part[ASY_TRAIN].x[i * 2];
        assert_true(p->part[ASY_TRAIN].x[i * 2 + 1] == 0); /* flat carries nothing */
    }
    assert_true(fabs(sum) < 1e-5 && fabs(squares / 14 - 1) < 1e-5);
    asy_tensors_free(p);
    asy_table_free(t);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of many columns of all lengths and shapes, against sorting. */
static void medians_are_right(void **state)
{
    (void)state;
    asy_rng rng = asy_rng_open(asy_rng_key(8, 0), ASY_STREAM_RULE, 0);
    for (uint32_t n = 2; n < 120; n++) {
        double *x = malloc(n * sizeof *x);
        asy_buf b = {0};
        asy_buf_puts(&b, "x,y\n");
        for (uint32_t i = 0; i < n; i++) {
            x[i] = n % 3 == 0 ? i : (double)asy_rng_below(&rng, n % 3 == 1 ? 5 : 1000);
            asy_buf_printf(&b, "%g,%s\n", x[i], i % 2 ? "a" : "b");
        }
        asy_buf_puts(&b, ",a\n,b\n");
        asy_table *t = csv_table(asy_buf_text(&b));
        asy_tensors *p = run(t, "y",
                             "[{\"op\":\"split\",\"test\":0},"
                             "{\"op\":\"fill_missing\",\"with\":\"median\"}]");
        qsort(x, n, sizeof *x, by_value);
        double median = n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
        assert_true(p->part[ASY_TRAIN].x[n] == (float)median);
        asy_tensors_free(p);
        asy_table_free(t);
        asy_buf_fini(&b);
        free(x);
    }
}

/* "c" is not in the training part: zero in every input. */
static void one_hot_knows_the_training_categories(void **state)
{
    (void)state;
    asy_table *t = gaps();
    asy_tensors *p = run(
        t, "y",
        "[" BY_PART ",{\"op\":\"keep\",\"columns\":[\"kind\"]},{\"op\":\"one_hot\"}]");
    assert_int_equal(p->inputs, 2);
    assert_string_equal(input(p, 0), "kind=a");
    assert_string_equal(input(p, 1), "kind=b");
    assert_true(p->part[ASY_TRAIN].x[0] == 1 && p->part[ASY_TRAIN].x[1] == 0);
    assert_true(p->part[ASY_TRAIN].x[12] == 0 && p->part[ASY_TRAIN].x[13] == 0);
    assert_true(p->part[ASY_TEST].x[4] == 0 && p->part[ASY_TEST].x[5] == 0);
    asy_tensors_free(p);
    p = run(t, "y",
            "[" BY_PART ",{\"op\":\"keep\",\"columns\":[\"kind\"]},"
            "{\"op\":\"fill_missing\",\"with\":0},{\"op\":\"one_hot\"}]");
    assert_int_equal(p->inputs, 3);
    assert_string_equal(input(p, 2), "kind=missing");
    asy_tensors_free(p);
    p = run(t, "y",
            "[" BY_PART ",{\"op\":\"keep\",\"columns\":[\"kind\"]},"
            "{\"op\":\"fill_missing\",\"with\":\"mode\"},"
            "{\"op\":\"one_hot\",\"max_categories\":1}]");
    assert_int_equal(p->inputs, 1);
    assert_string_equal(input(p, 0), "kind=b");
    assert_true(p->part[ASY_TRAIN].x[6] == 1); /* the gap is filled with b */
    asy_tensors_free(p);
    p = run(t, "y",
            "[" BY_PART ",{\"op\":\"keep\",\"columns\":[\"kind\"]},"
            "{\"op\":\"fill_missing\",\"with\":\"mode\"}]");
    assert_int_equal(p->inputs, 1);
    assert_true(p->part[ASY_TRAIN].x[1] == 1); /* codes; c was unseen and filled */
    asy_tensors_free(p);
    asy_table_free(t);
}

static void log_clip_and_derive_change_values(void **state)
{
    (void)state;
    asy_table *t = csv_table("u,v,y\n-8,1,a\n3,1e30,b\n0,inf,a\n5,2,b\n");
    asy_tensors *p =
        run(t, "y",
            "[{\"op\":\"split\",\"test\":0},{\"op\":\"log\",\"columns\":[\"u\"]},"
            "{\"op\":\"clip\",\"lo\":-2,\"hi\":1.5},"
            "{\"op\":\"derive\",\"name\":\"w\",\"values\":[1,2,3,4]}]");
    const float *x = p->part[ASY_TRAIN].x;
    assert_int_equal(p->inputs, 3);
    assert_true(x[0] == -2 && fabs(x[3] - log(4)) < 1e-6 && x[6] == 0 && x[9] == 1.5f);
    assert_true(x[1] == 1 && x[4] == 1.5f && x[7] == 1.5f);
    assert_true(x[2] == 1 && x[11] == 4);
    const json_t *fitted = json_object_get(p->meta, "fitted");
    float *z;
    uint64_t rows;
    uint32_t inputs;
    assert_int_equal(asy_prepare_apply(fitted, t, &z, &rows, &inputs), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "computed by the rule"));
    asy_tensors_free(p);
    asy_table_free(t);
}

static void balance_draws_classes_evenly(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "x,y\n");
    for (int i = 0; i < 30; i++)
        asy_buf_printf(&b, "%d.5,%s\n", i, i < 24 ? "many" : "few");
    asy_table *t = csv_table(asy_buf_text(&b));
    static const struct {
        const char *steps;
        uint32_t rows;
    } cases[] = {
        {"[{\"op\":\"split\",\"test\":0},{\"op\":\"balance\",\"how\":\"over\"}]", 48},
        {"[{\"op\":\"balance\",\"how\":\"under\"},{\"op\":\"shuffle\"},"
         "{\"op\":\"split\",\"test\":0}]",
         12}};
    for (int c = 0; c < 2; c++) {
        asy_tensors *p = run(t, "y", cases[c].steps);
        const asy_tensors_part *train = &p->part[ASY_TRAIN];
        uint32_t ones = 0;
        assert_int_equal(train->rows, cases[c].rows);
        for (uint32_t i = 0; i < train->rows; i++) {
            ones += (uint32_t)train->label[i];
            assert_true(train->x[i] == (float)train->row[i] + 0.5f);
        }
        assert_int_equal(ones, train->rows / 2);
        asy_tensors_free(p);
    }
    asy_table_free(t);
    asy_buf_fini(&b);
}

static void groups_stay_together(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "x,patient,y\n");
    for (int i = 0; i < 100; i++)
        asy_buf_printf(&b, "%d,%d,%s\n", i * i % 37, i / 5, i % 2 ? "a" : "b");
    asy_table *t = csv_table(asy_buf_text(&b));
    asy_tensors *p =
        run(t, "y", "[{\"op\":\"split\",\"by\":\"patient\",\"test\":0.3}]");
    assert_int_equal(p->part[ASY_TEST].rows, 30);
    assert_int_equal(p->inputs, 1); /* the column of groups is no feature */
    uint8_t part[20] = {0};
    for (int k = 0; k < ASY_PARTS; k++)
        for (uint32_t i = 0; i < p->part[k].rows; i++)
            part[p->part[k].row[i] / 5] |= (uint8_t)(1 << k);
    for (int g = 0; g < 20; g++)
        assert_true(part[g] == 1 || part[g] == 4);
    asy_tensors_free(p);
    asy_table_free(t);
    asy_buf_fini(&b);
}

static void numbers_are_classes_or_targets(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "x,few,many,real\n");
    for (int i = 0; i < 60; i++)
        asy_buf_printf(&b, "%d,%d,%d,%g\n", i * 7 % 11, 9 - i % 10, i * 3, i * 0.5);
    asy_table *t = csv_table(asy_buf_text(&b));
    asy_tensors *p = run(t, "few", "[]");
    assert_int_equal(p->classes, 10);
    const json_t *classes = json_object_get(p->meta, "classes");
    assert_string_equal(json_string_value(json_array_get(classes, 0)), "0");
    assert_int_equal(p->part[ASY_TRAIN].label[0], 9 - p->part[ASY_TRAIN].row[0] % 10);
    asy_tensors_free(p);
    p = run(t, "many", "[]");
    assert_int_equal(p->classes, 0);
    assert_int_equal(p->outputs, 1);
    assert_true(p->part[ASY_TEST].target[0] == (float)(p->part[ASY_TEST].row[0] * 3));
    asy_tensors_free(p);
    p = run(t, "few",
            "[{\"op\":\"task\",\"task\":\"regress\"},"
            "{\"op\":\"standardize\",\"label\":true}]");
    assert_int_equal(p->classes, 0);
    const json_t *scale = json_object_get(p->meta, "label_scale");
    double mean = json_number_value(json_array_get(scale, 0));
    double deviation = json_number_value(json_array_get(scale, 1));
    double back = p->part[ASY_TRAIN].target[0] * deviation + mean;
    assert_true(fabs(back - (9 - p->part[ASY_TRAIN].row[0] % 10)) < 1e-4);
    asy_tensors_free(p);
    p = run(t, "many",
            "[{\"op\":\"task\",\"task\":\"classify\"},{\"op\":\"split\",\"test\":0}]");
    assert_int_equal(p->classes, 60);
    asy_tensors_free(p);
    asy_table_free(t);
    asy_buf_fini(&b);
}

static void faults_say_what_to_do(void **state)
{
    (void)state;
    run_fails("x,y\n1,a\n2,a\n3,a\n", "y", "[]", "one class, \"a\"");
    run_fails("x,y\n1,\n2,\n3,\n", "y", "[]", "all cells are missing");
    run_fails("x,y\n1,a\n,b\n3,a\n4,b\n,a\n", "y", "[]",
              "column x: 2 of 5 cells are missing, the first in row 2");
    run_fails("x,y\n1,a\ninf,b\n3,a\n4,b\n", "y", "[]", "column x, row 2: infinite");
    run_fails("x,y\n1,a\ninf,b\n3,a\n4,b\n", "y",
              "[{\"op\":\"split\",\"test\":0},{\"op\":\"scale\"}]",
              "prepare[2] scale: column x, row 2");
    run_fails("x,y\n1,a\n1e300,b\n3,a\n4,b\n", "y", "[]", "too large for a float32");
    run_fails("x,y\n1,0.5\n2,inf\n3,2\n", "y", "[]", "label y, row 2: infinite");
    run_fails("x,z,y\n1,,a\n2,,b\n3,,a\n4,,b\n", "y",
              "[{\"op\":\"drop\",\"columns\":[\"x\"]}]", "no column is left");
    run_fails("x,y\n1,a\n2,b\n", "y", "[{\"op\":\"log\",\"columns\":[\"q\"]}]",
              "no column is named \"q\"");
    run_fails("x,y\n1,a\n2,b\n", "y", "[{\"op\":\"log\",\"columns\":[\"y\"]}]",
              "is the label");
    run_fails("x,k,y\n1,s,a\n2,r,b\n", "y", "[{\"op\":\"scale\",\"columns\":[\"k\"]}]",
              "use one_hot before");
    run_fails("x,y\n1,a\n2,b\n", "y", "[{\"op\":\"task\",\"task\":\"regress\"}]",
              "regression needs numbers");
    run_fails("x,y\n1,0.5\n2,1.5\n3,2\n", "y",
              "[{\"op\":\"balance\",\"how\":\"over\"}]", "classes expected");
    run_fails("x,p,y\n1,train,a\n2,train,a\n3,test,b\n", "y",
              "[{\"op\":\"split\",\"by\":\"p\"}]",
              "training part has no row of class \"b\"");
    run_fails("x,y\n1,a\n2,b\n", "y",
              "[{\"op\":\"derive\",\"name\":\"d\",\"values\":[1]}]",
              "2 values expected");
    run_fails("x,y\n1,a\n2,b\n", "y",
              "[{\"op\":\"derive\",\"name\":\"x\",\"values\":[1,2]}]",
              "there is a column x already");
    run_fails(
        "x,z,p,y\n1,,test,a\n2,,test,b\n3,,train,a\n4,1,test,b\n5,,train,b\n", "y",
        "[{\"op\":\"split\",\"by\":\"p\"},{\"op\":\"fill_missing\",\"with\":\"mean\"}]",
        "there is no mean");
}

static void rows_without_label_are_left_out(void **state)
{
    (void)state;
    asy_table *t = csv_table("x,y\n1,a\n2,\n3,b\n4,?\n5,a\n,\n6,b\n");
    asy_tensors *p = run(t, "y", "[{\"op\":\"split\",\"test\":0.5}]");
    assert_int_equal(p->part[ASY_TRAIN].rows + p->part[ASY_TEST].rows, 4);
    assert_int_equal(json_integer_value(json_object_get(p->meta, "dropped_rows")), 3);
    asy_tensors_free(p);
    asy_table_free(t);
}

static void checks_steps_alone(void **state)
{
    (void)state;
    static const struct {
        const char *steps, *part;
    } bad[] = {{"{}", "list of up to"},
               {"[7]", "prepare[1]: a step expected"},
               {"[{\"op\":\"scal\"}]", "did you mean scale?"},
               {"[{}]", "unknown op"},
               {"[{\"op\":\"scale\",\"low\":1}]", "low"},
               {"[{\"op\":\"scale\",\"lo\":2,\"hi\":1}]", "lo < hi"},
               {"[{\"op\":\"scale\",\"lo\":\"x\"}]", "number expected"},
               {"[{\"op\":\"drop\"}]", "list of names expected"},
               {"[{\"op\":\"drop\",\"columns\":[1]}]", "columns[1]: name expected"},
               {"[{\"op\":\"fill_missing\",\"with\":\"average\"}]", "got average"},
               {"[{\"op\":\"fill_missing\"}]", "got nothing"},
               {"[{\"op\":\"split\",\"test\":1}]", "below 1"},
               {"[{\"op\":\"split\",\"test\":-0.1}]", "at least 0"},
               {"[{\"op\":\"split\",\"folds\":3,\"fold\":3}]", "fold"},
               {"[{\"op\":\"balance\",\"how\":\"up\"}]", "\"over\" or \"under\""},
               {"[{\"op\":\"one_hot\",\"max_categories\":0}]", ">= 1"},
               {"[{\"op\":\"derive\",\"values\":[]}]", "name"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *v = steps_of(bad[i].steps);
        assert_int_equal(asy_prepare_check(v), ASY_EARG);
        if (!strstr(asy_errmsg(), bad[i].part))
            fail_msg("\"%s\" expected in: %s", bad[i].part, asy_errmsg());
        json_decref(v);
    }
    assert_int_equal(asy_prepare_check(NULL), ASY_OK);
}

/* What was fitted gives the same numbers for the same rows of another file. */
static void predict_repeats_what_was_fitted(void **state)
{
    (void)state;
    asy_table *t = gaps();
    asy_tensors *p =
        run(t, "y",
            "[" BY_PART ",{\"op\":\"fill_missing\",\"with\":\"mean\","
            "\"indicator\":true},{\"op\":\"one_hot\"},{\"op\":\"scale\"}]");
    /* through text, as a model file keeps it */
    asy_buf text = {0};
    asy_json_canonical(&text, json_object_get(p->meta, "fitted"));
    json_t *fitted;
    assert_int_equal(asy_json_parse(text.data, text.len, &fitted), ASY_OK);
    float *x;
    uint64_t rows;
    uint32_t inputs;
    assert_int_equal(asy_prepare_apply(fitted, t, &x, &rows, &inputs), ASY_OK);
    assert_int_equal(rows, 20);
    assert_int_equal(inputs, p->inputs);
    for (uint32_t i = 0; i < p->part[ASY_TEST].rows; i++)
        assert_memory_equal(p->part[ASY_TEST].x + i * inputs,
                            x + (size_t)p->part[ASY_TEST].row[i] * inputs,
                            inputs * sizeof *x);
    asy_free(x);
    /* columns in another order, a category that was never seen, an empty column */
    asy_table *u = csv_table("kind,extra,flat,x\nzebra,1,,20\na,2,,\n");
    assert_int_equal(asy_prepare_apply(fitted, u, &x, &rows, &inputs), ASY_OK);
    assert_int_equal(rows, 2);
    asy_free(x);
    asy_table_free(u);
    u = csv_table("kind,x\nzebra,20\na,1\n");
    assert_int_equal(asy_prepare_apply(fitted, u, &x, &rows, &inputs), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "column flat is missing"));
    asy_table_free(u);
    u = csv_table("kind,flat,x\na,5,no\nb,5,yes\n");
    assert_int_equal(asy_prepare_apply(fitted, u, &x, &rows, &inputs), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "numbers expected"));
    asy_table_free(u);
    json_decref(fitted);
    asy_buf_fini(&text);
    asy_tensors_free(p);
    asy_table_free(t);
}

/* Model files may be hostile: any damage to what was fitted is an error or harmless. */
static void damaged_fits_are_survived(void **state)
{
    (void)state;
    asy_table *t = gaps();
    asy_tensors *p = run(t, "y",
                         "[" BY_PART ",{\"op\":\"fill_missing\",\"with\":\"mean\","
                         "\"indicator\":true},{\"op\":\"one_hot\"},{\"op\":\"log\"},"
                         "{\"op\":\"clip\",\"hi\":3},{\"op\":\"standardize\"}]");
    asy_buf text = {0};
    asy_json_canonical(&text, json_object_get(p->meta, "fitted"));
    asy_rng rng = asy_rng_open(asy_rng_key(4, 0), ASY_STREAM_RULE, 0);
    static const char bytes[] = "[]{}\",:0179ax.-ntfop";
    char *copy = malloc(text.len);
    for (int i = 0; i < 6000; i++) {
        json_t *fitted;
        float *x;
        uint64_t rows;
        uint32_t inputs;
        memcpy(copy, text.data, text.len);
        copy[asy_rng_below(&rng, text.len)] =
            bytes[asy_rng_below(&rng, sizeof bytes - 1)];
        if (asy_json_parse(copy, text.len, &fitted))
            continue;
        if (asy_prepare_apply(fitted, t, &x, &rows, &inputs) == ASY_OK)
            asy_free(x);
        json_decref(fitted);
    }
    free(copy);
    asy_buf_fini(&text);
    asy_tensors_free(p);
    asy_table_free(t);
}

static void wide_tables_are_prepared(void **state)
{
    (void)state;
    asy_buf b = {0};
    for (int r = 0; r < 9; r++) {
        for (int i = 0; i < 5000; i++)
            asy_buf_printf(&b, r ? "%d," : "v%d,", r ? r * i : i);
        asy_buf_puts(&b, r ? r % 2 ? "a\n" : "b\n" : "y\n");
    }
    asy_table *t = csv_table(asy_buf_text(&b));
    asy_tensors *p =
        run(t, "y",
            "[{\"op\":\"fill_missing\",\"with\":\"median\"},"
            "{\"op\":\"standardize\"},{\"op\":\"clip\",\"lo\":-1,\"hi\":1}]");
    assert_int_equal(p->inputs, 5000);
    asy_tensors_free(p);
    asy_table_free(t);
    asy_buf_fini(&b);
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    asy_table *t = gaps();
    const char *steps = "[{\"op\":\"split\",\"by\":\"part\"},{\"op\":\"fill_missing\","
                        "\"with\":\"mean\","
                        "\"indicator\":true},{\"op\":\"one_hot\"},{\"op\":\"scale\"},"
                        "{\"op\":\"balance\",\"how\":\"over\"}]";
    asy_err e = ASY_ENOMEM;
    int n = 0;
    for (; e && n < 300; n++) {
        asy_tensors *p;
        asy_alloc_fail_after(n);
        e = run_fold(t, "y", steps, 1, 1, 0, &p);
        asy_alloc_fail_after(-1);
        assert_true(e == ASY_OK || e == ASY_ENOMEM);
        asy_tensors_free(p);
    }
    assert_int_equal(e, ASY_OK);
    assert_true(n > 10);
    asy_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_split_is_stratified),
        cmocka_unit_test(equal_seeds_give_equal_bytes),
        cmocka_unit_test(folds_need_two_rows_of_a_class),
        cmocka_unit_test(folds_cover_every_row_once),
        cmocka_unit_test(fits_on_the_training_part_only),
        cmocka_unit_test(medians_are_right),
        cmocka_unit_test(one_hot_knows_the_training_categories),
        cmocka_unit_test(log_clip_and_derive_change_values),
        cmocka_unit_test(balance_draws_classes_evenly),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(numbers_are_classes_or_targets),
        cmocka_unit_test(faults_say_what_to_do),
        cmocka_unit_test(rows_without_label_are_left_out),
        cmocka_unit_test(checks_steps_alone),
        cmocka_unit_test(predict_repeats_what_was_fitted),
        cmocka_unit_test(damaged_fits_are_survived),
        cmocka_unit_test(wide_tables_are_prepared),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
