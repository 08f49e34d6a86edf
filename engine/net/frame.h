/* frame.h - one message of the protocol LP/1: a fixed header, then a MessagePack map.
 *
 * Little-endian, 56 bytes: u16 magic 0x4C58, u8 major, u8 minor, u8 type, u8 flags,
 * u16 header length, u64 host epoch, u8[16] worker uuid, u64 incarnation (random per
 * process start), u64 seq (per context, +1 per new request, the same on a retry), u32
 * last WORK seq whose reply was received, u32 CRC-32C of the body. The low four bits of
 * flags are the number of the worker's context; a reply repeats worker, incarnation,
 * seq and flags of its request. Everything that arrives is hostile until
 * asy_frame_parse() has accepted it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum {
    ASY_FRAME_HEADER = 56,
    ASY_FRAME_MAJOR = 1,
    ASY_FRAME_MINOR = 0,
    ASY_FRAME_LIMIT = 4 << 20 /* bytes of a whole frame */
};

typedef enum asy_frame_type {
    ASY_HELLO = 1,
    ASY_WORK,
    ASY_BEAT,
    ASY_DATA_META,
    ASY_DATA_GET,
    ASY_BYE,
    ASY_LOG,
    ASY_WELCOME = 65,
    ASY_REJECT,
    ASY_TASKS,
    ASY_ORDERS,
    ASY_DATA,
    ASY_DONE,
    ASY_RETRY_LATER
} asy_frame_type;

typedef struct asy_frame {
    uint8_t major, minor, type, flags;
    uint64_t epoch;
    uint8_t worker[16];
    uint64_t incarnation, seq;
    uint32_t last_work;
    const void *body; /* borrowed: msgpack */
    size_t body_len;
} asy_frame;

/* Only the header, for senders that put the body in place themselves. */
void asy_frame_head(uint8_t head[ASY_FRAME_HEADER], const asy_frame *f);
/* Appends header and body. */
void asy_frame_write(asy_buf *out, const asy_frame *f);

/* The body is borrowed from bytes. ASY_EARG says what is wrong: length, magic, version,
 * unknown type or checksum. *out then holds what the header said if it could be read at
 * all (so that a refusal can name the request), with no body, else zeros. */
asy_err asy_frame_parse(const void *bytes, size_t len, asy_frame *out);
const char *asy_frame_name(uint8_t type); /* "WORK"; "?" for none of them. Static. */
