/* export.c - assay export: a trial's network as a file.
 *
 * The store keeps no weights. The trial is trained again, which gives the same bits,
 * and the metrics that come out are compared with those that are stored.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/file.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/pick.h"
#include "cmd/trust.h"
#include "math/isa.h"
#include "nn/model.h"

/* A trial on its way to a file. */
typedef struct exported {
    asy_pick pick;
    json_t *stored; /* metrics */
    json_t *again;
    json_t *design;
    asy_tensors *data;
    asy_model *model;
    char how[64]; /* arithmetic now */
} exported;

static void exported_fini(exported *x)
{
    json_decref(x->stored);
    json_decref(x->again);
    json_decref(x->design);
    asy_tensors_free(x->data);
    asy_model_free(x->model);
    asy_pick_fini(&x->pick);
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && strcasecmp(path + n - m, suffix) == 0;
}

static asy_err parse(const char *text, json_t **out)
{
    return asy_json_parse(text, strlen(text), out);
}

static asy_err check_trial(const asy_row_trial *t)
{
    if (!*t->design)
        return asy_fail(
            ASY_EARG,
            "trial %lld has no network: its rule trains by a function of its own",
            (long long)t->number);
    if (t->state != ASY_TRIAL_DONE)
        return asy_fail(ASY_EARG,
                        "trial %lld is %s%s%s: only trials that are done have a model",
                        (long long)t->number, asy_trial_state_names[t->state],
                        *t->reason ? ", " : "", t->reason);
    return ASY_OK;
}

/* The prepared data of the trial's fold, from the store's folder. */
static asy_err open_data(exported *x, const char *folder)
{
    json_t *list = NULL;
    asy_hash hash;
    asy_buf path = {0};
    asy_err err = parse(x->pick.session.prepared, &list);
    const char *name = json_string_value(json_array_get(list, x->pick.trial.fold));
    if (!err && (!name || !asy_hash_parse(name, &hash)))
        err = asy_fail(ASY_EIO, "session %s names no prepared data for fold %u",
                       x->pick.session.name, x->pick.trial.fold);
    if (!err) {
        asy_buf_printf(&path, "%s/prepared/%s.safetensors", folder, name);
        err = asy_tensors_open(asy_buf_text(&path), &hash, &x->data);
    }
    asy_buf_fini(&path);
    json_decref(list);
    return err;
}

/* --- training again --- */

/* What the file says beside the network. */
static json_t *about(const exported *x)
{
    const asy_row_trial *t = &x->pick.trial;
    json_t *o = json_object(), *trial = json_object();
    json_object_set_new(trial, "session", json_string(x->pick.session.name));
    json_object_set_new(trial, "number", json_integer(t->number));
    json_object_set_new(trial, "seed", json_integer((json_int_t)t->seed));
    json_object_set_new(trial, "how", json_string(x->how));
    json_object_set_new(o, "trial", trial);
    json_object_set(o, "metrics", x->again);
    json_t *scale = json_object_get(x->data->meta, "label_scale");
    if (scale)
        json_object_set(o, "label_scale", scale);
    return o;
}

static asy_err make_model(exported *x, const asy_design *design,
                          const asy_train_result *r)
{
    json_t *more = about(x);
    asy_err err = asy_model_new(design, x->design, x->data, r->model, r->model_len,
                                more, &x->model);
    json_decref(more);
    return err;
}

/* A trial that the clock had stopped stops again after the same epoch. */
static asy_verdict stop_at_the_same_epoch(void *ctx, const asy_epoch *e)
{
    const asy_row_trial *t = ctx;
    return strcmp(t->reason, "time") == 0 && e->epoch >= t->epochs ? ASY_PRUNE : ASY_GO;
}

static asy_err train(exported *x)
{
    asy_design *design = NULL;
    asy_train_result r = {0};
    asy_err err = asy_design_parse(x->design, &design);
    if (err)
        return err;
    design->max_seconds = 0;
    const asy_train_job job = {.design = design,
                               .data = x->data,
                               .seed = x->pick.trial.seed,
                               .shared_seed = x->pick.session.seed,
                               .keep_model = true,
                               .on_epoch = stop_at_the_same_epoch,
                               .ctx = &x->pick.trial};
    err = asy_train(&job, &r);
    if (!err) {
        x->again = asy_metrics_json(&r.metrics);
        snprintf(x->how, sizeof x->how, "%s/%s/%d",
                 asy_train_backend(design, x->data)->name, asy_isa_name(asy_isa_get()),
                 ASY_NUMERICS_VERSION);
        err = make_model(x, design, &r);
    }
    asy_train_result_fini(&r);
    asy_design_free(design);
    return err;
}

/* Shortest texts are equal exactly when the bits are. */
static bool is_same(const json_t *a, const json_t *b)
{
    asy_buf x = {0}, y = {0};
    asy_json_canonical(&x, a);
    asy_json_canonical(&y, b);
    bool same = strcmp(asy_buf_text(&x), asy_buf_text(&y)) == 0;
    asy_buf_fini(&x);
    asy_buf_fini(&y);
    return same;
}

/* Another kind of CPU may round otherwise, which is said; anything else is a fault. */
static asy_err check_metrics(const exported *x)
{
    if (is_same(x->stored, x->again))
        return ASY_OK;
    if (strcmp(x->how, x->pick.trial.how) == 0)
        return asy_fail(
            ASY_EIO,
            "trial %lld trained again gives other metrics than those stored; "
            "`assay replay` shows them",
            (long long)x->pick.trial.number);
    fprintf(stderr,
            "assay: trial %lld was trained with %s, this machine uses %s: its metrics "
            "differ "
            "a little; the file has the new ones\n",
            (long long)x->pick.trial.number, x->pick.trial.how, x->how);
    return ASY_OK;
}

/* --- writing
 * ------------------------------------------------------------------------------------
 */

static asy_err write_json(const asy_model *m, const char *path)
{
    json_t *tree = asy_model_json(m);
    asy_buf text = {0};
    asy_json_pretty(&text, tree);
    asy_buf_putc(&text, '\n');
    asy_err err = asy_file_write(path, text.data, text.len);
    asy_buf_fini(&text);
    json_decref(tree);
    return err;
}

static void say(const asy_args *a, const exported *x, const char *path)
{
    bool same = is_same(x->stored, x->again);
    if (!asy_args_flag(a, "json")) {
        printf("%s: trial %lld of %s, metrics %s\n", path,
               (long long)x->pick.trial.number, x->pick.session.name,
               same ? "equal to those stored" : "differ");
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "file", json_string(path));
    json_object_set_new(o, "session", json_string(x->pick.session.name));
    json_object_set_new(o, "trial", json_integer(x->pick.trial.number));
    json_object_set_new(o, "equal", json_boolean(same));
    json_object_set(o, "metrics", x->again);
    asy_print_json(o);
    json_decref(o);
}

static asy_err export_trial(const asy_args *a, asy_store *store, const char *path)
{
    exported x = {0};
    const char *trial = asy_args_at(a, 0);
    asy_err err = asy_pick_trial(store, asy_args_text(a, "session"), trial, &x.pick);
    if (!err)
        err = check_trial(&x.pick.trial);
    if (!err)
        err = open_data(&x, asy_store_folder(store));
    if (!err)
        err = parse(x.pick.trial.metrics, &x.stored);
    if (!err)
        err = parse(x.pick.trial.design, &x.design);
    if (!err)
        err = train(&x);
    if (!err)
        err = check_metrics(&x);
    if (!err)
        err = has_suffix(path, ".json") ? write_json(x.model, path)
                                        : asy_model_save(x.model, path);
    if (!err)
        say(a, &x, path);
    exported_fini(&x);
    return err;
}

static int export(const asy_args *a)
{
    asy_store *store = NULL;
    const char *path = asy_args_text(a, "out");
    if (!path)
        return asy_wrong_usage(a, "--out FILE expected, a .safetensors or .json file");
    if (!has_suffix(path, ".safetensors") && !has_suffix(path, ".json"))
        return asy_wrong_usage(
            a, "--out: a name in .safetensors or .json expected, got \"%s\"", path);
    asy_err err = asy_trust_blas(a);
    if (!err)
        err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = export_trial(a, store, path);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"out", ASY_OPTION_FILE, "FILE", NULL, "where to, a .safetensors or .json file"},
    {"session", ASY_OPTION_TEXT, "NAME", "last",
     "session of the trial: its name or number"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_export = {
    .name = "export",
    .summary = "write a trial's network to a file",
    .arguments = "TRIAL",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "TRIAL is a number in the session, SESSION/number, or \"best\". The trial is "
        "trained "
        "again and\nmust give the metrics that are stored. The file holds the weights, "
        "the "
        "design, and the\npreparation, so that `assay predict` needs nothing else.\n",
    .options = options,
    .examples = "assay export best --out model.safetensors\n"
                "assay export iris-3/17 --out model.json\n",
    .run = export};
