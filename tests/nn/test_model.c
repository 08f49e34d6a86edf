/* test_model.c - models: predictions, files, hostile files, JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
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
#include "nn/model.h"
#include "sample.h"

static json_t *json(const char *text)
{
    json_t *v = NULL;
    if (asy_json_parse(text, strlen(text), &v))
        fail_msg("%s", asy_errmsg());
    return v;
}

static const char *const design_text = "{\"hidden\": [{\"units\": 8, \"batch_norm\": "
                                       "true, \"dropout\": 0.1}, {\"units\": 8}],"
                                       " \"residual\": 1, \"epochs\": 3}";

/* A trained model of iris and what training said about it. */
typedef struct trained {
    asy_tensors *data;
    asy_train_result result;
    asy_model *model;
    char folder[64];
    char *path;
} trained;

static asy_model *model_of(const asy_tensors *data, const asy_train_result *r)
{
    json_t *design = json(design_text), *about = json("{\"trial\": 7}");
    asy_design *d = NULL;
    asy_model *m = NULL;
    assert_int_equal(asy_design_parse(design, &d), ASY_OK);
    if (asy_model_new(d, design, data, r->model, r->model_len, about, &m))
        fail_msg("%s", asy_errmsg());
    asy_design_free(d);
    json_decref(design);
    json_decref(about);
    return m;
}

static trained train(void)
{
    trained t = {.data = sample_fixture("iris", false)};
    json_t *design = json(design_text);
    asy_design *d = NULL;
    assert_int_equal(asy_design_parse(design, &d), ASY_OK);
    t.data->meta = json("{\"task\": \"classify\", \"label\": \"Species\","
                        " \"classes\": [\"a\", \"b\", \"c\"],"
                        " \"inputs\": [\"w\", \"x\", \"y\", \"z\"], \"fitted\": []}");
    asy_train_job job = {.design = d, .data = t.data, .seed = 3, .keep_model = true};
    assert_int_equal(asy_train(&job, &t.result), ASY_OK);
    asy_design_free(d);
    json_decref(design);
    t.model = model_of(t.data, &t.result);
    snprintf(t.folder, sizeof t.folder, "%s/asy_model_XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(t.folder));
    t.path = asy_path_join(t.folder, "model.safetensors");
    return t;
}

static void end(trained *t)
{
    unlink(t->path);
    rmdir(t->folder);
    asy_free(t->path);
    asy_model_free(t->model);
    asy_train_result_fini(&t->result);
    sample_free(t->data);
}

static double test_accuracy(const asy_model *m, const asy_tensors *data)
{
    const asy_tensors_part *p = &data->part[ASY_TEST];
    double out[ASY_METRIC_COUNT];
    float *y = asy_alloc((size_t)p->rows * 3, sizeof *y);
    assert_int_equal(asy_model_predict(m, p->x, p->rows, y), ASY_OK);
    for (uint32_t i = 0; i < p->rows; i++)
        assert_float_equal(y[3 * i] + y[3 * i + 1] + y[3 * i + 2], 1, 1e-5);
    asy_metrics_classify(y, p->rows, 3, 3, p->label, out);
    asy_free(y);
    return out[ASY_METRIC_ACCURACY];
}

static void test_predict(void **state)
{
    (void)state;
    trained t = train();
    assert_int_equal(asy_model_inputs(t.model), 4);
    assert_int_equal(asy_model_outputs(t.model), 3);
    assert_float_equal(test_accuracy(t.model, t.data),
                       t.result.metrics.value[ASY_TEST][ASY_METRIC_ACCURACY], 1e-9);
    end(&t);
}

/* More rows than one pass takes; each as if it were alone. */
static void test_many_rows(void **state)
{
    (void)state;
    trained t = train();
    enum { ROWS = 2500 };
    float *x = asy_alloc(ROWS * 4, sizeof *x), *y = asy_alloc(ROWS * 3, sizeof *y),
          one[3];
    for (int i = 0; i < ROWS * 4; i++)
        x[i] = (float)sin(i);
    assert_int_equal(asy_model_predict(t.model, x, ROWS, y), ASY_OK);
    for (int i = 0; i < ROWS; i += 499) {
        assert_int_equal(asy_model_predict(t.model, x + 4 * i, 1, one), ASY_OK);
        for (int k = 0; k < 3; k++)
            assert_float_equal(one[k], y[3 * i + k], 1e-6);
    }
    assert_int_equal(asy_model_predict(t.model, x, 0, y), ASY_OK);
    asy_free(x);
    asy_free(y);
    end(&t);
}

static void test_file(void **state)
{
    (void)state;
    trained t = train();
    asy_model *again = NULL;
    assert_int_equal(asy_model_save(t.model, t.path), ASY_OK);
    if (asy_model_open(t.path, &again))
        fail_msg("%s", asy_errmsg());
    assert_true(json_equal(asy_model_meta(again), asy_model_meta(t.model)));
    assert_int_equal(
        json_integer_value(json_object_get(asy_model_meta(again), "trial")), 7);
    float x[4] = {0.1f, 0.9f, 0.4f, 0.2f}, a[3], b[3];
    assert_int_equal(asy_model_predict(t.model, x, 1, a), ASY_OK);
    assert_int_equal(asy_model_predict(again, x, 1, b), ASY_OK);
    assert_memory_equal(a, b, sizeof a);
    asy_model_free(again);
    end(&t);
}

static void test_json(void **state)
{
    (void)state;
    trained t = train();
    json_t *v = asy_model_json(t.model), *layers = json_object_get(v, "layers");
    assert_int_equal(json_array_size(layers), 3);
    json_t *first = json_array_get(layers, 0);
    assert_int_equal(json_array_size(json_object_get(first, "weight")), 4);
    assert_int_equal(
        json_array_size(json_array_get(json_object_get(first, "weight"), 0)), 8);
    assert_int_equal(json_array_size(json_object_get(first, "var")), 8);
    assert_null(json_object_get(json_array_get(layers, 1), "var"));
    assert_true(json_is_object(json_object_get(v, "design")));
    json_decref(v);
    end(&t);
}

/* Like asy_file_write(), but without waiting for the disk. */
static void put_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static void refuse(const char *path, const void *bytes, size_t len)
{
    asy_model *m = (asy_model *)1;
    put_file(path, bytes, len);
    assert_int_not_equal(asy_model_open(path, &m), ASY_OK);
    assert_null(m);
}

/* Every shortened file, and bytes changed throughout the header, are refused or read as
 * something whole; never more. */
static void test_damaged(void **state)
{
    (void)state;
    trained t = train();
    asy_buf file = {0};
    assert_int_equal(asy_model_save(t.model, t.path), ASY_OK);
    assert_int_equal(asy_file_read(t.path, 1 << 20, &file), ASY_OK);
    for (size_t len = 0; len < file.len; len += 61)
        refuse(t.path, file.data, len);
    for (size_t i = 0; i < file.len && i < 2000; i += 7) {
        asy_model *m = NULL;
        char old = file.data[i];
        file.data[i] ^= 5;
        put_file(t.path, file.data, file.len);
        if (asy_model_open(t.path, &m) == ASY_OK)
            asy_model_free(m);
        file.data[i] = old;
    }
    asy_buf_fini(&file);
    end(&t);
}

/* A file whose tensors are fine but not those of its design. */
static void forge(const char *path, const char *meta, const char *says)
{
    static const float numbers[15];
    asy_tensor tensor[] = {{"layer0.weight", "F32", 2, {4, 3}, numbers},
                           {"layer0.bias", "F32", 1, {3}, numbers}};
    asy_buf file = {0};
    asy_model *m = NULL;
    json_t *metadata = json_pack("{s:s}", "assay", meta);
    assert_int_equal(asy_safetensors_write(&file, tensor, 2, metadata), ASY_OK);
    put_file(path, file.data, file.len);
    asy_err e = asy_model_open(path, &m);
    if (says && (!e || !strstr(asy_errmsg(), says)))
        fail_msg("%s: %s", meta, e ? asy_errmsg() : "opened");
    if (!says && e)
        fail_msg("%s: %s", meta, asy_errmsg());
    asy_model_free(m);
    asy_buf_fini(&file);
    json_decref(metadata);
}

#define SHAPE "\"shape\": {\"inputs\": 4, \"classes\": 3, \"outputs\": 3}"
#define NONE "\"design\": {\"hidden\": []}"

static void test_forged(void **state)
{
    (void)state;
    trained t = train();
    forge(t.path, "{" NONE ", " SHAPE "}", NULL);
    forge(t.path, "[]", "model.shape");
    forge(t.path, "{", "model: __metadata__.assay");
    forge(t.path, "{" SHAPE "}", "design");
    forge(t.path, "{" NONE "}", "model.shape");
    forge(t.path, "{" NONE ", \"shape\": {\"inputs\": -1}}", "model.shape.inputs");
    forge(t.path, "{" NONE ", \"shape\": {\"inputs\": \"4\"}}", "inputs");
    forge(t.path,
          "{" NONE ", \"shape\": {\"inputs\": 2000000000, \"classes\": 2000000000,"
          " \"outputs\": 3}}",
          "parameters");
    forge(t.path,
          "{" NONE ", \"shape\": {\"inputs\": 2, \"classes\": 5, \"outputs\": 5}}",
          "layer0.weight");
    forge(t.path,
          "{\"design\": {\"hidden\": [{\"units\": 9999, \"repeat\": 20}]}, " SHAPE "}",
          "numbers expected");
    forge(t.path,
          "{" NONE ", \"shape\": {\"inputs\": 1, \"classes\": 3, \"outputs\": 3}}",
          "layer0.weight");
    forge(t.path, "{\"design\": {\"hidden\": [{\"units\": 1}]}, " SHAPE "}", "layer");
    end(&t);
}

static void test_wrong_count(void **state)
{
    (void)state;
    trained t = train();
    json_t *design = json(design_text);
    asy_design *d = NULL;
    asy_model *m = (asy_model *)1;
    assert_int_equal(asy_design_parse(design, &d), ASY_OK);
    assert_int_equal(asy_model_new(d, design, t.data, t.result.model,
                                   t.result.model_len - 1, NULL, &m),
                     ASY_EARG);
    assert_null(m);
    asy_design_free(d);
    json_decref(design);
    end(&t);
}

static void test_no_memory(void **state)
{
    (void)state;
    trained t = train();
    assert_int_equal(asy_model_save(t.model, t.path), ASY_OK);
    float x[4] = {0}, y[3];
    asy_err e = ASY_ENOMEM;
    for (int n = 0; e && n < 100; n++) {
        asy_model *m = NULL;
        asy_alloc_fail_after(n);
        e = asy_model_open(t.path, &m);
        if (!e)
            e = asy_model_predict(m, x, 1, y);
        asy_alloc_fail_after(-1);
        asy_model_free(m);
        assert_true(e == ASY_OK || e == ASY_ENOMEM);
    }
    assert_int_equal(e, ASY_OK);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predict),     cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_file),        cmocka_unit_test(test_json),
        cmocka_unit_test(test_damaged),     cmocka_unit_test(test_forged),
        cmocka_unit_test(test_wrong_count), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
