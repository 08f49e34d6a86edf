/* frame.c - one message of the protocol LP/1: a fixed header, then a MessagePack map.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame.h"
#include <string.h>
#include "base/hash.h"

enum { MAGIC = 0x4C58 };

/* Where each field of the header starts. */
enum {
    AT_MAGIC = 0,
    AT_MAJOR = 2,
    AT_MINOR = 3,
    AT_TYPE = 4,
    AT_FLAGS = 5,
    AT_LENGTH = 6,
    AT_EPOCH = 8,
    AT_WORKER = 16,
    AT_INCARNATION = 32,
    AT_SEQ = 40,
    AT_LAST_WORK = 48,
    AT_CRC = 52
};

static void put(uint8_t *at, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(x >> (8 * i));
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++)
        x |= (uint64_t)at[i] << (8 * i);
    return x;
}

const char *asy_frame_name(uint8_t type)
{
    switch (type) {
    case ASY_HELLO: return "HELLO";
    case ASY_WORK: return "WORK";
    case ASY_BEAT: return "BEAT";
    case ASY_DATA_META: return "DATA_META";
    case ASY_DATA_GET: return "DATA_GET";
    case ASY_BYE: return "BYE";
    case ASY_LOG: return "LOG";
    case ASY_WELCOME: return "WELCOME";
    case ASY_REJECT: return "REJECT";
    case ASY_TASKS: return "TASKS";
    case ASY_ORDERS: return "ORDERS";
    case ASY_DATA: return "DATA";
    case ASY_DONE: return "DONE";
    case ASY_RETRY_LATER: return "RETRY_LATER";
    default: return "?";
    }
}

void asy_frame_head(uint8_t head[ASY_FRAME_HEADER], const asy_frame *f)
{
    put(head + AT_MAGIC, MAGIC, 2);
    put(head + AT_MAJOR, ASY_FRAME_MAJOR, 1);
    put(head + AT_MINOR, ASY_FRAME_MINOR, 1);
    put(head + AT_TYPE, f->type, 1);
    put(head + AT_FLAGS, f->flags, 1);
    put(head + AT_LENGTH, ASY_FRAME_HEADER, 2);
    put(head + AT_EPOCH, f->epoch, 8);
    memcpy(head + AT_WORKER, f->worker, sizeof f->worker);
    put(head + AT_INCARNATION, f->incarnation, 8);
    put(head + AT_SEQ, f->seq, 8);
    put(head + AT_LAST_WORK, f->last_work, 4);
    put(head + AT_CRC, asy_crc32c(f->body, f->body_len), 4);
}

void asy_frame_write(asy_buf *out, const asy_frame *f)
{
    uint8_t head[ASY_FRAME_HEADER];
    asy_frame_head(head, f);
    asy_buf_add(out, head, sizeof head);
    asy_buf_add(out, f->body, f->body_len);
}

static asy_frame read_head(const uint8_t *head)
{
    asy_frame f = {.major = head[AT_MAJOR],
                   .minor = head[AT_MINOR],
                   .type = head[AT_TYPE],
                   .flags = head[AT_FLAGS],
                   .epoch = get(head + AT_EPOCH, 8),
                   .incarnation = get(head + AT_INCARNATION, 8),
                   .seq = get(head + AT_SEQ, 8),
                   .last_work = (uint32_t)get(head + AT_LAST_WORK, 4)};
    memcpy(f.worker, head + AT_WORKER, sizeof f.worker);
    return f;
}

/* A later minor version may have a longer header; what we do not know of it is skipped.
 */
static asy_err check_body(const uint8_t *bytes, size_t len, asy_frame *f)
{
    size_t head = get(bytes + AT_LENGTH, 2);
    if (head < ASY_FRAME_HEADER || head > len)
        return asy_fail(ASY_EARG,
                        "frame: a header of %d to %zu bytes expected, got %zu",
                        ASY_FRAME_HEADER, len, head);
    uint32_t want = (uint32_t)get(bytes + AT_CRC, 4);
    uint32_t crc = asy_crc32c(bytes + head, len - head);
    if (crc != want)
        return asy_fail(ASY_EARG, "frame: checksum %08x expected, got %08x", want, crc);
    f->body = bytes + head;
    f->body_len = len - head;
    return ASY_OK;
}

asy_err asy_frame_parse(const void *bytes, size_t len, asy_frame *out)
{
    *out = (asy_frame){0};
    const uint8_t *b = bytes;
    if (len < ASY_FRAME_HEADER || len > ASY_FRAME_LIMIT)
        return asy_fail(ASY_EARG, "frame: %d to %d bytes expected, got %zu",
                        ASY_FRAME_HEADER, ASY_FRAME_LIMIT, len);
    if (get(b + AT_MAGIC, 2) != MAGIC)
        return asy_fail(ASY_EARG, "frame: magic %04x expected, got %04x", MAGIC,
                        (unsigned)get(b + AT_MAGIC, 2));
    *out = read_head(b);
    if (out->major != ASY_FRAME_MAJOR)
        return asy_fail(ASY_EARG,
                        "frame: protocol %d expected, got %d.%d; both ends must "
                        "run the same version of Assay",
                        ASY_FRAME_MAJOR, out->major, out->minor);
    if (*asy_frame_name(out->type) == '?')
        return asy_fail(ASY_EARG, "frame: unknown type %d", out->type);
    return check_body(b, len, out);
}
