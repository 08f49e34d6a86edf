/* run.c - assay run: one session on this machine, from a CSV and a rule to the answer.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/drive.h"

enum { RULE_LIMIT = 4 << 20, LONGEST_NAME = 64 };

static const asy_option options[] = {
    {"data", ASY_OPTION_FILE, "F", NULL,
     "the data: a CSV file, or the hash of an imported one"},
    {"label", ASY_OPTION_TEXT, "C", NULL,
     "column to predict: its name or number [the last]"},
    {"trials", ASY_OPTION_WHOLE, "N", NULL, "trials at most [as the rule says]"},
    {"time", ASY_OPTION_DURATION, "T", NULL,
     "time at most: 90s, 10m, 1h30m [as the rule says]"},
    {"seed", ASY_OPTION_WHOLE, "N", "1", "equal seeds give equal results"},
    {"workers", ASY_OPTION_WHOLE, "N", NULL, "local worker processes [one a core]"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"set", ASY_OPTION_PAIRS, "K=V", NULL,
     "options of the rule: --set epochs=50 batch=16"},
    {"listen", ASY_OPTION_TEXT, "URL", NULL,
     "also take workers at tcp://127.0.0.1:9400"},
    {"name", ASY_OPTION_TEXT, "NAME", NULL,
     "name of the session [made from the data's]"},
    {"fresh", ASY_OPTION_FLAG, NULL, NULL,
     "train again what the store has results for"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object instead of tables"},
    {0}};

/* The file's name without its folder. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --data takes a file, or (the beginning of) the hash that `assay import` showed. */
static bool looks_like_hash(const char *text)
{
    size_t len = strlen(text);
    return len >= 8 && len < ASY_HASH_TEXT && strspn(text, "0123456789abcdef") == len;
}

static void set_data(const asy_args *a, asy_session_config *config)
{
    const char *data = asy_args_text(a, "data");
    if (looks_like_hash(data) && !asy_file_exists(data))
        config->dataset = data;
    else
        config->data_path = data;
}

static asy_session_config config_of(const asy_args *a, const asy_buf *source)
{
    double seconds = asy_args_number(a, "time");
    asy_session_config config = {.rule_name = base_name(asy_args_at(a, 0)),
                                 .rule = asy_buf_text(source),
                                 .rule_len = source->len,
                                 .options = asy_args_pairs(a, "set"),
                                 .label = asy_args_text(a, "label"),
                                 .name = asy_args_text(a, "name"),
                                 .seed = asy_args_whole(a, "seed"),
                                 .trials = asy_args_whole(a, "trials"),
                                 .seconds = asy_args_given(a, "time") ? seconds : 0,
                                 .fresh = asy_args_flag(a, "fresh")};
    set_data(a, &config);
    return config;
}

/* Names stand in paths like iris-3/17, beside numbers and "last", and in shells. */
static bool is_good_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "0123456789._-";
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!strchr(letters, name[i]) && (i == 0 || !strchr(others, name[i])))
            return false;
    return len > 0 && len <= LONGEST_NAME && strcmp(name, "last") != 0;
}

/* What the tables cannot say. 0 when all is well. */
static int check_usage(const asy_args *a)
{
    if (!asy_args_given(a, "data"))
        return asy_wrong_usage(a, "--data is missing: which CSV file?");
    if (asy_args_given(a, "trials") && asy_args_whole(a, "trials") == 0)
        return asy_wrong_usage(a, "--trials: at least 1 expected, got 0");
    if (asy_args_given(a, "time") && !(asy_args_number(a, "time") > 0))
        return asy_wrong_usage(a, "--time: more than 0 expected");
    if (asy_args_given(a, "name") && !is_good_name(asy_args_text(a, "name")))
        return asy_wrong_usage(a,
                               "--name: letters, digits, '.', '_' and '-' expected, a "
                               "letter first, at most %d",
                               LONGEST_NAME);
    return 0;
}

static int run_session(const asy_args *a, uint32_t workers, const asy_buf *source)
{
    asy_progress_view view = {0};
    asy_host *host = NULL;
    int64_t session;
    asy_session_config config = config_of(a, source);
    asy_drive_begin(&view);
    asy_err err = asy_drive_open(a, workers, &host);
    if (!err)
        err = asy_host_start(host, &config, &session);
    int status =
        err ? asy_cannot()
            : asy_drive_session(host, session, &view, asy_args_flag(a, "json"));
    asy_host_close(host);
    return status;
}

static int run(const asy_args *a)
{
    asy_buf source = {0};
    uint32_t workers;
    int status = check_usage(a);
    if (!status)
        status = asy_drive_workers(a, &workers);
    if (status)
        return status;
    if (asy_file_read(asy_args_at(a, 0), RULE_LIMIT, &source))
        return asy_cannot();
    status = run_session(a, workers, &source);
    asy_buf_fini(&source);
    return status;
}

const asy_command asy_cmd_run = {
    .name = "run",
    .summary = "run a rule on a dataset and print what was found",
    .arguments = "RULE",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "Trains the designs that the rule proposes, on local workers, and keeps a\n"
        "record of each trial. Progress goes to stderr; the best designs and the\n"
        "findings to stdout. Ctrl-C stops and keeps what is done; a second one\n"
        "kills.\n",
    .options = options,
    .examples = "assay run rules/best_design.lua --data iris.csv --label Species\n"
                "assay run rules/depth_sweep.lua --data digits.csv --label digit "
                "--time 10m --json\n"
                "assay run my.lua --data my.csv --label outcome --trials 5000 --set "
                "epochs=50\n",
    .run = run};
