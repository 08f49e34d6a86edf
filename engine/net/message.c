/* message.c - a frame as an NNG message. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/message.h"
#include <string.h>

int asy_message_make(nng_msg **out, const asy_frame *f)
{
    *out = NULL;
    int code = nng_msg_alloc(out, ASY_FRAME_HEADER + f->body_len);
    if (code)
        return code;
    uint8_t *bytes = nng_msg_body(*out);
    asy_frame_head(bytes, f);
    if (f->body_len)
        memcpy(bytes + ASY_FRAME_HEADER, f->body, f->body_len);
    return 0;
}
