/* resume.c - assay resume: takes an interrupted session up again where it stopped. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/drive.h"

static const asy_option options[] = {
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"workers", ASY_OPTION_WHOLE, "N", NULL, "local worker processes [one a core]"},
    {"listen", ASY_OPTION_TEXT, "URL", NULL, "also take remote workers"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object instead of tables"},
    {0}};

static int resume(const asy_args *a)
{
    asy_progress_view view = {0};
    asy_host *host = NULL;
    int64_t session;
    int status;
    const char *which = asy_args_at(a, 0) ? asy_args_at(a, 0) : "last";
    const char *folder = asy_args_text(a, "store");
    asy_store *store;
    if (asy_store_open_read(folder, &store)) /* resuming must not make an empty store */
        return asy_cannot();
    asy_store_close(store);
    asy_drive_begin(&view);
    asy_err err = asy_drive_open(folder, asy_args_whole(a, "workers"),
                                 asy_args_text(a, "listen"), &host);
    if (!err)
        err = asy_host_resume(host, which, &session);
    if (err)
        status = asy_cannot();
    else
        status = asy_drive_session(host, session, &view, asy_args_flag(a, "json"));
    asy_host_close(host);
    return status;
}

const asy_command asy_cmd_resume = {
    .name = "resume",
    .summary = "go on with a session that was interrupted",
    .arguments = "[SESSION]",
    .max_arguments = 1,
    .about =
        "SESSION is a name, a number, or \"last\". The rule is run again from its\n"
        "start and given the results that are in the store; only what is missing is\n"
        "trained.\n",
    .options = options,
    .examples = "assay resume\n"
                "assay resume iris-3 --store ./assay-data --workers 4\n",
    .run = resume};
