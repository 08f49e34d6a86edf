/* url.h - which addresses hosts and workers may use. Inside net only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
#include "base/err.h"

/* Takes apart "tcp://HOST:PORT". Without TLS only this machine's own addresses
 * (127.x.x.x, [::1], localhost) are allowed: tokens travel in the clear.
 * ASY_EARG says what is wrong. *port may be 0; name is the host without brackets. */
typedef struct asy_url {
    char name[256];
    uint16_t port;
} asy_url;

asy_err asy_url_parse(const char *text, asy_url *out);
