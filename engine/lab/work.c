/* work.c - the bodies of LP/1 messages: cursors in, pieces out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/work.h"

#include <math.h>
#include <string.h>

/* --- fields -------------------------------------------------------------- */

/* One field of a body: its name and where its value goes. */
typedef enum kind { U32, U64, I64, REAL, BOOL, TEXT, BYTES, LIST } kind;

typedef struct field {
    const char *name;
    kind kind;
    void *to;
    size_t size;                  /* of a TEXT, with its NUL */
    bool (*check)(asy_unpack *u); /* one member of a LIST */
} field;

static asy_err read_u32(asy_unpack *u, uint32_t *out)
{
    uint64_t x = 0;
    asy_err err = asy_unpack_uint(u, &x);
    if (!err && x > UINT32_MAX)
        err = u->err = asy_fail(ASY_EARG, "message: number too large");
    *out = err ? 0 : (uint32_t)x;
    return err;
}

static asy_err read_text(asy_unpack *u, char *out, size_t size)
{
    const char *text;
    size_t len;
    asy_err err = asy_unpack_text(u, &text, &len);
    if (err)
        return err;
    if (len >= size)
        len = size - 1;
    memcpy(out, text, len);
    out[len] = 0;
    return ASY_OK;
}

/* Keeps the list's bytes after a walk over all its members. */
static asy_err read_list(asy_unpack *u, const field *f)
{
    asy_slice *s = f->to;
    asy_err err = asy_unpack_raw(u, &s->bytes, &s->len);
    if (err)
        return err;
    asy_unpack in = asy_unpack_open(s->bytes, s->len);
    uint32_t n = 0;
    err = asy_unpack_array(&in, &n);
    for (uint32_t i = 0; !err && i < n; i++)
        if (!f->check(&in))
            err = in.err ? in.err : ASY_EARG;
    if (err)
        return u->err = asy_fail(ASY_EARG, "message: list '%s' is malformed", f->name);
    return ASY_OK;
}

static asy_err read_field(asy_unpack *u, const field *f)
{
    asy_slice *s = f->to;
    switch (f->kind) {
    case U32: return read_u32(u, f->to);
    case U64: return asy_unpack_uint(u, f->to);
    case I64: return asy_unpack_int(u, f->to);
    case REAL: return asy_unpack_real(u, f->to);
    case BOOL: return asy_unpack_bool(u, f->to);
    case TEXT: return read_text(u, f->to, f->size);
    case BYTES: return asy_unpack_bin(u, &s->bytes, &s->len);
    case LIST: return read_list(u, f);
    }
    return ASY_EARG;
}

static const field *find(const field *fields, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            return &fields[i];
    return NULL;
}

static asy_err read_body(const void *body, size_t len, const field *fields, size_t n)
{
    asy_unpack u = asy_unpack_open(body, len);
    uint32_t pairs = 0;
    asy_err err = asy_unpack_map(&u, &pairs);
    for (uint32_t i = 0; !err && i < pairs; i++) {
        const char *name;
        size_t name_len;
        err = asy_unpack_text(&u, &name, &name_len);
        if (err)
            break;
        const field *f = find(fields, n, name, name_len);
        err = f ? read_field(&u, f) : asy_unpack_skip(&u);
    }
    if (!err && u.p != u.end)
        err = asy_fail(ASY_EARG, "message: bytes after its end");
    return err;
}

/* --- members of lists ------------------------------------------------------ */

/* Opens a member that is itself a list of at least `least` values. */
static bool member_open(asy_unpack *u, uint32_t least, uint32_t *extra)
{
    uint32_t n = 0;
    if (asy_unpack_array(u, &n) || n < least)
        return false;
    *extra = n - least;
    return true;
}

static bool member_close(asy_unpack *u, uint32_t extra)
{
    for (uint32_t i = 0; i < extra; i++)
        if (asy_unpack_skip(u))
            return false;
    return !u->err;
}

static bool take_slice(asy_unpack *u, asy_slice *s)
{
    const char *text;
    if (asy_unpack_text(u, &text, &s->len))
        return false;
    s->bytes = text;
    return true;
}

static bool take_task(asy_unpack *u, asy_task *t)
{
    uint32_t extra;
    asy_slice spec;
    if (!member_open(u, 7, &extra) || asy_unpack_int(u, &t->trial) ||
        asy_unpack_uint(u, &t->lease) || asy_unpack_int(u, &t->session) ||
        read_u32(u, &t->fold) || asy_unpack_uint(u, &t->seed) ||
        asy_unpack_uint(u, &t->check) || !take_slice(u, &spec))
        return false;
    t->spec = spec.bytes;
    t->spec_len = spec.len;
    return member_close(u, extra);
}

static bool take_outcome(asy_unpack *u, asy_outcome *o)
{
    uint32_t extra, state;
    if (!member_open(u, 12, &extra) || asy_unpack_int(u, &o->trial) ||
        asy_unpack_uint(u, &o->lease) || asy_unpack_uint(u, &o->check) ||
        read_u32(u, &state) || !take_slice(u, &o->reason) ||
        !take_slice(u, &o->metrics) || !take_slice(u, &o->how) ||
        read_u32(u, &o->epochs) || asy_unpack_real(u, &o->seconds) ||
        asy_unpack_uint(u, &o->parameters) || asy_unpack_real(u, &o->flops) ||
        asy_unpack_bin(u, &o->curve.bytes, &o->curve.len))
        return false;
    if (state < ASY_TRIAL_DONE || state >= ASY_TRIAL_STATES)
        return false;
    o->state = (asy_trial_state)state;
    return member_close(u, extra);
}

static bool take_report(asy_unpack *u, asy_report *r)
{
    uint32_t extra;
    return member_open(u, 3, &extra) && !asy_unpack_uint(u, &r->lease) &&
           !read_u32(u, &r->epoch) && !asy_unpack_real(u, &r->value) &&
           member_close(u, extra);
}

static bool take_holding(asy_unpack *u, asy_holding *h)
{
    uint32_t extra;
    return member_open(u, 3, &extra) && !asy_unpack_int(u, &h->trial) &&
           !asy_unpack_uint(u, &h->lease) && !asy_unpack_uint(u, &h->check) &&
           member_close(u, extra);
}

static bool check_task(asy_unpack *u) { return take_task(u, &(asy_task){0}); }
static bool check_outcome(asy_unpack *u) { return take_outcome(u, &(asy_outcome){0}); }
static bool check_report(asy_unpack *u) { return take_report(u, &(asy_report){0}); }
static bool check_holding(asy_unpack *u) { return take_holding(u, &(asy_holding){0}); }
static bool check_number(asy_unpack *u) { return !asy_unpack_uint(u, &(uint64_t){0}); }
static bool check_any(asy_unpack *u) { return !asy_unpack_skip(u); }

/* --- whole bodies ------------------------------------------------------------ */

#define COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

/* Runs must ascend and not overlap, so that a host walks them beside its own list. */
static asy_err check_runs(asy_slice runs)
{
    asy_walk w = asy_walk_open(runs);
    uint64_t first, n, next = 0;
    if (w.left % 2)
        return asy_fail(ASY_EARG, "message: a run without its length");
    while (asy_walk_run(&w, &first, &n)) {
        if (first < next || n == 0 || n > UINT32_MAX || first > UINT64_MAX - n)
            return asy_fail(ASY_EARG, "message: runs of leases do not ascend");
        next = first + n;
    }
    return ASY_OK;
}

asy_err asy_hello_read(const void *body, size_t len, asy_hello *out)
{
    *out = (asy_hello){.slots = 1};
    const field fields[] = {
        {.name = "token", .kind = BYTES, .to = &out->token},
        {.name = "name", .kind = TEXT, .to = out->name, .size = sizeof out->name},
        {.name = "slots", .kind = U32, .to = &out->slots},
        {.name = "pid", .kind = I64, .to = &out->pid},
        {.name = "held", .kind = LIST, .to = &out->held, .check = check_holding},
    };
    return read_body(body, len, fields, COUNT(fields));
}

asy_err asy_ask_read(const void *body, size_t len, asy_ask *out)
{
    *out = (asy_ask){0};
    const field fields[] = {
        {.name = "ticket", .kind = BYTES, .to = &out->ticket},
        {.name = "seen", .kind = U64, .to = &out->seen},
        {.name = "want", .kind = U32, .to = &out->want},
        {.name = "mean", .kind = REAL, .to = &out->mean},
        {.name = "held", .kind = LIST, .to = &out->held, .check = check_number},
        {.name = "running", .kind = LIST, .to = &out->running, .check = check_number},
        {.name = "done", .kind = LIST, .to = &out->done, .check = check_outcome},
        {.name = "reports", .kind = LIST, .to = &out->reports, .check = check_report},
    };
    asy_err err = read_body(body, len, fields, COUNT(fields));
    if (!(out->mean > 0) || isinf(out->mean))
        out->mean = 0;
    return err ? err : check_runs(out->held);
}

asy_err asy_orders_read(const void *body, size_t len, asy_orders *out)
{
    *out = (asy_orders){0};
    const field fields[] = {
        {.name = "sessions", .kind = LIST, .to = &out->sessions, .check = check_any},
        {.name = "tasks", .kind = LIST, .to = &out->tasks, .check = check_task},
        {.name = "next_ms", .kind = U32, .to = &out->next_ms},
        {.name = "beat_ms", .kind = U32, .to = &out->beat_ms},
        {.name = "prune", .kind = LIST, .to = &out->prune, .check = check_number},
        {.name = "cancel", .kind = LIST, .to = &out->cancel, .check = check_number},
        {.name = "recall", .kind = LIST, .to = &out->recall, .check = check_number},
        {.name = "unknown", .kind = LIST, .to = &out->unknown, .check = check_number},
        {.name = "drain", .kind = BOOL, .to = &out->drain},
    };
    asy_err err = read_body(body, len, fields, COUNT(fields));
    return err ? err : check_runs(out->unknown);
}

asy_err asy_letter_read(const void *body, size_t len, asy_letter *out)
{
    *out = (asy_letter){0};
    const field fields[] = {
        {.name = "ticket", .kind = BYTES, .to = &out->ticket},
        {.name = "bytes", .kind = BYTES, .to = &out->bytes},
        {.name = "code", .kind = TEXT, .to = out->code, .size = sizeof out->code},
        {.name = "text", .kind = TEXT, .to = out->text, .size = sizeof out->text},
        {.name = "hash", .kind = TEXT, .to = out->hash, .size = sizeof out->hash},
        {.name = "beat_ms", .kind = U32, .to = &out->beat_ms},
        {.name = "lease_ms", .kind = U32, .to = &out->lease_ms},
        {.name = "offset", .kind = U64, .to = &out->offset},
        {.name = "size", .kind = U64, .to = &out->size},
    };
    return read_body(body, len, fields, COUNT(fields));
}

/* --- walking ------------------------------------------------------------------ */

asy_walk asy_walk_open(asy_slice list)
{
    asy_walk w = {0};
    if (!list.len)
        return w;
    w.in = asy_unpack_open(list.bytes, list.len);
    if (asy_unpack_array(&w.in, &w.left))
        w.left = 0;
    return w;
}

static bool step(asy_walk *w)
{
    if (!w->left)
        return false;
    w->left--;
    return true;
}

bool asy_walk_lease(asy_walk *w, uint64_t *lease)
{
    return step(w) && !asy_unpack_uint(&w->in, lease);
}

bool asy_walk_run(asy_walk *w, uint64_t *first, uint64_t *n)
{
    return asy_walk_lease(w, first) && asy_walk_lease(w, n);
}

bool asy_walk_task(asy_walk *w, asy_task *out)
{
    return step(w) && take_task(&w->in, out);
}

bool asy_walk_outcome(asy_walk *w, asy_outcome *out)
{
    return step(w) && take_outcome(&w->in, out);
}

bool asy_walk_report(asy_walk *w, asy_report *out)
{
    return step(w) && take_report(&w->in, out);
}

bool asy_walk_holding(asy_walk *w, asy_holding *out)
{
    return step(w) && take_holding(&w->in, out);
}

bool asy_walk_tree(asy_walk *w, json_t **out)
{
    const void *bytes;
    size_t len;
    return step(w) && !asy_unpack_raw(&w->in, &bytes, &len) &&
           !asy_unpack_value(bytes, len, out);
}

/* --- writing ------------------------------------------------------------------- */

/* Text with a known length: the same bytes as asy_pack_text. */
static void put_text(asy_buf *b, const void *text, size_t len)
{
    uint8_t head[5] = {0xdb, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                       (uint8_t)(len >> 8), (uint8_t)len};
    asy_buf_add(b, head, sizeof head);
    if (len)
        asy_buf_add(b, text, len);
}

void asy_task_write(asy_buf *b, const asy_task *t)
{
    asy_pack_array(b, 7);
    asy_pack_int(b, t->trial);
    asy_pack_uint(b, t->lease);
    asy_pack_int(b, t->session);
    asy_pack_uint(b, t->fold);
    asy_pack_uint(b, t->seed);
    asy_pack_uint(b, t->check);
    put_text(b, t->spec, t->spec_len);
}

void asy_outcome_write(asy_buf *b, const asy_outcome *o)
{
    asy_pack_array(b, 12);
    asy_pack_int(b, o->trial);
    asy_pack_uint(b, o->lease);
    asy_pack_uint(b, o->check);
    asy_pack_uint(b, (uint64_t)o->state);
    put_text(b, o->reason.bytes, o->reason.len);
    put_text(b, o->metrics.bytes, o->metrics.len);
    put_text(b, o->how.bytes, o->how.len);
    asy_pack_uint(b, o->epochs);
    asy_pack_real(b, o->seconds);
    asy_pack_uint(b, o->parameters);
    asy_pack_real(b, o->flops);
    asy_pack_bin(b, o->curve.len ? o->curve.bytes : "", o->curve.len);
}

void asy_reject_write(asy_buf *b, const char *code, const char *text)
{
    asy_pack_map(b, 2);
    asy_pack_text(b, "code");
    asy_pack_text(b, code);
    asy_pack_text(b, "text");
    asy_pack_text(b, text);
}

static void end_run(asy_runs *r)
{
    if (!r->n)
        return;
    asy_pack_uint(&r->body, r->first);
    asy_pack_uint(&r->body, r->n);
    r->runs++;
    r->n = 0;
}

void asy_runs_add_run(asy_runs *r, uint64_t first, uint64_t n)
{
    if (r->n && first == r->first + r->n) {
        r->n += n;
        return;
    }
    end_run(r);
    r->first = first;
    r->n = n;
}

void asy_runs_add(asy_runs *r, uint64_t lease) { asy_runs_add_run(r, lease, 1); }

void asy_runs_write(asy_runs *r, asy_buf *out)
{
    end_run(r);
    asy_pack_array(out, 2 * r->runs);
    asy_buf_add(out, asy_buf_text(&r->body), r->body.len);
    asy_buf_clear(&r->body);
    r->runs = 0;
}

void asy_runs_fini(asy_runs *r)
{
    asy_buf_fini(&r->body);
    *r = (asy_runs){0};
}
