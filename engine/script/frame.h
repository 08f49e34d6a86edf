/* frame.h - messages between a rule's process and the process that keeps it.
 *
 * A frame is u32 length (little-endian, of the body) | u8 type | body in MessagePack.
 * The parent treats everything a child sends as hostile: a length above the limit or an
 * unknown type ends the child.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum { ASY_FRAME_HEAD = 5, ASY_FRAME_MAX = 16 << 20 /* bytes of a body */ };

typedef enum asy_frame_type {
    /* To the child. */
    ASY_FRAME_LOAD =
        1, /* {name, source, options, memory, soft, jit, seed, data?}: the first */
    ASY_FRAME_CALL,    /* a call of lab/rule.h */
    ASY_FRAME_ANSWER,  /* to a QUERY: any value */
    ASY_FRAME_TRIALS,  /* [[id, seed, params], ...] */
    ASY_FRAME_VERDICT, /* to a REPORT: bool, go on */
    /* From the child. */
    ASY_FRAME_READY = 65, /* the rule is loaded: nil */
    ASY_FRAME_REPLY,      /* to a CALL: any value */
    ASY_FRAME_ERROR,      /* {message, fatal}: instead of READY, a REPLY or a RESULT */
    ASY_FRAME_QUERY,      /* any value; waits for an ANSWER */
    ASY_FRAME_LOG,        /* text */
    ASY_FRAME_RESULTS, /* [[id, seconds, metrics | nil, message | nil], ...], in order
                        */
    ASY_FRAME_REPORT   /* [id, epoch, value]; waits for a VERDICT */
} asy_frame_type;

/* A whole frame inside a reader; borrowed until the next asy_reader_fill(). */
typedef struct asy_frame {
    asy_frame_type type;
    const char *body;
    size_t len;
} asy_frame;

/* Starts a frame at the end of `out`; append the body, then end the frame with the
 * mark. asy_frame_end() leaves `out` as it was before the frame and fails when the body
 * is larger than ASY_FRAME_MAX. */
size_t asy_frame_begin(asy_buf *out, asy_frame_type type);
asy_err asy_frame_end(asy_buf *out, size_t mark);

/* Collects bytes and cuts them into frames. Zeroed memory is an empty reader. */
typedef struct asy_reader {
    asy_buf bytes;
    size_t used; /* bytes of complete frames already handed out */
} asy_reader;

/* One read(2) into the reader. *got = 0 at the end of the stream; a descriptor that
 * would block leaves *got = 0 too and sets *again. */
asy_err asy_reader_fill(asy_reader *r, int fd, size_t *got, bool *again);

/* The next whole frame: *have = false when there is none yet. ASY_EIO when the bytes
 * cannot be a frame. */
asy_err asy_reader_next(asy_reader *r, asy_frame *out, bool *have);
void asy_reader_fini(asy_reader *r);

/* Writes all bytes to a blocking descriptor. */
asy_err asy_frame_write(int fd, const void *bytes, size_t len);
