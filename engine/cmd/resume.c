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

/* Resuming must not make an empty store. */
static asy_err check_store(const char *folder)
{
    asy_store *store = NULL;
    asy_err err = asy_store_open_read(folder, &store);
    asy_store_close(store);
    return err;
}

static int resume_session(const asy_args *a, uint32_t workers)
{
    asy_progress_view view = {0};
    asy_host *host = NULL;
    int64_t session;
    const char *which = asy_args_at(a, 0) ? asy_args_at(a, 0) : "last";
    asy_drive_begin(&view);
    asy_err err = check_store(asy_args_text(a, "store"));
    if (!err)
        err = asy_drive_open(a, workers, &host);
    if (!err)
        err = asy_host_resume(host, which, &session);
    int status =
        err ? asy_cannot()
            : asy_drive_session(host, session, &view, asy_args_flag(a, "json"));
    asy_host_close(host);
    return status;
}

static int resume(const asy_args *a)
{
    uint32_t workers;
    int status = asy_drive_workers(a, &workers);
    return status ? status : resume_session(a, workers);
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
