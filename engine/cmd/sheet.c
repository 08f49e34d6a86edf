/* sheet.c - cells of CSV that a spreadsheet may open safely. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sheet.h"
#include <string.h>
#include "base/text.h"

void asy_sheet_text(asy_buf *b, const char *text)
{
    bool formula = *text && strchr("=+-@\t\r\n", *text);
    bool quoted = strpbrk(text, "\",\r\n;\t") != NULL;
    if (quoted)
        asy_buf_putc(b, '"');
    if (formula)
        asy_buf_putc(b, '\'');
    for (; *text; text++) {
        if (*text == '"')
            asy_buf_putc(b, '"');
        asy_buf_putc(b, *text);
    }
    if (quoted)
        asy_buf_putc(b, '"');
}

void asy_sheet_value(asy_buf *b, const json_t *v)
{
    if (json_is_string(v)) {
        asy_sheet_text(b, json_string_value(v));
    } else if (json_is_integer(v)) {
        asy_buf_printf(b, "%lld", (long long)json_integer_value(v));
    } else if (json_is_number(v)) {
        asy_text_put_number(b, json_number_value(v));
    } else if (v && !json_is_null(v)) {
        asy_buf text = {0};
        asy_json_canonical(&text, v);
        asy_sheet_text(b, asy_buf_text(&text));
        asy_buf_fini(&text);
    }
}
