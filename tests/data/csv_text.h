/* csv_text.h - tables out of text, for the tests of this folder. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "data/csv.h"

static inline asy_err csv_feed_pieces(const char *text, size_t len, size_t piece,
                                      const asy_csv_options *options, asy_table **out)
{
    asy_csv *c = NULL;
    *out = NULL;
    asy_err e = asy_csv_new(options, &c);
    for (size_t at = 0; !e && at < len; at += piece) {
        /* a copy of just the piece, so that the sanitizer sees every byte read beyond
         * it */
        size_t n = len - at < piece ? len - at : piece;
        char *copy = malloc(n);
        memcpy(copy, text + at, n);
        e = asy_csv_feed(c, copy, n);
        free(copy);
    }
    if (!e)
        e = asy_csv_end(c, out);
    asy_csv_free(c);
    return e;
}

static inline asy_table *csv_table(const char *text)
{
    asy_table *t = NULL;
    if (csv_feed_pieces(text, strlen(text), SIZE_MAX / 2, NULL, &t))
        fail_msg("%s", asy_errmsg());
    return t;
}

/* The text is refused, and the message says `part`. */
static inline void csv_fails(const char *text, const char *part)
{
    asy_table *t = NULL;
    assert_int_equal(csv_feed_pieces(text, strlen(text), SIZE_MAX / 2, NULL, &t),
                     ASY_EARG);
    assert_null(t);
    if (!strstr(asy_errmsg(), part))
        fail_msg("\"%s\" expected in: %s", part, asy_errmsg());
}
