/* wire.h - a rule's process side of the packets: blocking, on one descriptor.
 *
 * When the other side is gone there is nobody to tell: the functions without a result
 * end the process then.
 */
#pragma once
#include "base/pack.h"
#include "script/packet.h"

enum {
    ASY_WIRE_LOG = 1 << 20,  /* bytes of log a call or trial may write */
    ASY_WIRE_LINE = 16 << 10 /* bytes of a line */
};

/* Zeroed but for fd. */
typedef struct asy_wire {
    int fd;
    asy_packet_reader in;
    asy_buf out;     /* scratch for packets */
    asy_buf results; /* entries of the next RESULTS packet */
    uint32_t result_count;
    uint64_t flushed_ns; /* when results last went out */
    uint64_t logged;     /* bytes of the present call */
} asy_wire;

/* The next packet, which must be of that type (0: any). Borrowed until the next wait.
 * ASY_EIO at the end of the stream or on another type. */
asy_err asy_wire_wait(asy_wire *w, asy_packet_type type, asy_packet *out);

/* Sends a packet with that body. ASY_EARG, and nothing sent, when it is too large. */
asy_err asy_wire_send(asy_wire *w, asy_packet_type type, const asy_buf *body);

void asy_wire_ready(asy_wire *w);
void asy_wire_error(asy_wire *w, const char *message, bool fatal);
void asy_wire_report(asy_wire *w, int64_t id, uint64_t epoch, double value);

/* A new call or trial: the log's quota starts again. */
void asy_wire_next_call(asy_wire *w);
void asy_wire_log(asy_wire *w, const char *text);

/* Keeps a trial's result: encoded metrics, or a message when it failed. Quick results
 * travel together; asy_wire_flush() sends what is left. */
void asy_wire_result(asy_wire *w, int64_t id, double seconds, const asy_buf *metrics,
                     const char *message);
void asy_wire_flush(asy_wire *w);
