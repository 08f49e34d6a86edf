/* message.h - a frame as an NNG message. Inside net only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <nng/nng.h>
#include "net/frame.h"

/* What sockets accept: NNG adds a few bytes of its own to a frame. */
enum { ASY_WIRE_LIMIT = ASY_FRAME_LIMIT + 64 };

/* A message holding header and body; NNG's code, 0 for success. *out is NULL on
 * failure. */
int asy_message_make(nng_msg **out, const asy_frame *f);
