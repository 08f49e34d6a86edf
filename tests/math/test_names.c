/* test_names.c - names of activations, losses and optimizers; defaults; schedules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "math/act.h"
#include "math/loss.h"
#include "math/optim.h"

static void test_every_name_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < ASY_ACT_COUNT; i++) {
        asy_act f = ASY_ACT_COUNT;
        assert_int_equal(asy_act_parse(asy_act_names[i], &f), ASY_OK);
        assert_int_equal(f, i);
    }
    for (int i = 0; i < ASY_LOSS_COUNT; i++) {
        asy_loss loss = ASY_LOSS_COUNT;
        assert_int_equal(asy_loss_parse(asy_loss_names[i], &loss), ASY_OK);
        assert_int_equal(loss, i);
    }
    for (int i = 0; i < ASY_OPT_COUNT; i++) {
        asy_optimizer kind = ASY_OPT_COUNT;
        assert_int_equal(asy_optimizer_parse(asy_optimizer_names[i], &kind), ASY_OK);
        assert_int_equal(kind, i);
    }
    assert_string_equal(asy_schedule_names[ASY_SCHEDULE_COSINE], "cosine");
}

static void test_a_wrong_name_is_explained(void **state)
{
    (void)state;
    asy_act f = ASY_ACT_TANH;
    assert_int_equal(asy_act_parse("rleu", &f), ASY_EARG);
    assert_int_equal(f, ASY_ACT_TANH);
    assert_non_null(strstr(asy_errmsg(), "'rleu'"));
    assert_non_null(strstr(asy_errmsg(), "did you mean 'relu'?"));
    assert_non_null(strstr(asy_errmsg(), "hard_sigmoid"));
    assert_int_equal(asy_act_parse("", &f), ASY_EARG);
    assert_int_equal(asy_act_parse(NULL, &f), ASY_EARG);
    asy_loss loss;
    assert_int_equal(asy_loss_parse("zzzz", &loss), ASY_EARG);
    assert_null(strstr(asy_errmsg(), "did you mean"));
}

static void test_defaults(void **state)
{
    (void)state;
    const float rate[ASY_OPT_COUNT] = {0.01f, 1e-3f, 0.01f, 1, 1e-3f, 1e-3f, 2e-3f};
    const int slots[ASY_OPT_COUNT] = {0, 1, 1, 2, 2, 2, 2};
    for (int i = 0; i < ASY_OPT_COUNT; i++) {
        asy_optim o = asy_optim_default((asy_optimizer)i);
        assert_true(o.rate == rate[i]);
        assert_int_equal(asy_optim_slots(&o), slots[i]);
        assert_int_equal(o.schedule.kind, ASY_SCHEDULE_CONSTANT);
    }
    asy_optim o = asy_optim_default(ASY_OPT_SGD);
    o.momentum = 0.9f;
    assert_int_equal(asy_optim_slots(&o), 1);
}

static void test_schedules(void **state)
{
    (void)state;
    asy_optim o = asy_optim_default(ASY_OPT_SGD);
    o.schedule = (asy_schedule){.kind = ASY_SCHEDULE_STEP, .factor = 0.1f, .every = 2};
    assert_true(asy_schedule_rate(&o, 39, 10, 100) == o.rate * 0.1f);
    assert_true(fabsf(asy_schedule_rate(&o, 40, 10, 100) - 1e-4f) < 1e-9f);
    o.schedule = (asy_schedule){.kind = ASY_SCHEDULE_COSINE, .warmup = 4};
    assert_true(fabsf(asy_schedule_rate(&o, 0, 10, 104) - 0.0025f) < 1e-9f);
    assert_true(asy_schedule_rate(&o, 4, 10, 104) == o.rate);
    assert_true(fabsf(asy_schedule_rate(&o, 54, 10, 104) - 0.005f) < 1e-8f);
    assert_true(fabsf(asy_schedule_rate(&o, 104, 10, 104)) < 1e-9f);
    assert_true(fabsf(asy_schedule_rate(&o, 999, 0, 0)) < 1e-9f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_found),
        cmocka_unit_test(test_a_wrong_name_is_explained),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
