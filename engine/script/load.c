/* load.c - packs a rule for its process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/load.h"
#include "base/pack.h"

asy_err asy_load_packet(const asy_load *l, asy_buf *out)
{
    if (l->len > ASY_SOURCE_MAX)
        return asy_fail(ASY_EARG, "%s: %zu bytes; a rule may have %d KiB", l->name,
                        l->len, ASY_SOURCE_MAX >> 10);
    size_t mark = asy_packet_begin(out, ASY_PACKET_LOAD);
    asy_pack_map(out, 8);
    asy_pack_text(out, "name");
    asy_pack_text(out, l->name);
    asy_pack_text(out, "source");
    asy_pack_bin(out, l->source, l->len);
    asy_pack_text(out, "options");
    if (l->options)
        asy_pack_value(out, l->options);
    else
        asy_pack_map(out, 0);
    asy_pack_text(out, "memory");
    asy_pack_uint(out, l->limits->memory);
    asy_pack_text(out, "soft");
    asy_pack_uint(out, l->limits->soft_ms);
    asy_pack_text(out, "jit");
    asy_pack_bool(out, l->limits->jit);
    asy_pack_text(out, "seed");
    asy_pack_int(out, (int64_t)l->seed);
    asy_pack_text(out, "data");
    if (l->data)
        asy_pack_text(out, l->data);
    else
        asy_pack_nil(out);
    return asy_packet_end(out, mark);
}
