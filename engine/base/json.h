/* json.h - the tree of plain values that travels everywhere in Assay, and its text.
 *
 * A tree is a Jansson json_t: null, true, false, integer (64 bit), real, string, array,
 * object. Params, designs, preparation steps, message bodies and REST bodies are such
 * trees; base/pack.h turns them into MessagePack, engine/script into Lua tables.
 * Reference counting is Jansson's (json_incref / json_decref; atomic).
 * Only this header includes <jansson.h>.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* Makes Jansson take its memory from base/mem.h, so that small trees never fail. Call
 * it first in main(), before threads start. */
void asy_json_setup(void);

/* Parses text; *out is owned by the caller. The message says line, column and what
 * came. Nesting deeper than 64 is refused. */
asy_err asy_json_parse(const char *text, size_t len, json_t **out);
asy_err asy_json_load(const char *path, json_t **out);

/* Canonical text: keys sorted by bytes, no blanks, numbers in their shortest form
 * (asy_text_put_number; integral reals print as integers). Equal trees give equal text,
 * so the text may be hashed. */
void asy_json_canonical(asy_buf *b, const json_t *v);

/* Text for people: two-space indent, keys in insertion order. */
void asy_json_pretty(asy_buf *b, const json_t *v);

/* Reals: NaN and infinities have no JSON; this makes them null. */
json_t *asy_json_real(double x);

/* A field of an object by name, or the default when absent or null. A field of the
 * wrong type is an error: "where.name: whole number expected, got text". */
asy_err asy_json_get_int(const json_t *o, const char *where, const char *name,
                         int64_t fallback, int64_t *out);
asy_err asy_json_get_number(const json_t *o, const char *where, const char *name,
                            double fallback, double *out);
asy_err asy_json_get_bool(const json_t *o, const char *where, const char *name,
                          bool fallback, bool *out);
asy_err asy_json_get_text(const json_t *o, const char *where, const char *name,
                          const char *fallback, const char **out); /* borrowed from o */

/* Fails when `o` has a key that is not in known[0..n): names it, the nearest known one
 * and all known ones. */
asy_err asy_json_only(const json_t *o, const char *where, const char *const *known,
                      size_t n);

/* "text", "whole number", "list", ...: what a value is, for messages. */
const char *asy_json_kind(const json_t *v);
