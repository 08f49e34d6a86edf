/* url.c - which addresses hosts and workers may use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include "base/text.h"

static bool is_own_machine(const char *name)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0;
}

/* "127.0.0.1:80" or "[::1]:80" into name and port; false when it is neither. */
static bool split(const char *at, asy_url *out)
{
    const char *colon = strrchr(at, ':');
    size_t len = colon ? (size_t)(colon - at) : 0;
    bool has_brackets = len >= 2 && at[0] == '[' && at[len - 1] == ']';
    if (has_brackets) {
        at++;
        len -= 2;
    } else if (memchr(at, ':', len)) {
        return false;
    }
    int64_t port = -1;
    if (len == 0 || len >= sizeof out->name ||
        !asy_text_integer(colon + 1, strlen(colon + 1), &port) || port < 0 ||
        port > 65535)
        return false;
    memcpy(out->name, at, len);
    out->name[len] = '\0';
    out->port = (uint16_t)port;
    return true;
}

asy_err asy_url_parse(const char *text, asy_url *out)
{
    static const char plain[] = "tcp://", secure[] = "tls+tcp://";
    *out = (asy_url){0};
    if (strncmp(text, secure, sizeof secure - 1) == 0)
        return asy_fail(ASY_EARG,
                        "%s: TLS needs certificates and none are configured; use "
                        "tcp://127.0.0.1:PORT (through a tunnel from another machine)",
                        text);
    if (strncmp(text, plain, sizeof plain - 1) != 0 ||
        !split(text + sizeof plain - 1, out))
        return asy_fail(ASY_EARG, "%s: an address tcp://HOST:PORT expected", text);
    if (!is_own_machine(out->name))
        return asy_fail(
            ASY_EARG,
            "%s: without TLS only this machine's addresses (127.0.0.1, [::1], "
            "localhost) may be used",
            text);
    return ASY_OK;
}
