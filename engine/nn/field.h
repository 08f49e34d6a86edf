/* field.h - reads JSON objects into structs by tables: strict about keys, kinds,
 * ranges.
 *
 * Messages name the place ("design.hidden[2].units"), what was expected and what came.
 * A place is a chain on the stack, spelled out only when something is wrong.
 */
#pragma once
#include <stddef.h>
#include "base/err.h"
#include "base/json.h"

/* The end of ranges where nature gives none; messages do not mention it. */
#define ASY_FIELD_MOST 1e30

typedef struct asy_place {
    const struct asy_place *up; /* NULL at the root */
    const char *name;           /* NULL: an element of a list */
    size_t index;               /* of that element, from 1 */
} asy_place;

typedef enum asy_field_kind {
    ASY_FIELD_WHOLE,  /* uint32_t */
    ASY_FIELD_FLOAT,  /* float */
    ASY_FIELD_NUMBER, /* double */
    ASY_FIELD_FLAG,   /* bool */
    ASY_FIELD_NAME,   /* an enum: the place of the text in `names` */
    ASY_FIELD_CALL    /* whatever `call` makes of it */
} asy_field_kind;

typedef asy_err asy_field_call(void *into, const json_t *v, const asy_place *at);

typedef struct asy_field {
    const char *name;
    asy_field_kind kind;
    size_t offset;            /* in the struct that is filled */
    double min, max;          /* WHOLE, FLOAT, NUMBER */
    bool open_min, open_max;  /* the end itself is not allowed */
    const char *const *names; /* NAME: [count] */
    unsigned count;
    asy_field_call *call; /* CALL: gets the struct, not the offset */
} asy_field;

/* Fills `into` from the object's fields; null and absent ones stay as they are. */
asy_err asy_field_read(const json_t *v, const asy_place *at, const asy_field *field,
                       size_t fields, void *into);

/* Fills one slot from one value as `field` says (not for CALL). */
asy_err asy_field_value(const asy_field *field, const json_t *v, const asy_place *at,
                        void *slot);

/* Index of the text v in names[0..n), or ASY_EARG naming the nearest and all. */
asy_err asy_field_name(const json_t *v, const asy_place *at, const char *const *names,
                       unsigned n, unsigned *out);

/* Fails with "place: `what` expected, got ...". */
asy_err asy_field_expected(const asy_place *at, const char *what, const json_t *v);

/* Appends "design.hidden[2].units". */
void asy_place_put(asy_buf *b, const asy_place *at);
