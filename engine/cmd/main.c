/* main.c - the process: finds the sub-command and hands over to it.
 *
 * Nothing here starts a thread or touches NNG or BLAS, so that --version, --help and
 * wrong usage answer at once.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "cmd/command.h"
#include "cmd/option.h"

enum { WRONG_USAGE = 2 };

/* A host has a connection for each worker and a file for each prepared data set. */
static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* Text for people: to stdout when asked for, to stderr when it answers a mistake. */
static int print_help(const asy_command *command, FILE *to, int status)
{
    asy_buf text = {0};
    if (command)
        asy_help_command(&text, command);
    else
        asy_help_all(&text);
    fputs(asy_buf_text(&text), to);
    asy_buf_fini(&text);
    return status;
}

static int unknown_command(const char *name)
{
    const char *near = asy_command_nearest(name);
    fprintf(stderr, "assay: unknown %s \"%s\"", name[0] == '-' ? "option" : "command",
            name);
    if (near)
        fprintf(stderr, " (did you mean \"%s\"?)", near);
    fputs("\nassay --help lists the commands\n", stderr);
    return WRONG_USAGE;
}

static int run_command(const asy_command *command, int argc, char **argv)
{
    asy_args *args;
    if (asks_for_help(argc, argv))
        return print_help(command, stdout, 0);
    if (asy_args_parse(command, argc, argv, &args)) {
        fprintf(stderr, "assay %s: %s\nassay %s --help says more\n", command->name,
                asy_errmsg(), command->name);
        return WRONG_USAGE;
    }
    int status = command->run(args);
    asy_args_free(args);
    return status;
}

/* A full disk behind stdout must not look like success; a reader that has seen enough
 * (`assay show | head`) is no failure. */
static int flushed(int status)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
        return status;
    perror("assay: cannot write the output");
    return status ? status : 1;
}

int main(int argc, char **argv)
{
    asy_json_setup();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return print_help(NULL, stderr, WRONG_USAGE);
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("assay " ASY_VERSION);
        return flushed(0);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return flushed(print_help(NULL, stdout, 0));
    const asy_command *command = asy_command_find(name);
    if (!command)
        return unknown_command(name);
    raise_file_limit();
    return flushed(run_command(command, argc, argv));
}
