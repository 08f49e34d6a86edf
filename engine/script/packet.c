/* packet.c - cuts a byte stream into packets and puts packets together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/packet.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/pack.h"

enum { READ_SIZE = 256 << 10 };

size_t asy_packet_begin(asy_buf *out, asy_packet_type type)
{
    const char head[ASY_PACKET_HEAD] = {0, 0, 0, 0, (char)type};
    size_t mark = out->len;
    asy_buf_add(out, head, sizeof head);
    return mark;
}

asy_err asy_packet_end(asy_buf *out, size_t mark)
{
    size_t len = out->len - mark - ASY_PACKET_HEAD;
    if (len > ASY_PACKET_MAX) {
        out->len = mark;
        out->data[mark] = '\0';
        return asy_fail(ASY_EARG,
                        "message of %zu bytes is larger than the limit of %d MiB", len,
                        ASY_PACKET_MAX >> 20);
    }
    for (int i = 0; i < 4; i++)
        out->data[mark + (size_t)i] = (char)(len >> (8 * i));
    return ASY_OK;
}

/* Moves the bytes of the unfinished packet to the front, so that the buffer stays about
 * as large as the largest packet. */
static void compact(asy_packet_reader *r)
{
    if (r->used == 0)
        return;
    memmove(r->bytes.data, r->bytes.data + r->used, r->bytes.len - r->used);
    r->bytes.len -= r->used;
    r->used = 0;
}

asy_err asy_packet_fill(asy_packet_reader *r, int fd, size_t *got, bool *again)
{
    *got = 0;
    *again = false;
    compact(r);
    char *at = asy_buf_reserve(&r->bytes, READ_SIZE);
    ssize_t n;
    do
        n = read(fd, at, READ_SIZE);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        *got = (size_t)n;
        r->bytes.len += (size_t)n;
        return ASY_OK;
    }
    *again = errno == EAGAIN || errno == EWOULDBLOCK;
    if (*again || errno == ECONNRESET)
        return ASY_OK;
    return asy_fail(ASY_EIO, "reading from the rule's process: %s", strerror(errno));
}

static bool is_type(unsigned type)
{
    return (type >= ASY_PACKET_LOAD && type <= ASY_PACKET_VERDICT) ||
           (type >= ASY_PACKET_READY && type <= ASY_PACKET_REPORT);
}

asy_err asy_packet_next(asy_packet_reader *r, asy_packet *out, bool *have)
{
    *have = false;
    size_t left = r->bytes.len - r->used;
    if (left < ASY_PACKET_HEAD)
        return ASY_OK;
    const unsigned char *head = (const unsigned char *)r->bytes.data + r->used;
    size_t len =
        head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (len > ASY_PACKET_MAX || !is_type(head[4]))
        return asy_fail(ASY_EIO, "broken packet: type %u, %zu bytes", head[4], len);
    if (left - ASY_PACKET_HEAD < len)
        return ASY_OK;
    *out = (asy_packet){.type = (asy_packet_type)head[4],
                        .body = (const char *)head + ASY_PACKET_HEAD,
                        .len = len};
    r->used += ASY_PACKET_HEAD + len;
    *have = true;
    return ASY_OK;
}

void asy_packet_reader_fini(asy_packet_reader *r)
{
    asy_buf_fini(&r->bytes);
    r->used = 0;
}

asy_err asy_packet_write(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return asy_fail(ASY_EIO, "writing to the rule's process: %s",
                            strerror(errno));
        p += n;
        len -= (size_t)n;
    }
    return ASY_OK;
}

/* What is left of the allowance while the body is walked. */
typedef struct allowance {
    uint32_t values, containers;
} allowance;

/* Walks one value and takes it off the allowance. */
static asy_err spend(asy_unpack *u, allowance *left, int depth)
{
    uint32_t n = 0;
    asy_unpack_kind kind = asy_unpack_peek(u);
    bool is_container = kind == ASY_UNPACK_ARRAY || kind == ASY_UNPACK_MAP;
    if (left->values-- == 0 || (is_container && left->containers-- == 0))
        return asy_fail(ASY_EIO, "a message of too many values");
    if (!is_container)
        return asy_unpack_skip(u);
    if (depth > ASY_PACKET_DEPTH)
        return asy_fail(ASY_EIO, "a message nested too deep");
    asy_err e =
        kind == ASY_UNPACK_MAP ? asy_unpack_map(u, &n) : asy_unpack_array(u, &n);
    for (; n > 0 && !e; n--) {
        if (kind == ASY_UNPACK_MAP)
            e = asy_unpack_skip(u); /* the key */
        if (!e)
            e = spend(u, left, depth + 1);
    }
    return e;
}

asy_err asy_packet_tree(const asy_packet *p, json_t **out)
{
    asy_unpack u = asy_unpack_open(p->body, p->len);
    allowance left = {ASY_PACKET_VALUES, ASY_PACKET_CONTAINERS};
    *out = NULL;
    asy_err e = spend(&u, &left, 0);
    return e ? e : asy_unpack_value(p->body, p->len, out);
}

asy_err asy_packet_error(const asy_packet *p, char **message, bool *fatal)
{
    asy_unpack u = asy_unpack_open(p->body, p->len);
    uint32_t parts;
    const char *text;
    size_t len;
    *message = NULL;
    asy_err e = asy_unpack_array(&u, &parts);
    if (!e)
        e = asy_unpack_text(&u, &text, &len);
    if (!e)
        e = asy_unpack_bool(&u, fatal);
    if (!e)
        *message = asy_strndup(text, len);
    return e;
}
