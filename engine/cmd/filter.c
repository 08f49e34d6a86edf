/* filter.c - which trials a person wants. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/filter.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

typedef enum relation { LESS, LESS_EQUAL, MORE, MORE_EQUAL, EQUAL, UNEQUAL } relation;

typedef struct condition {
    const char *field, *text; /* in the arena */
    relation relation;
    double number;
    bool is_number;
    unsigned group; /* all of one group must hold, of one group */
    bool is_known;  /* some trial had the field */
} condition;

struct asy_filter {
    condition *condition; /* [conditions], owned */
    size_t conditions;
    asy_arena texts;
};

void asy_filter_free(asy_filter *f)
{
    if (!f)
        return;
    asy_free(f->condition);
    asy_arena_fini(&f->texts);
    asy_free(f);
}

/* --- fields --- */

/* widths[2] of {"widths": [8, 16]}, or NULL. */
static const json_t *element(const json_t *params, const char *name)
{
    const char *bracket = strchr(name, '[');
    if (!bracket || bracket == name)
        return NULL;
    char *stem = asy_strndup(name, (size_t)(bracket - name));
    char *end;
    unsigned long i = strtoul(bracket + 1, &end, 10);
    const json_t *list = json_object_get(params, stem);
    asy_free(stem);
    return strcmp(end, "]") == 0 && i > 0 ? json_array_get(list, i - 1) : NULL;
}

const json_t *asy_field_of(const json_t *trial, const char *name)
{
    static const char *const parts[] = {"", "validate_", "test_", "train_"};
    const json_t *params = json_object_get(trial, "params");
    const json_t *metrics = json_object_get(trial, "metrics");
    const json_t *v = json_object_get(trial, name);
    if (!v || json_is_object(v))
        v = json_object_get(params, name);
    if (!v)
        v = element(params, name);
    for (size_t i = 0; !v && i < sizeof parts / sizeof *parts; i++) {
        char full[128];
        snprintf(full, sizeof full, "%s%s", parts[i], name);
        v = json_object_get(metrics, full);
    }
    return json_is_null(v) ? NULL : v;
}

json_t *asy_fields_of(const json_t *trial)
{
    json_t *list = json_array(), *v, *inner;
    const char *name, *key;
    json_object_foreach ((json_t *)(uintptr_t)trial, name, v) {
        if (!json_is_object(v) && strcmp(name, "params") != 0 &&
            strcmp(name, "metrics") != 0)
            json_array_append_new(list, json_string(name));
        json_object_foreach (v, key, inner)
            json_array_append_new(list, json_string(key));
    }
    return list;
}

/* "accuracy" of "test_accuracy", else the name itself. */
static const char *bare_name(const char *name)
{
    static const char *const parts[] = {"validate_", "test_", "train_"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strncmp(name, parts[i], strlen(parts[i])) == 0)
            return name + strlen(parts[i]);
    return name;
}

asy_err asy_field_unknown(const json_t *trial, const char *name)
{
    json_t *fields = asy_fields_of(trial), *item;
    size_t n = json_array_size(fields), i;
    const char **names = asy_alloc(2 * n + 1, sizeof *names);
    asy_buf b = {0};
    json_array_foreach (fields, i, item) {
        names[i] = json_string_value(item);
        names[n + i] = bare_name(names[i]);
    }
    const char *near = asy_text_nearest(name, names, 2 * n);
    asy_buf_printf(&b, "no trial has a field \"%s\"", name);
    if (near)
        asy_buf_printf(&b, "; did you mean \"%s\"?", near);
    else
        asy_buf_putc(&b, '.');
    asy_buf_puts(&b, " The fields are: ");
    for (i = 0; i < n; i++)
        asy_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    asy_err e = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    asy_free(names);
    json_decref(fields);
    return e;
}

/* --- parsing --- */

typedef struct parser {
    const char *text, *p;
    asy_filter *filter;
    unsigned group;
} parser;

static void skip_blanks(parser *s)
{
    while (isspace((unsigned char)*s->p))
        s->p++;
}

static asy_err expected(const parser *s, const char *what)
{
    return asy_fail(ASY_EARG, "where: %s expected at \"%.40s\" in \"%.200s\"", what,
                    *s->p ? s->p : "the end", s->text);
}

static bool is_word_byte(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("<>=!&|\"'", c);
}

static bool take(parser *s, const char *symbol)
{
    size_t n = strlen(symbol);
    bool is_word = isalpha((unsigned char)symbol[0]);
    if (strncmp(s->p, symbol, n) != 0 || (is_word && is_word_byte(s->p[n])))
        return false;
    s->p += n;
    return true;
}

/* A bare word, or one in quotes. */
static asy_err take_word(parser *s, const char *what, const char **out)
{
    char quote = *s->p == '"' || *s->p == '\'' ? *s->p : '\0';
    const char *from = s->p + (quote != '\0'), *to = from;
    while (quote ? *to && *to != quote : is_word_byte(*to))
        to++;
    if (quote ? !*to : to == from)
        return expected(s, what);
    char *copy = asy_arena_alloc(&s->filter->texts, (size_t)(to - from) + 1);
    memcpy(copy, from, (size_t)(to - from));
    *out = copy;
    s->p = to + (quote != '\0');
    return ASY_OK;
}

static bool take_relation(parser *s, relation *out)
{
    static const struct {
        const char *symbol;
        relation relation;
    } known[] = {{"<=", LESS_EQUAL}, {">=", MORE_EQUAL}, {"==", EQUAL}, {"!=", UNEQUAL},
                 {"<", LESS},        {">", MORE},        {"=", EQUAL}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *out = known[i].relation;
        if (take(s, known[i].symbol))
            return true;
    }
    return false;
}

static asy_err take_condition(parser *s)
{
    asy_filter *f = s->filter;
    condition c = {.group = s->group};
    skip_blanks(s);
    asy_err e = take_word(s, "a field", &c.field);
    skip_blanks(s);
    if (!e && !take_relation(s, &c.relation))
        e = expected(s, "<, <=, >, >=, = or !=");
    skip_blanks(s);
    if (!e)
        e = take_word(s, "a value", &c.text);
    if (e)
        return e;
    c.is_number = asy_text_number(c.text, strlen(c.text), &c.number);
    if (!c.is_number && c.relation < EQUAL)
        return asy_fail(ASY_EARG, "where: %s: number expected, got \"%.40s\"", c.field,
                        c.text);
    f->condition = asy_realloc(f->condition, f->conditions + 1, sizeof *f->condition);
    f->condition[f->conditions++] = c;
    return ASY_OK;
}

asy_err asy_filter_parse(const char *text, asy_filter **out)
{
    parser s = {.text = text, .p = text, .filter = asy_alloc(1, sizeof *s.filter)};
    asy_err e = take_condition(&s);
    *out = NULL;
    for (skip_blanks(&s); !e && *s.p; skip_blanks(&s)) {
        if (take(&s, "||") || take(&s, "or"))
            s.group++;
        else if (!take(&s, "&&") && !take(&s, "and"))
            e = expected(&s, "`and` or `or`");
        if (!e)
            e = take_condition(&s);
    }
    if (e)
        asy_filter_free(s.filter);
    else
        *out = s.filter;
    return e;
}

/* --- judging
 * ------------------------------------------------------------------------------------
 */

static bool compare(const condition *c, double x)
{
    switch (c->relation) {
    case LESS: return x < c->number;
    case LESS_EQUAL: return x <= c->number;
    case MORE: return x > c->number;
    case MORE_EQUAL: return x >= c->number;
    case EQUAL: return x == c->number;
    case UNEQUAL: return x != c->number;
    }
    return false;
}

static bool holds(condition *c, const json_t *trial)
{
    const json_t *v = asy_field_of(trial, c->field);
    if (!v)
        return false;
    c->is_known = true;
    if (json_is_number(v) && c->is_number)
        return compare(c, json_number_value(v));
    const char *text = json_is_string(v)    ? json_string_value(v)
                       : json_is_boolean(v) ? json_is_true(v) ? "true" : "false"
                                            : NULL;
    if (!text || c->relation < EQUAL)
        return false;
    return (strcmp(text, c->text) == 0) == (c->relation == EQUAL);
}

bool asy_filter_passes(asy_filter *f, const json_t *trial)
{
    if (!f)
        return true;
    bool passes = false;
    for (size_t i = 0; i < f->conditions;) {
        unsigned group = f->condition[i].group;
        bool all = true;
        for (; i < f->conditions && f->condition[i].group == group; i++)
            all &= holds(&f->condition[i], trial);
        passes |= all;
    }
    return passes;
}

asy_err asy_filter_check(const asy_filter *f, const json_t *trial)
{
    for (size_t i = 0; f && i < f->conditions; i++)
        if (!f->condition[i].is_known)
            return asy_field_unknown(trial, f->condition[i].field);
    return ASY_OK;
}
