/* link.c - the worker's side: a supervised connection with a few contexts.
 *
 * NNG's own resending is off: it would repeat requests that are merely slow. An attempt
 * sends, waits for that to end, then receives; whatever goes wrong, the same frame is
 * sent again. A dialer of NNG 1.5.2 can die without a sign, and a connection can go
 * silent, so after some seconds without a good reply the whole socket is replaced while
 * nothing is in flight. The old one is closed by a thread of its own, because nng_close
 * may never return.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/message.h"
#include "net/url.h"

enum {
    MOST_CONTEXTS = 8,   /* NNG's timers are quadratic in their number */
    DIAL_MIN_MS = 20,    /* first pause before dialling again ... */
    DIAL_MAX_MS = 1000,  /* ... and the longest */
    RETRY_MS = 20,       /* pause before an attempt is repeated */
    QUIET_MIN_MS = 3000, /* without a good reply before the socket is replaced ... */
    QUIET_MAX_MS = 30000 /* ... doubling up to this while that does not help */
};

typedef struct context {
    nng_ctx ctx; /* of the present socket */
    nng_aio *aio;
    nng_msg *reply; /* of the last call */
    uint64_t seq;
} context;

struct asy_link {
    char *url;
    uint8_t worker[16];
    uint64_t incarnation;
    atomic_uint_least64_t epoch;
    atomic_uint_least32_t last_work;
    uint32_t n;
    context contexts[MOST_CONTEXTS];

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    nng_socket socket;
    bool has_socket;
    bool is_cancelled, is_renewing;
    uint32_t in_flight;
    uint64_t last_good; /* when a good reply came or the socket was made */
    uint64_t quiet_ms;
};

/* --- the socket ----------------------------------------------------------- */

static int dial(asy_link *l)
{
    nng_dialer dialer;
    int code = nng_dialer_create(&dialer, l->socket, l->url);
    if (!code)
        code = nng_dialer_set_size(dialer, NNG_OPT_RECVMAXSZ, ASY_WIRE_LIMIT);
    if (!code)
        code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, DIAL_MIN_MS);
    if (!code)
        code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, DIAL_MAX_MS);
    if (!code)
        code = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
    return code;
}

static void *close_socket(void *arg)
{
    nng_socket *socket = arg;
    nng_close(*socket);
    asy_free(socket);
    return NULL;
}

/* Without a thread to close it the socket is left open; that costs memory only. */
static void retire_socket(asy_link *l)
{
    if (!l->has_socket)
        return;
    pthread_t thread;
    nng_socket *old = asy_memdup(&l->socket, sizeof l->socket);
    if (pthread_create(&thread, NULL, close_socket, old) == 0)
        pthread_detach(thread);
    else
        asy_free(old);
    l->has_socket = false;
}

static asy_err open_socket(asy_link *l)
{
    int code = nng_req0_open(&l->socket);
    l->has_socket = code == 0;
    if (!code)
        code =
            nng_socket_set_ms(l->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    for (uint32_t i = 0; i < l->n && !code; i++)
        code = nng_ctx_open(&l->contexts[i].ctx, l->socket);
    if (!code)
        code = dial(l);
    l->last_good = asy_now_ms();
    if (!code)
        return ASY_OK;
    retire_socket(l);
    return asy_fail(ASY_EIO, "%s: %s", l->url, nng_strerror(code));
}

/* With the lock held: replaces a socket that brought nothing for long. */
static void renew_socket(asy_link *l)
{
    l->is_renewing = true;
    for (uint32_t i = 0; i < l->n; i++)
        nng_aio_cancel(l->contexts[i].aio);
    while (l->in_flight > 0)
        pthread_cond_wait(&l->changed, &l->lock);
    asy_log(ASY_DEBUG, "%s: silent for %u ms, connecting anew", l->url,
            (unsigned)l->quiet_ms);
    retire_socket(l);
    open_socket(l); /* a failure shows in the next attempt, which ends here again */
    l->quiet_ms = l->quiet_ms * 2 < QUIET_MAX_MS ? l->quiet_ms * 2 : QUIET_MAX_MS;
    l->is_renewing = false;
    pthread_cond_broadcast(&l->changed);
}

static void renew_if_quiet(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    bool is_quiet = !l->has_socket || asy_now_ms() - l->last_good > l->quiet_ms;
    if (is_quiet && !l->is_renewing && !l->is_cancelled)
        renew_socket(l);
    pthread_mutex_unlock(&l->lock);
}

static void note_good(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    l->last_good = asy_now_ms();
    l->quiet_ms = QUIET_MIN_MS;
    pthread_mutex_unlock(&l->lock);
}

/* --- attempts ------------------------------------------------------------- */

/* Starts the operation unless the link is being renewed or cancelled; the lock makes
 * sure that a cancel comes before it or finds it. */
static int start(asy_link *l, context *c, uint64_t deadline,
                 void (*operation)(nng_ctx, nng_aio *))
{
    uint64_t now = asy_now_ms();
    if (now >= deadline)
        return NNG_ETIMEDOUT;
    pthread_mutex_lock(&l->lock);
    bool may_run = !l->is_cancelled && !l->is_renewing;
    if (may_run) {
        nng_aio_set_timeout(c->aio, (nng_duration)(deadline - now));
        operation(c->ctx, c->aio);
    }
    pthread_mutex_unlock(&l->lock);
    if (!may_run)
        return NNG_ECANCELED;
    nng_aio_wait(c->aio);
    return nng_aio_result(c->aio);
}

/* The receive starts only after the send has ended: cancelling one while the other is
 * pending crashes NNG 1.5.2. */
static int exchange(asy_link *l, context *c, const asy_frame *f, uint64_t deadline)
{
    nng_msg *msg;
    int code = asy_message_make(&msg, f);
    if (code)
        return code;
    nng_aio_set_msg(c->aio, msg);
    code = start(l, c, deadline, nng_ctx_send);
    if (code) {
        nng_msg_free(msg);
        nng_aio_set_msg(c->aio, NULL);
        return code;
    }
    code = start(l, c, deadline, nng_ctx_recv);
    if (!code)
        c->reply = nng_aio_get_msg(c->aio);
    return code;
}

/* Waits while the socket is replaced. False when the link is cancelled or has none. */
static bool enter(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    while (l->is_renewing && !l->is_cancelled)
        pthread_cond_wait(&l->changed, &l->lock);
    bool may_run = !l->is_cancelled && l->has_socket;
    if (may_run)
        l->in_flight++;
    pthread_mutex_unlock(&l->lock);
    return may_run;
}

static void leave(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    l->in_flight--;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void drop_reply(context *c)
{
    nng_msg_free(c->reply);
    c->reply = NULL;
}

/* One try: 0 and *reply, or NNG's code. */
static int attempt(asy_link *l, context *c, const asy_frame *f, uint64_t deadline,
                   asy_frame *reply)
{
    if (!enter(l))
        return NNG_ECANCELED;
    int code = exchange(l, c, f, deadline);
    leave(l);
    if (code)
        return code;
    bool is_answer = asy_frame_parse(nng_msg_body(c->reply), nng_msg_len(c->reply),
                                     reply) == ASY_OK &&
                     reply->type >= ASY_WELCOME &&
                     (reply->seq == f->seq || reply->type == ASY_REJECT);
    if (is_answer)
        return 0;
    *reply = (asy_frame){0};
    drop_reply(c);
    return NNG_EPROTO;
}

static bool is_cancelled(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    bool answer = l->is_cancelled;
    pthread_mutex_unlock(&l->lock);
    return answer;
}

static asy_err try_until(asy_link *l, context *c, const asy_frame *f,
                         uint32_t timeout_ms, uint32_t patience_ms, asy_frame *reply)
{
    uint64_t end = asy_now_ms() + patience_ms;
    for (;;) {
        uint64_t now = asy_now_ms();
        uint64_t deadline = now + timeout_ms < end ? now + timeout_ms : end;
        int code = attempt(l, c, f, deadline, reply);
        if (code == 0) {
            note_good(l);
            return ASY_OK;
        }
        if (is_cancelled(l))
            return asy_fail(ASY_EIO, "%s: cancelled", l->url);
        if (asy_now_ms() + RETRY_MS >= end)
            return asy_fail(ASY_EIO, "%s: no answer to %s in %.3g s (%s)", l->url,
                            asy_frame_name(f->type), patience_ms / 1000.0,
                            nng_strerror(code));
        renew_if_quiet(l);
        asy_sleep_ms(RETRY_MS);
    }
}

/* --- the public side ------------------------------------------------------ */

asy_err asy_link_call(asy_link *l, uint32_t context_number, uint8_t type,
                      const asy_buf *body, uint32_t timeout_ms, uint32_t patience_ms,
                      asy_frame *reply)
{
    *reply = (asy_frame){0};
    size_t len = body ? body->len : 0;
    if (context_number >= l->n)
        return asy_fail(ASY_EARG, "link: context 0 to %u expected, got %u", l->n - 1,
                        context_number);
    if (len > ASY_FRAME_LIMIT - ASY_FRAME_HEADER)
        return asy_fail(ASY_EARG, "%s: a body of at most %d bytes expected, got %zu",
                        asy_frame_name(type), ASY_FRAME_LIMIT - ASY_FRAME_HEADER, len);
    context *c = &l->contexts[context_number];
    drop_reply(c);
    asy_frame f = {.type = type,
                   .flags = (uint8_t)context_number,
                   .epoch = atomic_load(&l->epoch),
                   .incarnation = l->incarnation,
                   .seq = ++c->seq,
                   .last_work = atomic_load(&l->last_work),
                   .body = body ? body->data : NULL,
                   .body_len = len};
    memcpy(f.worker, l->worker, sizeof f.worker);
    return try_until(l, c, &f, timeout_ms, patience_ms, reply);
}

asy_err asy_link_open(const asy_link_config *config, asy_link **out)
{
    *out = NULL;
    asy_url parts;
    asy_err err = asy_url_parse(config->url, &parts);
    if (!err && (config->contexts == 0 || config->contexts > MOST_CONTEXTS))
        err = asy_fail(ASY_EARG, "link: 1 to %d contexts expected, got %u",
                       MOST_CONTEXTS, config->contexts);
    if (err)
        return err;
    asy_link *l = asy_alloc(1, sizeof *l);
    l->url = asy_strdup(config->url);
    memcpy(l->worker, config->worker, sizeof l->worker);
    l->incarnation = config->incarnation;
    l->n = config->contexts;
    l->quiet_ms = QUIET_MIN_MS;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    for (uint32_t i = 0; i < l->n && !err; i++)
        if (nng_aio_alloc(&l->contexts[i].aio, NULL, NULL) != 0)
            err = asy_fail(ASY_ENOMEM, "%s: no memory for a connection", l->url);
    if (!err)
        err = open_socket(l);
    if (err)
        asy_link_close(l);
    else
        *out = l;
    return err;
}

void asy_link_close(asy_link *l)
{
    if (!l)
        return;
    asy_link_cancel(l);
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->contexts[i].aio)
            nng_aio_free(l->contexts[i].aio);
        drop_reply(&l->contexts[i]);
    }
    retire_socket(l);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    asy_free(l->url);
    asy_free(l);
}

void asy_link_cancel(asy_link *l)
{
    pthread_mutex_lock(&l->lock);
    l->is_cancelled = true;
    for (uint32_t i = 0; i < l->n; i++)
        if (l->contexts[i].aio)
            nng_aio_cancel(l->contexts[i].aio);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

void asy_link_set_epoch(asy_link *l, uint64_t epoch) { atomic_store(&l->epoch, epoch); }

void asy_link_set_last_work(asy_link *l, uint32_t seq)
{
    atomic_store(&l->last_work, seq);
}
