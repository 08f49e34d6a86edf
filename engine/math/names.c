/* names.c - a name from a rule to its place in a list. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/names.h"
#include <string.h>
#include "base/buf.h"
#include "base/text.h"

asy_err asy_name_find(const char *what, const char *name, const char *const *names,
                      size_t n, size_t *index)
{
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(name, names[i]) == 0) {
            *index = i;
            return ASY_OK;
        }
    const char *near = name ? asy_text_nearest(name, names, n) : NULL;
    asy_buf text = {0};
    if (near)
        asy_buf_printf(&text, "did you mean '%s'? ", near);
    asy_buf_puts(&text, "Known: ");
    for (size_t i = 0; i < n; i++)
        asy_buf_printf(&text, "%s%s", i ? ", " : "", names[i]);
    asy_err e = asy_fail(ASY_EARG, "%s: unknown name '%.60s'; %s", what,
                         name ? name : "(none)", asy_buf_text(&text));
    asy_buf_fini(&text);
    return e;
}
