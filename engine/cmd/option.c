/* option.c - reads a command line by its command's table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/option.h"
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

enum { MOST_NAMES = 64 };

typedef struct option_value {
    const char *text; /* borrowed; as typed, or the fallback */
    uint64_t whole;
    double number;
    bool given;
    json_t *pairs; /* owned; only for PAIRS */
} option_value;

struct asy_args {
    const asy_command *command;
    char **line;         /* borrowed */
    option_value *value; /* [options of the command], owned */
    size_t values;
    const char *
        *word; /* [words] positional arguments, owned; texts borrowed from argv */
    size_t words;
};

/* --- the tables ------------------------------------------------------------------ */

static size_t count_options(const asy_option *o)
{
    size_t n = 0;
    while (o && o[n].name)
        n++;
    return n;
}

const asy_command *asy_command_find(const char *name)
{
    for (size_t i = 0; asy_commands[i]; i++)
        if (strcmp(asy_commands[i]->name, name) == 0)
            return asy_commands[i];
    return NULL;
}

const char *asy_command_nearest(const char *name)
{
    const char *names[MOST_NAMES];
    size_t n = 0;
    for (size_t i = 0; asy_commands[i] && n < MOST_NAMES; i++)
        if (!asy_commands[i]->is_hidden)
            names[n++] = asy_commands[i]->name;
    return asy_text_nearest(name, names, n);
}

static asy_err unknown_option(const asy_command *c, const char *name)
{
    const char *names[MOST_NAMES];
    size_t n = count_options(c->options);
    for (size_t i = 0; i < n && i < MOST_NAMES; i++)
        names[i] = c->options[i].name;
    const char *near = asy_text_nearest(name, names, n);
    if (near)
        return asy_fail(ASY_EARG, "unknown option \"--%s\" (did you mean \"--%s\"?)",
                        name, near);
    return asy_fail(ASY_EARG, "unknown option \"--%s\"", name);
}

/* --- one value ------------------------------------------------------------------- */

static const char *kind_name(asy_option_kind kind)
{
    switch (kind) {
    case ASY_OPTION_WHOLE: return "a whole number";
    case ASY_OPTION_NUMBER: return "a number";
    case ASY_OPTION_DURATION: return "a duration (90s, 10m, 1h30m)";
    case ASY_OPTION_FILE: return "a file name";
    case ASY_OPTION_FOLDER: return "a folder name";
    case ASY_OPTION_PAIRS: return "name=value";
    case ASY_OPTION_FLAG:
    case ASY_OPTION_TEXT: break;
    }
    return "a text";
}

static bool read_number(asy_option_kind kind, const char *text, option_value *v)
{
    int64_t whole;
    switch (kind) {
    case ASY_OPTION_WHOLE:
        if (!asy_text_integer(text, strlen(text), &whole) || whole < 0)
            return false;
        v->whole = (uint64_t)whole;
        return true;
    case ASY_OPTION_NUMBER: return asy_text_number(text, strlen(text), &v->number);
    case ASY_OPTION_DURATION: return asy_text_duration(text, &v->number);
    default: return true;
    }
}

/* "50" is a number, "true" a truth value, "[1,2]" a list, "relu" a text. */
static json_t *pair_value(const char *text)
{
    json_t *v;
    double x;
    if (asy_json_parse(text, strlen(text), &v) == ASY_OK)
        return v;
    if (asy_text_number(text, strlen(text), &x) && isfinite(x))
        return json_real(x);
    return json_string(text);
}

static asy_err add_pair(const asy_option *o, const char *text, option_value *v)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return asy_fail(ASY_EARG, "--%s: name=value expected, got \"%s\"", o->name,
                        text);
    json_t *value = pair_value(equals + 1);
    if (!value || json_object_setn_new(v->pairs, text, (size_t)(equals - text), value))
        return asy_fail(ASY_EARG, "--%s: \"%s\" is not UTF-8", o->name, text);
    return ASY_OK;
}

static asy_err set_value(const asy_option *o, const char *text, option_value *v)
{
    v->given = true;
    if (o->kind == ASY_OPTION_PAIRS)
        return add_pair(o, text, v);
    if (!read_number(o->kind, text, v))
        return asy_fail(ASY_EARG, "--%s: %s expected, got \"%s\"", o->name,
                        kind_name(o->kind), text);
    v->text = text;
    return ASY_OK;
}

static void set_fallback(const asy_option *o, option_value *v)
{
    v->number = NAN;
    if (o->kind == ASY_OPTION_PAIRS)
        v->pairs = json_object();
    v->text = o->fallback;
    bool is_good = !o->fallback || read_number(o->kind, o->fallback, v);
    assert(is_good || !"a fallback that its own kind refuses");
    (void)is_good;
}

/* --- the whole line -------------------------------------------------------------- */

typedef struct cursor {
    int argc, at;
    char **argv;
} cursor;

/* `--set a=1 b=2`: words that look like pairs belong to it. */
static asy_err take_more_pairs(const asy_option *o, cursor *c, option_value *v)
{
    asy_err err = ASY_OK;
    while (!err && c->at < c->argc && c->argv[c->at][0] != '-' &&
           strchr(c->argv[c->at], '='))
        err = add_pair(o, c->argv[c->at++], v);
    return err;
}

static asy_err take_option(asy_args *a, const char *name, size_t len, const char *value,
                           cursor *c)
{
    const asy_option *o = a->command->options;
    size_t i = 0;
    while (i < a->values && (strlen(o[i].name) != len || memcmp(o[i].name, name, len)))
        i++;
    if (i == a->values) {
        char *word = asy_strndup(name, len);
        asy_err err = unknown_option(a->command, word);
        asy_free(word);
        return err;
    }
    if (o[i].kind == ASY_OPTION_FLAG) {
        a->value[i].given = true;
        return value ? asy_fail(ASY_EARG, "--%s takes no value", o[i].name) : ASY_OK;
    }
    if (!value && c->at == c->argc)
        return asy_fail(ASY_EARG, "--%s: %s expected after it", o[i].name,
                        kind_name(o[i].kind));
    asy_err err = set_value(&o[i], value ? value : c->argv[c->at++], &a->value[i]);
    if (!err && o[i].kind == ASY_OPTION_PAIRS)
        err = take_more_pairs(&o[i], c, &a->value[i]);
    return err;
}

static asy_err take_word(asy_args *a, const char *word)
{
    if (a->words == a->command->max_arguments)
        return asy_fail(ASY_EARG, "unexpected argument \"%s\"", word);
    a->word[a->words++] = word;
    return ASY_OK;
}

static asy_err parse_line(asy_args *a, cursor *c)
{
    asy_err err = ASY_OK;
    bool only_words = false;
    while (!err && c->at < c->argc) {
        const char *word = c->argv[c->at++];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(word, "--", 2) == 0) {
            size_t len = strcspn(word + 2, "=");
            const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
            err = take_option(a, word + 2, len, value, c);
        } else if (!only_words && word[0] == '-' && word[1]) {
            err = asy_fail(ASY_EARG, "unknown option \"%s\" (options start with --)",
                           word);
        } else {
            err = take_word(a, word);
        }
    }
    return err;
}

static asy_err check_words(const asy_args *a)
{
    if (a->words >= a->command->min_arguments)
        return ASY_OK;
    const char *missing = a->command->arguments;
    for (size_t i = 0; i < a->words; i++)
        missing += strcspn(missing, " ") + 1;
    return asy_fail(ASY_EARG, "%.*s is missing", (int)strcspn(missing, " "), missing);
}

asy_err asy_args_parse(const asy_command *command, int argc, char **argv,
                       asy_args **out)
{
    asy_args *a = asy_alloc(1, sizeof *a);
    a->command = command;
    a->line = argv;
    a->values = count_options(command->options);
    a->value = asy_alloc(a->values, sizeof *a->value);
    a->word = asy_alloc(command->max_arguments, sizeof *a->word);
    for (size_t i = 0; i < a->values; i++)
        set_fallback(&command->options[i], &a->value[i]);
    asy_err err = parse_line(a, &(cursor){.argc = argc, .at = 2, .argv = argv});
    if (!err)
        err = check_words(a);
    if (err) {
        asy_args_free(a);
        a = NULL;
    }
    *out = a;
    return err;
}

void asy_args_free(asy_args *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->values; i++)
        json_decref(a->value[i].pairs);
    asy_free(a->value);
    asy_free(a->word);
    asy_free(a);
}

/* --- answers --------------------------------------------------------------------- */

static const option_value *find(const asy_args *a, const char *name)
{
    for (size_t i = 0; i < a->values; i++)
        if (strcmp(a->command->options[i].name, name) == 0)
            return &a->value[i];
    assert(!"an option that is not in the command's table");
    return NULL;
}

const char *asy_args_text(const asy_args *a, const char *name)
{
    return find(a, name)->text;
}

uint64_t asy_args_whole(const asy_args *a, const char *name)
{
    return find(a, name)->whole;
}

double asy_args_number(const asy_args *a, const char *name)
{
    return find(a, name)->number;
}

bool asy_args_flag(const asy_args *a, const char *name) { return find(a, name)->given; }

bool asy_args_given(const asy_args *a, const char *name)
{
    return find(a, name)->given;
}

const json_t *asy_args_pairs(const asy_args *a, const char *name)
{
    return find(a, name)->pairs;
}

size_t asy_args_count(const asy_args *a) { return a->words; }

const char *asy_args_at(const asy_args *a, size_t i)
{
    return i < a->words ? a->word[i] : NULL;
}

char **asy_args_line(const asy_args *a) { return a->line; }

/* --- what every command says ----------------------------------------------------- */

int asy_cannot(void)
{
    fprintf(stderr, "assay: %s\n", asy_errmsg());
    return 1;
}

int asy_wrong_usage(const asy_args *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "assay %s: ", a->command->name);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nassay %s --help says more\n", a->command->name);
    va_end(args);
    return 2;
}

void asy_print_json(const json_t *v)
{
    asy_buf text = {0};
    asy_json_pretty(&text, v);
    asy_buf_putc(&text, '\n');
    fwrite(text.data, 1, text.len, stdout);
    asy_buf_fini(&text);
}
