/* help.c - what --help and `assay help` print, made from the option tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "cmd/command.h"
#include "cmd/option.h"

static size_t option_width(const asy_option *o)
{
    return 2 + strlen(o->name) + (o->argument ? 1 + strlen(o->argument) : 0);
}

static void put_option(asy_buf *out, const asy_option *o, size_t width)
{
    asy_buf_printf(out, "  --%s%s%s%*s  %s", o->name, o->argument ? " " : "",
                   o->argument ? o->argument : "", (int)(width - option_width(o)), "",
                   o->help);
    if (o->fallback && *o->fallback)
        asy_buf_printf(out, " [%s]", o->fallback);
    asy_buf_putc(out, '\n');
}

static void put_options(asy_buf *out, const asy_option *o)
{
    static const asy_option help = {.name = "help", .help = "print this"};
    size_t width = option_width(&help);
    for (const asy_option *each = o; each && each->name; each++)
        if (option_width(each) > width)
            width = option_width(each);
    asy_buf_puts(out, "\noptions:\n");
    for (; o && o->name; o++)
        put_option(out, o, width);
    put_option(out, &help, width);
}

static void put_examples(asy_buf *out, const char *lines)
{
    asy_buf_puts(out, "\nexamples:\n");
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        asy_buf_printf(out, "  %.*s\n", (int)len, lines);
        lines += len + (lines[len] == '\n');
    }
}

void asy_help_command(asy_buf *out, const asy_command *c)
{
    asy_buf_printf(out, "assay %s - %s\n\nusage: assay %s%s%s [options]\n", c->name,
                   c->summary, c->name, c->arguments ? " " : "",
                   c->arguments ? c->arguments : "");
    if (c->about)
        asy_buf_printf(out, "\n%s", c->about);
    put_options(out, c->options);
    if (c->examples)
        put_examples(out, c->examples);
}

void asy_help_all(asy_buf *out)
{
    asy_buf_puts(out,
                 "assay - finds out what makes a neural network work on your data\n\n"
                 "usage: assay COMMAND [arguments] [options]\n\ncommands:\n");
    for (size_t i = 0; asy_commands[i]; i++)
        if (!asy_commands[i]->is_hidden)
            asy_buf_printf(out, "  %-11s %s\n", asy_commands[i]->name,
                           asy_commands[i]->summary);
    asy_buf_puts(out, "\nassay COMMAND --help tells more, with examples; "
                      "assay --version says which assay this is.\n");
}

static int help(const asy_args *args)
{
    asy_buf text = {0};
    const char *name = asy_args_at(args, 0);
    const asy_command *c = name ? asy_command_find(name) : NULL;
    if (name && !c) {
        const char *near = asy_command_nearest(name);
        return asy_wrong_usage(args, "unknown command \"%s\"%s%s%s", name,
                               near ? " (did you mean \"" : "", near ? near : "",
                               near ? "\"?)" : "");
    }
    if (c)
        asy_help_command(&text, c);
    else
        asy_help_all(&text);
    fputs(asy_buf_text(&text), stdout);
    asy_buf_fini(&text);
    return 0;
}

const asy_command asy_cmd_help = {.name = "help",
                                  .summary = "explain a command",
                                  .arguments = "[COMMAND]",
                                  .max_arguments = 1,
                                  .examples = "assay help run\n",
                                  .run = help};
