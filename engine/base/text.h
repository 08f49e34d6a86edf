/* text.h - small questions about text: numbers, UTF-8, near names, sizes, durations. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Parses the whole of text[0..len) as a C-locale number (decimal, exponent, hex, inf,
 * nan; surrounding blanks allowed), whatever the process locale. False if it is not
 * one. */
bool asy_text_number(const char *text, size_t len, double *out);
bool asy_text_integer(const char *text, size_t len, int64_t *out);

/* "10m", "90s", "1h30m", "2.5" (seconds) as seconds; "64k", "1.5G" as bytes. */
bool asy_text_duration(const char *text, double *seconds);
bool asy_text_bytes(const char *text, uint64_t *bytes);

/* True when text[0..len) is well-formed UTF-8; *bad is the offset of the first fault.
 */
bool asy_text_is_utf8(const char *text, size_t len, size_t *bad);

/* The name in names[0..n) nearest to `word` by edit distance, or NULL when none is near
 * (more than a third of its letters differ). Borrowed from names. */
const char *asy_text_nearest(const char *word, const char *const *names, size_t n);

/* "-12"; faster than printf. */
void asy_text_put_integer(asy_buf *b, int64_t x);

/* Shortest text that reads back as the same double ("0.1", "3", "1e-05"). */
void asy_text_put_number(asy_buf *b, double x);

/* "1.2 s", "3 min 20 s", "4.5 ms"; "12.3 MB". For people. */
void asy_text_put_seconds(asy_buf *b, double seconds);
void asy_text_put_bytes(asy_buf *b, double bytes);
