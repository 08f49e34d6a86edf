/* number.c - numbers from text and to text, whatever the process locale is; the number
 * half of text.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum { EXACT_POWER = 22, NUMBER_ROOM = 128 };

/* Powers of ten that a double holds exactly. */
static const double exact_power[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* glibc keeps the "C" locale as a constant: asking for it costs nothing. */
static locale_t c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void trim(const char **text, size_t *len)
{
    while (*len && is_blank(**text)) {
        ++*text;
        --*len;
    }
    while (*len && is_blank((*text)[*len - 1]))
        --*len;
}

/* A decimal taken apart: mantissa * 10^power. */
typedef struct decimal {
    uint64_t mantissa;
    int power;
    int digits; /* significant ones in mantissa */
    bool negative;
} decimal;

/* Digits with at most one point; false when there are none or too many to hold. */
static const char *read_mantissa(const char *p, const char *end, decimal *d)
{
    const char *first = p, *point = NULL;
    uint64_t m = 0;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.')
            point = p;
        else
            m = m * 10 + (uint64_t)(*p - '0');
    }
    ptrdiff_t digits = p - first - (point != NULL);
    if (digits == 0 || digits > 19) /* 19 digits cannot overflow 64 bits */
        return NULL;
    d->mantissa = m;
    d->power = point ? -(int)(p - point - 1) : 0;
    return p;
}

static const char *read_exponent(const char *p, const char *end, decimal *d)
{
    if (p == end || (*p != 'e' && *p != 'E'))
        return p;
    bool negative = ++p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || end - p > 4)
        return NULL;
    int e = 0;
    for (; p < end && is_digit(*p); p++)
        e = e * 10 + (*p - '0');
    d->power += negative ? -e : e;
    return p;
}

static bool read_decimal(const char *p, const char *end, decimal *d)
{
    d->negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    p = read_mantissa(p, end, d);
    if (p)
        p = read_exponent(p, end, d);
    return p && p == end;
}

/* m * 10^power with -22 <= power <= 22 and m < 10^19, rounded once: the value is
 * computed as high + low, where low holds what high lost (about 100 bits together).
 * False when that is too close to the middle between two doubles to tell. */
static bool wide_value(uint64_t m, int power, double *out)
{
    double first = (double)m, p = exact_power[power < 0 ? -power : power], high, low;
    double rest = (double)(int64_t)(m - (uint64_t)first);
    if (power < 0) {
        high = first / p;
        low = (fma(-high, p, first) + rest) / p;
    } else {
        high = first * p;
        low = fma(first, p, -high) + rest * p;
    }
    *out = high + low;
    return high + low * (1 + 0x1p-40) == high + low * (1 - 0x1p-40);
}

/* Clinger's fast path: when both factors are exact, one operation rounds once. */
static bool exact_value(const decimal *d, double *out)
{
    double x = (double)d->mantissa;
    if (d->power > EXACT_POWER || d->power < -EXACT_POWER)
        return false;
    if (d->mantissa >> 53 == 0)
        x = d->power < 0 ? x / exact_power[-d->power] : x * exact_power[d->power];
    else if (!wide_value(d->mantissa, d->power, &x))
        return false;
    *out = d->negative ? -x : x;
    return true;
}

/* Everything else: many digits, huge exponents, hex, inf, nan. */
static bool library_value(const char *text, size_t len, double *out)
{
    if (len == 0 || !strchr("+-.0123456789iInN", *text) || memchr(text, '\0', len))
        return false;
    char room[NUMBER_ROOM];
    char *copy = len < sizeof room ? room : asy_strndup(text, len);
    if (copy == room) {
        memcpy(room, text, len);
        room[len] = '\0';
    }
    char *end;
    double x = strtod_l(copy, &end, c_locale());
    bool whole = end == copy + len;
    if (copy != room)
        asy_free(copy);
    if (whole)
        *out = x;
    return whole;
}

bool asy_text_number(const char *text, size_t len, double *out)
{
    trim(&text, &len);
    decimal d = {0};
    if (read_decimal(text, text + len, &d) && exact_value(&d, out))
        return true;
    return library_value(text, len, out);
}

bool asy_text_integer(const char *text, size_t len, int64_t *out)
{
    trim(&text, &len);
    bool negative = len && *text == '-';
    if (len && (*text == '-' || *text == '+')) {
        text++;
        len--;
    }
    uint64_t limit = (uint64_t)INT64_MAX + negative, x = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (!is_digit(text[i]) || x > (limit - digit) / 10)
            return false;
        x = x * 10 + digit;
    }
    if (len)
        *out = negative ? (int64_t)(0 - x) : (int64_t)x;
    return len > 0;
}

/* --- durations and sizes --------------------------------------------------------- */

typedef struct unit {
    const char *name;
    double factor;
} unit;

static const unit time_units[] = {{"ms", 1e-3}, {"s", 1},     {"m", 60}, {"min", 60},
                                  {"h", 3600},  {"d", 86400}, {NULL, 0}};
static const unit byte_units[] = {{"b", 1},
                                  {"k", 1024},
                                  {"kb", 1024},
                                  {"kib", 1024},
                                  {"m", 1048576},
                                  {"mb", 1048576},
                                  {"mib", 1048576},
                                  {"g", 1073741824},
                                  {"gb", 1073741824},
                                  {"gib", 1073741824},
                                  {"t", 1099511627776},
                                  {"tb", 1099511627776},
                                  {"tib", 1099511627776},
                                  {NULL, 0}};

static size_t number_length(const char *text)
{
    size_t n = 0;
    while (is_digit(text[n]) || text[n] == '.')
        n++;
    return n;
}

static size_t word_length(const char *text)
{
    size_t n = 0;
    while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z'))
        n++;
    return n;
}

static const unit *find_unit(const unit *units, const char *text, size_t len)
{
    for (; units->name; units++) {
        size_t i = 0;
        while (i < len && units->name[i] == (text[i] | 0x20))
            i++;
        if (i == len && units->name[i] == '\0')
            return units;
    }
    return NULL;
}

/* One "number unit" from *text on; a number alone counts as times `bare`. */
static bool read_amount(const char **text, const unit *units, double bare, double *out)
{
    size_t digits = number_length(*text);
    double x;
    if (digits == 0 || !asy_text_number(*text, digits, &x))
        return false;
    *text += digits;
    size_t letters = word_length(*text);
    const unit *u = letters ? find_unit(units, *text, letters) : NULL;
    if (letters && !u)
        return false;
    *text += letters;
    *out = x * (u ? u->factor : bare);
    return true;
}

bool asy_text_duration(const char *text, double *seconds)
{
    double sum = 0, x;
    const char *p = text;
    do {
        const char *from = p;
        if (!read_amount(&p, time_units, 1, &x) || (from != text && is_digit(p[-1])))
            return false;
        sum += x;
    } while (*p);
    *seconds = sum;
    return true;
}

bool asy_text_bytes(const char *text, uint64_t *bytes)
{
    double x;
    if (!read_amount(&text, byte_units, 1, &x) || *text || x >= 0x1p63)
        return false;
    *bytes = (uint64_t)x;
    return true;
}

/* --- numbers to text ------------------------------------------------------------- */

static size_t put_digits(char *end, uint64_t x)
{
    char *p = end;
    do
        *--p = (char)('0' + x % 10);
    while (x /= 10);
    return (size_t)(end - p);
}

static void put_whole(asy_buf *b, uint64_t x, bool negative)
{
    char room[24], *end = room + sizeof room;
    size_t n = put_digits(end, x);
    if (negative)
        end[-(ptrdiff_t)++n] = '-';
    asy_buf_add(b, end - n, n);
}

void asy_text_put_integer(asy_buf *b, int64_t x)
{
    put_whole(b, x < 0 ? 0 - (uint64_t)x : (uint64_t)x, x < 0);
}

/* m / 10^places as "12.345". */
static void put_fixed(asy_buf *b, uint64_t m, int places, bool negative)
{
    char room[48], digits[24], *end = digits + sizeof digits;
    size_t n = put_digits(end, m), at = 0;
    while (n <= (size_t)places)
        end[-(ptrdiff_t)++n] = '0';
    if (negative)
        room[at++] = '-';
    memcpy(room + at, end - n, n - (size_t)places);
    at += n - (size_t)places;
    room[at++] = '.';
    memcpy(room + at, end - places, (size_t)places);
    asy_buf_add(b, room, at + (size_t)places);
}

/* d with 10^(d-1) <= x < 10^d, for 1e-4 <= x < 1e15. */
static int digits_before_point(double x)
{
    static const double below_one[] = {0.1, 0.01, 0.001};
    int d = 0;
    if (x < 1) {
        while (d > -3 && x < below_one[-d])
            d--;
        return d;
    }
    while (x >= exact_power[d])
        d++;
    return d;
}

/* x * 10^places to the nearest whole number; both halves of the product are exact. */
static uint64_t scaled(double x, int places)
{
    double p = exact_power[places], high = x * p, low = fma(x, p, -high);
    double whole = floor(high);
    return (uint64_t)((int64_t)whole + (int64_t)nearbyint(high - whole + low));
}

/* The shortest of 1 .. 17 digits that reads back as x, for the sizes people meet. */
static bool put_short(asy_buf *b, double x, bool negative)
{
    if (x < 1e-4 || x >= 1e15)
        return false;
    int places = 15 - digits_before_point(x);
    uint64_t m = (uint64_t)nearbyint(x * exact_power[places]);
    double back = (double)m / exact_power[places]; /* exact sides: as reading does it */
    for (int more = 1; back != x && more <= 2; more++) {
        m = scaled(x, ++places);
        if (!wide_value(m, -places, &back))
            return false;
    }
    if (back != x)
        return false;
    for (; places > 0 && m % 10 == 0; places--)
        m /= 10;
    put_fixed(b, m, places, negative);
    return true;
}

static void put_printed(asy_buf *b, double x)
{
    locale_t c = c_locale(), before = uselocale(c);
    char room[48];
    for (int precision = isnormal(x) ? 15 : 1; precision <= 17; precision++) {
        snprintf(room, sizeof room, "%.*g", precision, x);
        if (precision == 17 || strtod_l(room, NULL, c) == x)
            break;
    }
    uselocale(before);
    asy_buf_puts(b, room);
}

void asy_text_put_number(asy_buf *b, double x)
{
    double size = fabs(x);
    if (isnan(x))
        asy_buf_puts(b, "nan");
    else if (size <= 0x1p53 && size == floor(size))
        put_whole(b, (uint64_t)size, signbit(x));
    else if (isinf(x) || !put_short(b, size, signbit(x)))
        put_printed(b, x);
}

void asy_text_put_seconds(asy_buf *b, double seconds)
{
    double s = fabs(seconds);
    if (!isfinite(seconds))
        asy_buf_puts(b, "?");
    else if (s < 0.9995)
        asy_buf_printf(b, "%.3g ms", seconds * 1e3);
    else if (s < 59.95)
        asy_buf_printf(b, "%.1f s", seconds);
    else if (s < 3599.5)
        asy_buf_printf(b, "%.0f min %.0f s", floor(round(s) / 60), fmod(round(s), 60));
    else
        asy_buf_printf(b, "%.0f h %.0f min", floor(round(s / 60) / 60),
                       fmod(round(s / 60), 60));
}

void asy_text_put_bytes(asy_buf *b, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t u = 0;
    while (fabs(bytes) >= 999.95 && u < sizeof units / sizeof *units - 1) {
        bytes /= 1000;
        u++;
    }
    asy_buf_printf(b, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
}
