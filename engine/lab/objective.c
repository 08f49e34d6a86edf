/* objective.c - reads scores out of metrics without building trees: it runs once for
 * every trial, on text that came from a worker. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/objective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nn/metrics.h"

/* --- the objective ---------------------------------------------------------- */

static asy_err set(asy_objective *o, const char *metric, bool maximize)
{
    if (!*metric || strlen(metric) >= sizeof o->metric)
        return asy_fail(ASY_EARG, "objective: name of a metric expected, got '%.80s'",
                        metric);
    snprintf(o->metric, sizeof o->metric, "%s", metric);
    o->maximize = maximize;
    return ASY_OK;
}

asy_err asy_objective_read(const json_t *v, bool is_own, bool has_classes,
                           asy_objective *out)
{
    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (!v || json_is_null(v)) {
        if (is_own)
            return set(out, "score", true);
        return has_classes ? set(out, "accuracy", true) : set(out, "rmse", false);
    }
    const char *metric;
    bool maximize;
    asy_err err = asy_json_get_text(v, "objective", "metric", "", &metric);
    if (!err)
        err = asy_json_get_bool(v, "objective", "maximize", true, &maximize);
    return err ? err : set(out, metric, maximize);
}

bool asy_objective_better(const asy_objective *o, double a, double b)
{
    if (isnan(a) || isnan(b))
        return !isnan(a) && isnan(b);
    return o->maximize ? a > b : a < b;
}

/* --- a flat object, member by member ------------------------------------------ */

typedef struct scan {
    const char *p, *end;
} scan;

static void skip_blanks(scan *s)
{
    while (s->p < s->end && memchr(" \t\r\n", *s->p, 4))
        s->p++;
}

static bool take(scan *s, char c)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* A JSON string without its quotes. Escapes are stepped over, not undone: no metric
 * that anybody looks for has one. */
static bool take_string(scan *s, const char **text, size_t *len)
{
    if (!take(s, '"'))
        return false;
    const char *start = s->p;
    for (; s->p < s->end && *s->p != '"'; s->p++) {
        if ((unsigned char)*s->p < 0x20)
            return false;
        if (*s->p == '\\' && ++s->p == s->end)
            return false;
    }
    *text = start;
    *len = (size_t)(s->p - start);
    return take(s, '"');
}

static bool take_word(scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool take_number(scan *s, double *x)
{
    const char *start = s->p;
    while (s->p < s->end && memchr("+-.eE0123456789", *s->p, 15))
        s->p++;
    return s->p > start && asy_text_number(start, (size_t)(s->p - start), x);
}

/* A number as itself, anything else as NaN. */
static bool take_value(scan *s, double *x)
{
    const char *text;
    size_t len;
    *x = NAN;
    skip_blanks(s);
    if (s->p == s->end)
        return false;
    switch (*s->p) {
    case '"': return take_string(s, &text, &len);
    case 'n': return take_word(s, "null");
    case 't': return take_word(s, "true");
    case 'f': return take_word(s, "false");
    default: return take_number(s, x);
    }
}

/* --- scores ---------------------------------------------------------------------- */

/* How well a metric's name fits the objective: 0 not at all, 4 exactly. */
static int fit(const asy_objective *o, const char *name, size_t len)
{
    static const struct {
        const char *prefix;
        size_t len;
    } parts[] = {{"train_", 6}, {"test_", 5}, {"validate_", 9}};
    size_t want = strlen(o->metric);
    if (len == want && memcmp(name, o->metric, len) == 0)
        return 4;
    for (int i = 0; i < 3; i++)
        if (len == parts[i].len + want &&
            memcmp(name, parts[i].prefix, parts[i].len) == 0 &&
            memcmp(name + parts[i].len, o->metric, want) == 0)
            return i + 1;
    return 0;
}

static bool take_member(scan *s, const asy_objective *o, int *best, double *score)
{
    const char *name;
    size_t len;
    double x;
    if (!take_string(s, &name, &len) || !take(s, ':') || !take_value(s, &x))
        return false;
    int fits = fit(o, name, len);
    if (fits > *best) {
        *best = fits;
        *score = x;
    }
    return true;
}

asy_err asy_objective_score(const asy_objective *o, const char *text, size_t len,
                            double *score)
{
    scan s = {text, text + len};
    int best = 0;
    *score = NAN;
    bool fine = take(&s, '{');
    if (fine && !take(&s, '}')) {
        do
            fine = take_member(&s, o, &best, score);
        while (fine && take(&s, ','));
        fine = fine && take(&s, '}');
    }
    skip_blanks(&s);
    if (fine && s.p == s.end)
        return ASY_OK;
    *score = NAN;
    return asy_fail(ASY_EARG, "metrics: a flat object of numbers expected, got '%.*s'",
                    (int)(len < 80 ? len : 80), text);
}
