/* cell.c - what the text of one cell says: missing, a number, or a text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/cell.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"

static const char *const missing_words[] = {
    "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None",
};

static const double power_of_ten[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool asy_cell_is_missing(const char *text, size_t len)
{
    if (len == 0)
        return true;
    if (len > 4 || !strchr("?Nn#<-+", *text))
        return false;
    for (size_t i = 0; i < sizeof missing_words / sizeof *missing_words; i++)
        if (strlen(missing_words[i]) == len && memcmp(text, missing_words[i], len) == 0)
            return true;
    size_t sign = *text == '-' || *text == '+';
    return len - sign == 3 && strncasecmp(text + sign, "nan", 3) == 0;
}

bool asy_cell_plain_number(const char *text, size_t len, double *value, uint8_t *form)
{
    if (len == 0 || len > 17)
        return false;
    bool minus = *text == '-', dot = false;
    uint64_t whole = 0;
    unsigned digits = 0, decimals = 0;
    for (size_t i = minus; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit <= 9) {
            whole = whole * 10 + digit;
            digits++;
            decimals += dot;
        } else if (text[i] == '.' && !dot) {
            dot = true;
        } else {
            return false;
        }
    }
    if (digits == 0 || digits > 15 || (dot && decimals == 0) || (minus && whole == 0))
        return false;
    double x = (double)whole / power_of_ten[decimals];
    *value = minus ? -x : x;
    *form = (uint8_t)(digits << 4 | decimals);
    return true;
}

/* 15 digits have an error below 1/4 in the last place after two roundings, so rounding
 * finds the very digits that were read. */
void asy_cell_put_plain(asy_buf *b, double value, uint8_t form)
{
    unsigned digits = form >> 4, decimals = form & 15;
    char text[32];
    long long whole = llround(fabs(value) * power_of_ten[decimals]);
    snprintf(text, sizeof text, "%0*lld", (int)digits, whole);
    if (value < 0)
        asy_buf_putc(b, '-');
    asy_buf_add(b, text, digits - decimals);
    if (decimals > 0) {
        asy_buf_putc(b, '.');
        asy_buf_add(b, text + digits - decimals, decimals);
    }
}

bool asy_cell_odd_number(const char *text, size_t len, double *value)
{
    double x;
    if (!asy_text_number(text, len, &x) || isnan(x))
        return false;
    *value = x + 0.0;
    return true;
}

void asy_cell_trim(const char **text, size_t *len)
{
    while (*len > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
        (*len)--;
}
