/* err.c - keeps the last failure's message, one a thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

enum { MESSAGE_LIMIT = 4096 };

static _Thread_local char message[MESSAGE_LIMIT];

/* The arguments may point into the old message, so it is replaced last. A cut message
 * must not end inside a UTF-8 character: pages and JSON carry it on. */
static void keep(const char *text, int wanted)
{
    size_t len = strnlen(text, MESSAGE_LIMIT - 1), bad;
    memcpy(message, text, len);
    if (wanted >= MESSAGE_LIMIT && !asy_text_is_utf8(text, len, &bad) && bad + 3 >= len)
        len = bad;
    message[len] = '\0';
}

asy_err asy_fail(asy_err code, const char *fmt, ...)
{
    char text[MESSAGE_LIMIT];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    keep(text, wanted);
    return code;
}

asy_err asy_fail_in(asy_err code, const char *fmt, ...)
{
    char text[2 * MESSAGE_LIMIT];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, MESSAGE_LIMIT, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    wanted += snprintf(text + len, sizeof text - len, ": %s", message);
    keep(text, wanted);
    return code;
}

const char *asy_errmsg(void) { return message; }

const char *asy_errname(asy_err code)
{
    switch (code) {
    case ASY_OK: return "OK";
    case ASY_EARG: return "EARG";
    case ASY_ENOMEM: return "ENOMEM";
    case ASY_EIO: return "EIO";
    case ASY_ESCRIPT: return "ESCRIPT";
    }
    return "unknown";
}
