/* completion.c - assay completion: scripts for bash and zsh, made from the option
 * tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "cmd/command.h"

static void put_command_names(asy_buf *out)
{
    for (size_t i = 0; asy_commands[i]; i++)
        if (!asy_commands[i]->is_hidden)
            asy_buf_printf(out, "%s%s", i ? " " : "", asy_commands[i]->name);
}

/* --- bash ------------------------------------------------------------------------ */

static void put_bash_options(asy_buf *out, const asy_command *c)
{
    asy_buf_printf(out, "    %s) words=\"--help", c->name);
    for (const asy_option *o = c->options; o && o->name; o++)
        asy_buf_printf(out, " --%s", o->name);
    asy_buf_puts(out, "\" ;;\n");
}

/* The options of all commands whose value is of that kind: they mean the same
 * everywhere. */
static void put_bash_kind(asy_buf *out, asy_option_kind kind, const char *action)
{
    bool any = false;
    for (size_t i = 0; asy_commands[i]; i++)
        for (const asy_option *o = asy_commands[i]->options; o && o->name; o++)
            if (o->kind == kind) {
                asy_buf_printf(out, "%s--%s", any ? "|" : "    ", o->name);
                any = true;
            }
    if (any)
        asy_buf_printf(out, ") COMPREPLY=($(compgen %s -- \"$word\")); return ;;\n",
                       action);
}

static void put_bash(asy_buf *out)
{
    asy_buf_puts(out, "_assay() {\n"
                      "    local word=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
                      "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                      "        COMPREPLY=($(compgen -W \"");
    put_command_names(out);
    asy_buf_puts(out, "\" -- \"$word\"))\n        return\n    fi\n"
                      "    case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n");
    put_bash_kind(out, ASY_OPTION_FILE, "-f");
    put_bash_kind(out, ASY_OPTION_FOLDER, "-d");
    asy_buf_puts(out, "    esac\n    case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; asy_commands[i]; i++)
        if (!asy_commands[i]->is_hidden)
            put_bash_options(out, asy_commands[i]);
    asy_buf_puts(out, "    esac\n"
                      "    case \"$word\" in\n"
                      "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
                      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                      "    esac\n"
                      "}\n"
                      "complete -o filenames -F _assay assay\n");
}

/* --- zsh ------------------------------------------------------------------------- */

/* Inside single quotes and [brackets] of an _arguments spec. */
static void put_zsh_text(asy_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            asy_buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *text))
            asy_buf_printf(out, "\\%c", *text);
        else
            asy_buf_putc(out, *text);
    }
}

static void put_zsh_option(asy_buf *out, const asy_option *o)
{
    asy_buf_printf(out, " \\\n            '%s--%s[",
                   o->kind == ASY_OPTION_PAIRS ? "*" : "", o->name);
    put_zsh_text(out, o->help);
    asy_buf_putc(out, ']');
    if (o->argument)
        asy_buf_printf(out, ":%s:%s", o->argument,
                       o->kind == ASY_OPTION_FILE     ? "_files"
                       : o->kind == ASY_OPTION_FOLDER ? "_files -/"
                                                      : "");
    asy_buf_putc(out, '\'');
}

static void put_zsh_command(asy_buf *out, const asy_command *c)
{
    asy_buf_printf(out, "    %s)\n        _arguments '--help[print help]'", c->name);
    for (const asy_option *o = c->options; o && o->name; o++)
        put_zsh_option(out, o);
    asy_buf_puts(out, " \\\n            '*:argument:_files' ;;\n");
}

static void put_zsh(asy_buf *out)
{
    asy_buf_puts(out, "#compdef assay\n_assay() {\n"
                      "    local -a commands=(\n");
    for (size_t i = 0; asy_commands[i]; i++) {
        if (asy_commands[i]->is_hidden)
            continue;
        asy_buf_printf(out, "        '%s:", asy_commands[i]->name);
        put_zsh_text(out, asy_commands[i]->summary);
        asy_buf_puts(out, "'\n");
    }
    asy_buf_puts(out, "    )\n"
                      "    if (( CURRENT == 2 )); then\n"
                      "        _describe command commands\n        return\n    fi\n"
                      "    local command=$words[2]\n"
                      "    shift words\n    (( CURRENT-- ))\n"
                      "    case $command in\n");
    for (size_t i = 0; asy_commands[i]; i++)
        if (!asy_commands[i]->is_hidden)
            put_zsh_command(out, asy_commands[i]);
    asy_buf_puts(out, "    esac\n}\ncompdef _assay assay\n");
}

static int completion(const asy_args *a)
{
    asy_buf text = {0};
    const char *shell = asy_args_at(a, 0);
    if (strcmp(shell, "bash") == 0)
        put_bash(&text);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(&text);
    else
        return asy_wrong_usage(a, "bash or zsh expected, got \"%s\"", shell);
    fputs(asy_buf_text(&text), stdout);
    asy_buf_fini(&text);
    return 0;
}

const asy_command asy_cmd_completion = {
    .name = "completion",
    .summary = "print a completion script for bash or zsh",
    .arguments = "SHELL",
    .min_arguments = 1,
    .max_arguments = 1,
    .examples = "source <(assay completion bash)\n"
                "assay completion zsh > ~/.zfunc/_assay\n",
    .run = completion};
