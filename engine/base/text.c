/* text.c - small questions about text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include <string.h>
#include "base/buf.h"

/* --- UTF-8 ------------------------------------------------------------------- */

/* Bytes of the character that starts at s (1 .. 4), or 0 when it is not well formed:
 * no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t character_at(const unsigned char *s, size_t left)
{
    unsigned lead = s[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    unsigned second = s[1];
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
        return 0;
    return len;
}

bool asy_text_is_utf8(const char *text, size_t len, size_t *bad)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        if (len - at >= 8 &&
            (memcpy(&eight, s + at, 8), !(eight & 0x8080808080808080U))) {
            at += 8;
            continue;
        }
        size_t n = character_at(s + at, len - at);
        if (n == 0) {
            if (bad)
                *bad = at;
            return false;
        }
        at += n;
    }
    return true;
}

/* --- near names ------------------------------------------------------------------ */

enum { LONGEST_WORD = 63 };

static unsigned lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A' + 'a') : (unsigned char)c;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Letters to add, drop, change or swap with their neighbour to make a from b (optimal
 * string alignment); case does not count. Row i holds the distances of a[0..i). */
static unsigned edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][LONGEST_WORD + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

const char *asy_text_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t word_len = strlen(word);
    unsigned best_distance = LONGEST_WORD;
    for (size_t i = 0; word_len <= LONGEST_WORD && i < n; i++) {
        size_t len = strlen(names[i]);
        if (len > LONGEST_WORD)
            continue;
        unsigned distance = edit_distance(word, word_len, names[i], len);
        size_t longer = len > word_len ? len : word_len;
        if (distance < best_distance && distance <= (longer + 2) / 3) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
