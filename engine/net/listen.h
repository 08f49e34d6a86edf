/* listen.h - the host's side of a link: NNG REP contexts that put requests in a queue.
 *
 * Rules for Debian's NNG 1.5.2 are kept here: the host never closes pipes or listeners
 * under traffic; receive sizes are bounded; closing is left to the end of the process.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/queue.h"
#include "net/frame.h"

typedef struct asy_listener asy_listener;

/* A request as it arrived; owned by whoever popped it until replied to. */
typedef struct asy_request {
    asy_frame frame; /* body points into the request */
    uint32_t pipe;   /* NNG's number of the connection */
    void *inner;     /* owned by listen.c */
} asy_request;

/* What lands in the queue: type 1 = request; pipe events are hints only. */
typedef struct asy_net_event {
    enum { ASY_NET_REQUEST = 1, ASY_NET_GONE } kind;
    asy_request *request; /* REQUEST */
    uint32_t pipe;        /* GONE: that connection ended */
} asy_net_event;

/* url: "tcp://127.0.0.1:0" picks a port; asy_listener_url() tells which. A thread looks
 * every few seconds whether the listener still accepts; when NNG has stopped doing so,
 * one that picked its port gets another (those connected stay connected) and says so in
 * the log: ask for the URL whenever it is needed. Raises the soft limit of open files.
 * Events are given to `sink` on NNG's threads; it must only enqueue (and owns the
 * event: free with asy_net_event_free). Malformed frames are answered with REJECT and
 * never reach the sink. */
typedef void asy_net_sink(void *ctx, asy_net_event *event);
asy_err asy_listener_open(const char *url, asy_net_sink *sink, void *ctx,
                          asy_listener **out);
/* Borrowed for as long as the process lives. Any thread. */
const char *asy_listener_url(const asy_listener *l);

/* Sends the reply (type and body; the header is filled in from the request) and frees
 * the request. May be called from any one thread, long after the request came. */
void asy_request_reply(asy_request *r, uint64_t epoch, uint8_t type,
                       const asy_buf *body);
/* Drops a request without an answer (the host is going away). */
void asy_request_drop(asy_request *r);
void asy_net_event_free(
    asy_net_event *e); /* not its request: that has a life of its own */

/* Stops taking requests: the sink is not called any more. NNG and the listener itself
 * are left to the end of the process (see above). */
void asy_listener_stop(asy_listener *l);
/* True while new connections are accepted (the listener canary). Takes up to two
 * seconds when they are not. */
bool asy_listener_alive(asy_listener *l);
