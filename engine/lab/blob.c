/* blob.c - prepared data for workers that cannot open the host's files: by hash, piece
 * by piece. The worker checks the whole against the hash. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/blob.h"
#include <string.h>
#include "base/file.h"
#include "lab/core.h"

enum { CHUNK = 1 << 20 };

static const char *path_of(asy_host *h, const char *hash)
{
    for (uint32_t i = 0; i < h->sessions; i++) {
        const asy_session *s = h->session[i];
        for (uint32_t k = 0; k < s->setup.folds; k++)
            if (strcmp(s->prepared[k].text, hash) == 0)
                return s->prepared[k].path;
    }
    return NULL;
}

static void write_meta(asy_buf *b, const asy_map *m)
{
    asy_pack_map(b, 1);
    asy_pack_text(b, "size");
    asy_pack_uint(b, m->len);
}

static void write_chunk(asy_buf *b, const asy_map *m, uint64_t offset)
{
    size_t left = offset < m->len ? m->len - (size_t)offset : 0;
    asy_pack_map(b, 1);
    asy_pack_text(b, "bytes");
    asy_pack_bin(b, left ? (const char *)m->bytes + offset : "",
                 left < CHUNK ? left : CHUNK);
}

static asy_err answer(asy_host *h, const asy_frame *f, asy_buf *b)
{
    asy_letter l;
    asy_map m;
    asy_err err = asy_letter_read(f->body, f->body_len, &l);
    if (err)
        return err;
    if (!asy_peer_find(h, f, l.ticket))
        return asy_fail(ASY_EARG, "say HELLO first");
    const char *path = path_of(h, l.hash);
    if (!path)
        return asy_fail(ASY_EARG, "no such data: %s", l.hash);
    err = asy_map_open(path, &m);
    if (err)
        return err;
    if (f->type == ASY_DATA_META)
        write_meta(b, &m);
    else
        write_chunk(b, &m, l.offset);
    asy_map_close(&m);
    return ASY_OK;
}

void asy_blob_request(asy_host *h, asy_request *r)
{
    asy_buf b = {0};
    uint8_t type = ASY_DATA;
    if (answer(h, &r->frame, &b)) {
        asy_buf_clear(&b);
        asy_reject_write(&b, "data", asy_errmsg());
        type = ASY_REJECT;
    }
    asy_request_reply(r, asy_store_epoch(h->store), type, &b);
    asy_buf_fini(&b);
}
