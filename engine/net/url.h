/* url.h - which addresses hosts and workers may use. Inside net only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
#include "base/err.h"

typedef struct asy_url {
    char name[256]; /* of the host, without brackets */
    uint16_t port;  /* 0: any */
} asy_url;

/* Takes apart "tcp://HOST:PORT". Without TLS only this machine's own addresses
 * (127.x.x.x, [::1], localhost) are allowed: tokens travel in the clear. ASY_EARG says
 * what is wrong. */
asy_err asy_url_parse(const char *text, asy_url *out);
