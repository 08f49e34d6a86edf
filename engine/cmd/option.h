/* option.h - the command line: one table a sub-command says what it takes, and parsing,
 * --help and shell completion all follow from it.
 *
 * A command is written as
 *
 *     static const asy_option options[] = {
 *         {"store", ASY_OPTION_FOLDER, "DIR", "assay-data", "where results are kept"},
 *         {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
 *         {0}};
 *     const asy_command asy_cmd_show = {
 *         .name = "show", .summary = "...", .arguments = "[SESSION]", .max_arguments =
 * 1, .options = options, .examples = "assay show last\n", .run = show};
 *
 * and listed in command.h and commands.c. Options are --name VALUE or --name=VALUE, in
 * any order among the arguments; "--" ends them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"

typedef enum asy_option_kind {
    ASY_OPTION_FLAG, /* no value */
    ASY_OPTION_TEXT,
    ASY_OPTION_FILE,   /* text; the shell completes files */
    ASY_OPTION_FOLDER, /* text; the shell completes folders */
    ASY_OPTION_WHOLE,  /* 0 .. 2^63 - 1 */
    ASY_OPTION_NUMBER,
    ASY_OPTION_DURATION, /* "90s", "10m", "1h30m" */
    ASY_OPTION_PAIRS     /* name=value, one or more, repeatable */
} asy_option_kind;

typedef struct asy_option {
    const char *name; /* without the dashes; NULL ends a table */
    asy_option_kind kind;
    const char *argument; /* what the value is called in the help */
    const char *fallback; /* the value when not given, shown in the help; NULL: none */
    const char *help;     /* one line */
} asy_option;

typedef struct asy_args asy_args;

/* Returns the exit status: 0 done, 1 it could not, 2 wrong usage. */
typedef int asy_command_function(const asy_args *args);

typedef struct asy_command {
    const char *name;
    const char *summary;   /* one line, lower case, no full stop */
    const char *arguments; /* positional: "RULE", "TRIAL FILE", "[SESSION]"; or NULL */
    uint32_t min_arguments, max_arguments;
    const char *about;         /* some lines of explanation, or NULL */
    const asy_option *options; /* or NULL */
    const char *examples;      /* a command line each line */
    bool is_hidden;            /* not listed */
    asy_command_function *run;
} asy_command;

/* Every command, ended by NULL. */
extern const asy_command *const asy_commands[];

/* The command of that name or NULL. */
const asy_command *asy_command_find(const char *name);
/* The visible command nearest to a mistyped name, or NULL. */
const char *asy_command_nearest(const char *name);

/* Parses a whole command line: the program, the command's name, then what the table
 * describes. ASY_EARG on wrong usage, with a message that names the nearest option;
 * *out is then NULL. argv stays in use. */
asy_err asy_args_parse(const asy_command *command, int argc, char **argv,
                       asy_args **out);
void asy_args_free(asy_args *a);

/* Values by option name: what was given, else the fallback, else NULL, 0, NaN or false.
 * The name must be in the command's table. Text is borrowed from argv and the table. */
const char *asy_args_text(const asy_args *a, const char *name);
uint64_t asy_args_whole(const asy_args *a, const char *name);
double asy_args_number(const asy_args *a,
                       const char *name); /* also durations, seconds */
bool asy_args_flag(const asy_args *a, const char *name);
bool asy_args_given(const asy_args *a, const char *name);
/* {"name": value}: numbers, true, false, null and JSON lists are read as such, the rest
 * is text. Borrowed; an empty object when none was given. */
const json_t *asy_args_pairs(const asy_args *a, const char *name);

/* Positional arguments; NULL from `count` on. */
size_t asy_args_count(const asy_args *a);
const char *asy_args_at(const asy_args *a, size_t i);

/* The whole command line, ended by NULL, for starting the program again. */
char **asy_args_line(const asy_args *a);

/* The help of one command, and the list of all, for people. */
void asy_help_command(asy_buf *out, const asy_command *command);
void asy_help_all(asy_buf *out);

/* Prints the last error ("assay: message") to stderr; returns exit status 1. */
int asy_cannot(void);
/* Prints "assay NAME: message" and where to find help to stderr; returns 2. */
int asy_wrong_usage(const asy_args *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints one JSON value as pretty text and a newline to stdout. */
void asy_print_json(const json_t *v);
