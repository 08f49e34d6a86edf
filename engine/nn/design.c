/* design.c - designs: expanded for training, canonical as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include "base/mem.h"
#include "base/text.h"
#include "nn/design.h"
#include "nn/draft.h"

asy_err asy_design_parse(const json_t *v, asy_design **out)
{
    asy_draft draft;
    *out = NULL;
    asy_err e = asy_draft_read(v, &draft);
    if (e)
        return e;
    asy_design *d = asy_alloc(1, sizeof *d);
    *d = draft.design;
    draft.design.class_weight = NULL; /* now d's */
    d->hidden = asy_alloc(d->depth + 1, sizeof *d->hidden);
    asy_dense *layer = d->hidden;
    for (uint32_t i = 0; i < draft.runs; i++)
        for (uint32_t k = 0; k < draft.run[i].count; k++)
            *layer++ = draft.run[i].layer;
    asy_draft_fini(&draft);
    *out = d;
    return ASY_OK;
}

void asy_design_free(asy_design *d)
{
    if (!d)
        return;
    asy_free(d->hidden);
    asy_free(d->class_weight);
    asy_free(d);
}

/* ---- canonical text ---- */

/* Prints a float by its shortest decimal: 0.001f as 0.001, not as the double nearest to
 * the float, 0.0010000000474974513. */
static void put_float(asy_buf *b, float x)
{
    double scale = 1;
    for (int digits = 0; digits <= 12; digits++, scale *= 10) {
        double y = rint(x * scale) / scale;
        if ((float)y == x) {
            asy_text_put_number(b, y);
            return;
        }
    }
    asy_text_put_number(b, x);
}

static void put_whole(asy_buf *b, uint32_t x)
{
    char digits[10];
    int n = 0;
    do
        digits[n++] = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    while (n > 0)
        asy_buf_putc(b, digits[--n]);
}

static void put_key(asy_buf *b, const char *name)
{
    char last = b->data[b->len - 1];
    if (last != '{')
        asy_buf_putc(b, ',');
    asy_buf_putc(b, '"');
    asy_buf_puts(b, name);
    asy_buf_puts(b, "\":");
}

static void put_float_field(asy_buf *b, const char *name, float x)
{
    put_key(b, name);
    put_float(b, x);
}

static void put_number_field(asy_buf *b, const char *name, double x)
{
    put_key(b, name);
    asy_text_put_number(b, x);
}

static void put_whole_field(asy_buf *b, const char *name, uint32_t x)
{
    put_key(b, name);
    put_whole(b, x);
}

static void put_flag_field(asy_buf *b, const char *name, bool x)
{
    put_key(b, name);
    asy_buf_puts(b, x ? "true" : "false");
}

static void put_text_field(asy_buf *b, const char *name, const char *text)
{
    put_key(b, name);
    asy_buf_putc(b, '"');
    asy_buf_puts(b, text);
    asy_buf_putc(b, '"');
}

static void put_run(asy_buf *b, const asy_run *r)
{
    const asy_dense *l = &r->layer;
    asy_buf_putc(b, '{');
    put_text_field(b, "activation", asy_act_names[l->setting.act]);
    put_flag_field(b, "batch_norm", l->batch_norm);
    put_float_field(b, "dropout", l->setting.dropout);
    put_text_field(b, "init", asy_init_names[l->init]);
    put_float_field(b, "l2", l->setting.l2);
    put_whole_field(b, "repeat", r->count);
    put_whole_field(b, "units", l->units);
    asy_buf_putc(b, '}');
}

static void put_hidden(asy_buf *b, const asy_draft *d)
{
    put_key(b, "hidden");
    asy_buf_putc(b, '[');
    for (uint32_t i = 0; i < d->runs; i++) {
        if (i > 0)
            asy_buf_putc(b, ',');
        put_run(b, &d->run[i]);
    }
    asy_buf_putc(b, ']');
}

static void put_class_weight(asy_buf *b, const asy_design *d)
{
    if (d->balanced)
        put_text_field(b, "class_weight", "balanced");
    if (!d->class_weight)
        return;
    put_key(b, "class_weight");
    asy_buf_putc(b, '[');
    for (uint32_t i = 0; i < d->class_weights; i++) {
        if (i > 0)
            asy_buf_putc(b, ',');
        put_float(b, d->class_weight[i]);
    }
    asy_buf_putc(b, ']');
}

static void put_clip(asy_buf *b, const asy_optim *o)
{
    put_key(b, "clip");
    asy_buf_putc(b, '{');
    put_float_field(b, "norm", o->clip_norm);
    put_float_field(b, "value", o->clip_value);
    asy_buf_putc(b, '}');
}

/* Only the settings that the optimizer reads, so that others make no difference. */
static void put_optimizer(asy_buf *b, const asy_optim *o)
{
    asy_optimizer k = o->kind;
    bool betas = k == ASY_OPT_ADAM || k == ASY_OPT_ADAMW || k == ASY_OPT_NADAM;
    put_key(b, "optimizer");
    asy_buf_putc(b, '{');
    if (betas) {
        put_float_field(b, "beta1", o->beta1);
        put_float_field(b, "beta2", o->beta2);
    }
    put_float_field(b, "decay", o->decay);
    if (k != ASY_OPT_SGD)
        put_float_field(b, "eps", o->eps);
    if (k == ASY_OPT_SGD)
        put_float_field(b, "momentum", o->momentum);
    put_text_field(b, "name", asy_optimizer_names[k]);
    if (k == ASY_OPT_SGD)
        put_flag_field(b, "nesterov", o->nesterov && o->momentum > 0);
    put_float_field(b, "rate", o->rate);
    if (k == ASY_OPT_RMSPROP || k == ASY_OPT_ADADELTA)
        put_float_field(b, "rho", o->rho);
    asy_buf_putc(b, '}');
}

static void put_schedule(asy_buf *b, const asy_schedule *s)
{
    asy_schedule_kind k = s->kind;
    put_key(b, "schedule");
    asy_buf_putc(b, '{');
    if (k == ASY_SCHEDULE_STEP)
        put_whole_field(b, "every", s->every);
    if (k == ASY_SCHEDULE_STEP || k == ASY_SCHEDULE_EXPONENTIAL)
        put_float_field(b, "factor", s->factor);
    if (k == ASY_SCHEDULE_COSINE)
        put_float_field(b, "floor", s->floor);
    put_text_field(b, "name", asy_schedule_names[k]);
    put_whole_field(b, "warmup", s->warmup);
    asy_buf_putc(b, '}');
}

static void put_output(asy_buf *b, const asy_dense *l)
{
    put_key(b, "output");
    asy_buf_putc(b, '{');
    if (l->setting.act != ASY_ACT_LINEAR)
        put_text_field(b, "activation", asy_act_names[l->setting.act]);
    put_text_field(b, "init", asy_init_names[l->init]);
    put_float_field(b, "l2", l->setting.l2);
    asy_buf_putc(b, '}');
}

static void put_target(asy_buf *b, const asy_design *d)
{
    if (!d->target_metric)
        return;
    put_key(b, "target");
    asy_buf_putc(b, '{');
    put_number_field(b, d->target_metric, d->target_value);
    asy_buf_putc(b, '}');
}

/* Keys in the order of their bytes. */
static void put_design(asy_buf *b, const asy_draft *draft)
{
    const asy_design *d = &draft->design;
    asy_buf_putc(b, '{');
    put_whole_field(b, "batch", d->batch);
    put_class_weight(b, d);
    put_clip(b, &d->optim);
    put_whole_field(b, "epochs", d->epochs);
    put_hidden(b, draft);
    if (d->loss_given)
        put_text_field(b, "loss", asy_loss_names[d->loss]);
    put_number_field(b, "max_seconds", d->max_seconds);
    put_number_field(b, "min_delta", d->min_delta);
    put_optimizer(b, &d->optim);
    put_output(b, &d->output);
    put_whole_field(b, "patience", d->patience);
    put_whole_field(b, "residual", d->residual);
    put_flag_field(b, "restore_best", d->restore_best);
    put_schedule(b, &d->optim.schedule);
    put_text_field(b, "shuffle", d->own_shuffle ? "own" : "shared");
    put_target(b, d);
    asy_buf_putc(b, '}');
}

asy_err asy_design_canonical(const json_t *v, asy_buf *out)
{
    asy_draft draft;
    asy_err e = asy_draft_read(v, &draft);
    if (e)
        return e;
    put_design(out, &draft);
    asy_draft_fini(&draft);
    return ASY_OK;
}
