/* listen.c - the host's side of a link: NNG REP contexts that put requests in a queue.
 *
 * Each slot is one NNG context with one asynchronous operation. It receives a request,
 * is held by the host until the reply is ready, sends that and receives again. Replies
 * may be held for long (until a commit, or while there is no work), so slots are added
 * whenever few are free.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/log.h"
#include "base/mem.h"
#include "base/pack.h"
#include "net/canary.h"
#include "net/message.h"
#include "net/url.h"
#include "net/wait.h"

enum {
    FREE_SLOTS = 16,
    MOST_SLOTS = 16384, /* beyond it NNG stops reading from the connections */
    SEND_MS = 30000,    /* a peer that does not read loses its reply */
    CANARY_MS = 2000,   /* for an answer */
    WATCH_MS = 2000,    /* between two looks ... */
    AGAIN_MS = 500      /* ... after a silence */
};

/* Where a listener can be reached. */
typedef struct asy_place {
    asy_url url;
    char *text;              /* owned */
    struct asy_place *older; /* dead, but perhaps still named by somebody */
} asy_place;

struct asy_listener {
    nng_socket socket;
    bool may_move; /* the port was ours to choose: another is as good */
    asy_net_sink *sink;
    void *ctx;
    _Atomic(asy_place *) place; /* the present one; earlier ones are kept for readers */
    pthread_mutex_t lock;       /* guards what follows; held while the sink runs */
    pthread_cond_t stopped;
    bool is_stopped;
    struct slot *first; /* all slots; they live as long as the process */
    uint32_t slots, free;
};

typedef enum slot_state { RECEIVING, HELD, SENDING } slot_state;

typedef struct slot {
    asy_request request; /* given out while HELD */
    asy_listener *listener;
    nng_ctx ctx;
    nng_aio *aio;
    nng_msg *msg; /* what request.frame points into */
    slot_state state;
    struct slot *next; /* of the listener's */
} slot;

/* --- slots ---------------------------------------------------------------- */

static void receive(slot *s)
{
    s->state = RECEIVING;
    nng_aio_set_timeout(s->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(s->ctx, s->aio);
}

static void on_slot(void *arg);

static int add_slot(asy_listener *l)
{
    slot *s = asy_alloc(1, sizeof *s);
    s->listener = l;
    s->request.inner = s;
    int code = nng_aio_alloc(&s->aio, on_slot, s);
    if (!code)
        code = nng_ctx_open(&s->ctx, l->socket);
    if (code) {
        if (s->aio)
            nng_aio_free(s->aio);
        asy_free(s);
        return code;
    }
    s->next = l->first;
    l->first = s;
    l->slots++;
    l->free++;
    receive(s);
    return 0;
}

/* With the lock held. */
static int add_slots(asy_listener *l)
{
    int code = 0;
    while (!code && l->free < FREE_SLOTS && l->slots < MOST_SLOTS)
        code = add_slot(l);
    return code;
}

static void recycle(slot *s)
{
    nng_msg_free(s->msg);
    s->msg = NULL;
    pthread_mutex_lock(&s->listener->lock);
    s->listener->free++;
    pthread_mutex_unlock(&s->listener->lock);
    receive(s);
}

/* --- replies -------------------------------------------------------------- */

static void put_refusal(asy_buf *body, const char *code, const char *text)
{
    asy_pack_map(body, 2);
    asy_pack_text(body, "code");
    asy_pack_text(body, code);
    asy_pack_text(body, "text");
    asy_pack_text(body, text);
}

static void send_reply(slot *s, uint64_t epoch, uint8_t type, const asy_buf *body)
{
    asy_frame f = s->request.frame;
    f.type = type;
    f.epoch = epoch;
    f.body = body->data;
    f.body_len = body->len;
    nng_msg *msg;
    if (asy_message_make(&msg, &f)) {
        asy_log(ASY_ERROR, "%s: no memory for a reply", asy_listener_url(s->listener));
        recycle(s);
        return;
    }
    s->state = SENDING;
    nng_aio_set_msg(s->aio, msg);
    nng_aio_set_timeout(s->aio, SEND_MS);
    nng_ctx_send(s->ctx, s->aio);
}

static void send_refusal(slot *s, uint64_t epoch, const char *code, const char *text)
{
    asy_buf body = {0};
    put_refusal(&body, code, text);
    send_reply(s, epoch, ASY_REJECT, &body);
    asy_buf_fini(&body);
}

void asy_request_reply(asy_request *r, uint64_t epoch, uint8_t type,
                       const asy_buf *body)
{
    static const asy_buf nothing = {0};
    slot *s = r->inner;
    if (!body)
        body = &nothing;
    if (body->len <= ASY_FRAME_LIMIT - ASY_FRAME_HEADER) {
        send_reply(s, epoch, type, body);
        return;
    }
    asy_log(ASY_ERROR, "%s: a reply %s of %zu bytes is over the limit",
            asy_listener_url(s->listener), asy_frame_name(type), body->len);
    send_refusal(s, epoch, "too_large", "the reply is larger than a frame may be");
}

void asy_request_drop(asy_request *r) { recycle(r->inner); }

/* --- what NNG calls ------------------------------------------------------- */

static asy_net_event *event_new(asy_request *request, uint32_t pipe)
{
    asy_net_event *e = asy_alloc(1, sizeof *e);
    e->kind = request ? ASY_NET_REQUEST : ASY_NET_GONE;
    e->request = request;
    e->pipe = pipe;
    return e;
}

void asy_net_event_free(asy_net_event *e) { asy_free(e); }

/* The lock makes sure that the sink is never called after asy_listener_stop(). */
static bool give(asy_listener *l, asy_request *request, uint32_t pipe)
{
    pthread_mutex_lock(&l->lock);
    bool is_open = !l->is_stopped;
    if (is_open && request) {
        l->free--;
        add_slots(l);
    }
    if (is_open)
        l->sink(l->ctx, event_new(request, pipe));
    pthread_mutex_unlock(&l->lock);
    return is_open;
}

static void on_received(slot *s)
{
    asy_listener *l = s->listener;
    s->msg = nng_aio_get_msg(s->aio);
    asy_request *r = &s->request;
    r->pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(s->msg));
    s->state = HELD;
    if (asy_frame_parse(nng_msg_body(s->msg), nng_msg_len(s->msg), &r->frame)) {
        pthread_mutex_lock(&l->lock);
        l->free--; /* as give() does: recycle() adds it again */
        pthread_mutex_unlock(&l->lock);
        send_refusal(s, 0, "frame", asy_errmsg());
    } else if (!give(l, r, r->pipe)) {
        nng_msg_free(s->msg); /* stopped: the slot is left to the end of the process */
        s->msg = NULL;
    }
}

static void on_slot(void *arg)
{
    slot *s = arg;
    int code = nng_aio_result(s->aio);
    if (s->state == SENDING) {
        if (code)
            nng_msg_free(nng_aio_get_msg(s->aio));
        recycle(s);
    } else if (code == 0) {
        on_received(s);
    } else if (code != NNG_ECLOSED && code != NNG_ECANCELED) {
        receive(s);
    }
}

static void on_gone(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    (void)event;
    give(arg, NULL, (uint32_t)nng_pipe_id(pipe));
}

/* --- opening -------------------------------------------------------------- */

/* One descriptor a worker: the usual soft limit of 1,024 is too low for a host. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static asy_place *place_new(const char *name, uint16_t port, asy_place *older)
{
    asy_place *p = asy_alloc(1, sizeof *p);
    asy_buf b = {0};
    asy_buf_printf(&b, strchr(name, ':') ? "tcp://[%s]:%u" : "tcp://%s:%u", name, port);
    snprintf(p->url.name, sizeof p->url.name, "%s", name);
    p->url.port = port;
    p->text = asy_buf_take(&b);
    p->older = older;
    return p;
}

/* Adds an accepting end to the socket; l->place is where. */
static int add_place(asy_listener *l, const asy_url *url)
{
    nng_listener inner;
    int port = 0;
    asy_place *wish = place_new(url->name, url->port, NULL);
    int code = nng_listener_create(&inner, l->socket, wish->text);
    if (!code)
        code = nng_listener_set_size(inner, NNG_OPT_RECVMAXSZ, ASY_WIRE_LIMIT);
    if (!code)
        code = nng_listener_start(inner, 0);
    if (!code)
        code = nng_listener_get_int(inner, NNG_OPT_TCP_BOUND_PORT, &port);
    if (!code)
        atomic_store(&l->place,
                     place_new(url->name, (uint16_t)port, atomic_load(&l->place)));
    asy_free(wish->text);
    asy_free(wish);
    return code;
}

static int open_socket(asy_listener *l, const asy_url *url)
{
    int code = nng_rep0_open(&l->socket);
    if (!code)
        code = nng_pipe_notify(l->socket, NNG_PIPE_EV_REM_POST, on_gone, l);
    return code ? code : add_place(l, url);
}

/* --- the watch ------------------------------------------------------------ */

/* False when the listener was stopped meanwhile. */
static bool wait_watch(asy_listener *l, uint32_t ms)
{
    struct timespec deadline = asy_wait_deadline(ms);
    pthread_mutex_lock(&l->lock);
    int code = 0;
    while (!l->is_stopped && code == 0)
        code = pthread_cond_timedwait(&l->stopped, &l->lock, &deadline);
    bool goes_on = !l->is_stopped;
    pthread_mutex_unlock(&l->lock);
    return goes_on;
}

/* The dead end is left alone; whoever is connected stays so. A port that somebody else
 * chose cannot be taken twice. */
static void move(asy_listener *l)
{
    const asy_place *dead = atomic_load(&l->place);
    asy_url again = {.port = 0};
    snprintf(again.name, sizeof again.name, "%s", dead->url.name);
    int code = l->may_move ? add_place(l, &again) : NNG_EADDRINUSE;
    if (code)
        asy_log(ASY_ERROR, "%s accepts nobody any more (%s): restart the host",
                dead->text, nng_strerror(code));
    else
        asy_log(ASY_WARN, "%s accepts nobody any more; listening on %s", dead->text,
                asy_listener_url(l));
}

/* One silence may be a busy machine; two in a row are a death. */
static bool is_dead(asy_listener *l, int *silences)
{
    *silences = asy_listener_alive(l) ? 0 : *silences + 1;
    return *silences == 2;
}

static void look_at_reaper(int *silences)
{
    if (*silences >= 2) /* said already, and each look loses a thread */
        return;
    *silences = asy_canary_reaper(CANARY_MS) ? 0 : *silences + 1;
    if (*silences == 2)
        asy_log(ASY_WARN,
                "lost connections are not freed any more: restart the host when "
                "it suits");
}

static void *watch_main(void *arg)
{
    asy_listener *l = arg;
    int silences = 0, reaper_silences = 0;
    while (wait_watch(l, silences ? AGAIN_MS : WATCH_MS)) {
        if (is_dead(l, &silences)) {
            move(l);
            silences = 0;
        }
        look_at_reaper(&reaper_silences);
    }
    return NULL;
}

/* Detached: the listener lives as long as the process. */
static void start_watch(asy_listener *l)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_main, l) == 0)
        pthread_detach(thread);
}

/* Only for one that never had a slot, so that NNG calls nobody here. */
static void listener_free(asy_listener *l)
{
    nng_close(l->socket);
    asy_place *p = atomic_load(&l->place);
    if (p)
        asy_free(p->text);
    asy_free(p);
    pthread_cond_destroy(&l->stopped);
    pthread_mutex_destroy(&l->lock);
    asy_free(l);
}

static asy_listener *listener_new(const asy_url *url, asy_net_sink *sink, void *ctx)
{
    asy_listener *l = asy_alloc(1, sizeof *l);
    l->may_move = url->port == 0;
    l->sink = sink;
    l->ctx = ctx;
    pthread_mutex_init(&l->lock, NULL);
    asy_wait_init(&l->stopped);
    return l;
}

asy_err asy_listener_open(const char *url, asy_net_sink *sink, void *ctx,
                          asy_listener **out)
{
    *out = NULL;
    asy_url parts;
    asy_err err = asy_url_parse(url, &parts);
    if (err)
        return err;
    raise_file_limit();
    asy_listener *l = listener_new(&parts, sink, ctx);
    int code = open_socket(l, &parts);
    pthread_mutex_lock(&l->lock);
    if (!code)
        code = add_slots(l);
    bool is_open = l->slots > 0;
    pthread_mutex_unlock(&l->lock);
    if (is_open) {
        start_watch(l);
        *out = l;
        return ASY_OK;
    }
    err = asy_fail(ASY_EIO, "%s: %s", url, nng_strerror(code));
    listener_free(l);
    return err;
}

const char *asy_listener_url(const asy_listener *l)
{
    return atomic_load(&((asy_listener *)l)->place)->text;
}

void asy_listener_stop(asy_listener *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_stopped = true;
    pthread_cond_broadcast(&l->stopped);
    pthread_mutex_unlock(&l->lock);
}

bool asy_listener_alive(asy_listener *l)
{
    const asy_place *p = atomic_load(&l->place);
    return asy_canary_port(p->url.name, p->url.port, CANARY_MS);
}
