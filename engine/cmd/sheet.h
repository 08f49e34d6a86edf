/* sheet.h - cells of CSV that a spreadsheet may open safely. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"

/* Appends a text cell. Text that a spreadsheet would take for a formula (it begins with
 * = + - @, a tab or a line end) gets a ' before it; quotes, commas and line ends are
 * quoted as in RFC 4180. */
void asy_sheet_text(asy_buf *b, const char *text);

/* Appends a JSON scalar: numbers as they are, null as an empty cell, lists as text. */
void asy_sheet_value(asy_buf *b, const json_t *v);
