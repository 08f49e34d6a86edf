/* packet.h - messages between a rule's process and the process that keeps it.
 *
 * A packet is u32 length (little-endian, of the body) | u8 type | body in MessagePack.
 * The parent treats everything a child sends as hostile: a length above the limit or an
 * unknown type ends the child.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum {
    ASY_PACKET_HEAD = 5,
    ASY_PACKET_MAX = 16 << 20,       /* bytes of a body */
    ASY_PACKET_VALUES = 4000000,     /* values in a tree ... */
    ASY_PACKET_CONTAINERS = 1000000, /* ... and lists and objects among them */
    ASY_PACKET_DEPTH = 32
};

typedef enum asy_packet_type {
    /* To the child. */
    ASY_PACKET_LOAD =
        1, /* {name, source, options, memory, soft, jit, seed, data?}: the first */
    ASY_PACKET_CALL,    /* a call of lab/rule.h */
    ASY_PACKET_ANSWER,  /* to a QUERY: any value */
    ASY_PACKET_TRIALS,  /* [[id, seed, params], ...] */
    ASY_PACKET_VERDICT, /* to a REPORT: bool, go on */
    /* From the child. */
    ASY_PACKET_READY = 65, /* the rule is loaded: nil */
    ASY_PACKET_REPLY,      /* to a CALL: any value */
    ASY_PACKET_ERROR,      /* [message, fatal]: instead of READY, a REPLY or a result */
    ASY_PACKET_QUERY,      /* any value; waits for an ANSWER */
    ASY_PACKET_LOG,        /* text */
    ASY_PACKET_RESULTS, /* [[id, seconds, metrics | nil, message | nil], ...], in order
                         */
    ASY_PACKET_REPORT   /* [id, epoch, value]; waits for a VERDICT */
} asy_packet_type;

/* A whole packet inside a reader; borrowed until the next asy_packet_fill(). */
typedef struct asy_packet {
    asy_packet_type type;
    const char *body;
    size_t len;
} asy_packet;

/* Starts a packet at the end of `out`; append the body, then end the packet with the
 * mark. asy_packet_end() leaves `out` as it was before the packet and fails when the
 * body is larger than ASY_PACKET_MAX. */
size_t asy_packet_begin(asy_buf *out, asy_packet_type type);
asy_err asy_packet_end(asy_buf *out, size_t mark);

/* Collects bytes and cuts them into packets. Zeroed memory is an empty reader. */
typedef struct asy_packet_reader {
    asy_buf bytes;
    size_t used; /* bytes of complete packets already handed out */
} asy_packet_reader;

/* One read(2) into the reader. *got = 0 at the end of the stream; a descriptor that
 * would block leaves *got = 0 too and sets *again. */
asy_err asy_packet_fill(asy_packet_reader *r, int fd, size_t *got, bool *again);

/* The next whole packet: *have = false when there is none yet. ASY_EIO when the bytes
 * cannot be a packet. */
asy_err asy_packet_next(asy_packet_reader *r, asy_packet *out, bool *have);
void asy_packet_reader_fini(asy_packet_reader *r);

/* The body as a tree, owned by the caller. A byte can become a hundred in memory, so
 * trees of too many values are refused. */
asy_err asy_packet_tree(const asy_packet *p, json_t **out);

/* The content of an ERROR packet; the message is owned by the caller. */
asy_err asy_packet_error(const asy_packet *p, char **message, bool *fatal);

/* Writes all bytes to a blocking descriptor. */
asy_err asy_packet_write(int fd, const void *bytes, size_t len);
