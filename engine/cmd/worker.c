/* worker.c - assay worker: lends this machine's time to a host; and the rule host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/worker.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/trust.h"
#include "script/rulehost.h"
#include "script/script.h"

/* The host gives its own workers the token here; others may use a file. */
static const char token_name[] = "ASSAY_TOKEN";

enum { TOKEN_LIMIT = 4096 };

static atomic_bool is_draining; /* lock-free: a handler may set it */

/* The first signal lets running trials go back, the second one kills. */
static void drain(int signal_number)
{
    (void)signal_number;
    atomic_store(&is_draining, true);
}

static void set_signals(void)
{
    struct sigaction action = {.sa_handler = drain, .sa_flags = SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* --- the command ----------------------------------------------------------------- */

/* The first line of a file, without blanks; owned by the caller. */
static asy_err read_token(const char *path, char **out)
{
    asy_buf text = {0};
    *out = NULL;
    asy_err err = asy_file_read(path, TOKEN_LIMIT, &text);
    if (!err)
        *out =
            asy_strndup(asy_buf_text(&text), strcspn(asy_buf_text(&text), " \t\r\n"));
    asy_buf_fini(&text);
    return err;
}

static asy_err find_token(const asy_args *a, char **out)
{
    asy_hash unused;
    const char *path = asy_args_text(a, "token-file"), *given = getenv(token_name);
    *out = NULL;
    asy_err err = path ? read_token(path, out) : ASY_OK;
    if (!err && !path)
        *out = asy_strdup(given);
    if (!err && !*out)
        return asy_fail(ASY_EARG, "no token: give --token-file, or set %s", token_name);
    if (!err && !asy_hash_parse(*out, &unused))
        err = asy_fail(ASY_EARG, "token: 64 hex digits expected in %s",
                       path ? path : token_name);
    if (err) {
        asy_free(*out);
        *out = NULL;
    }
    return err;
}

static int worker(const asy_args *a)
{
    char *token = NULL;
    set_signals();
    asy_err err = asy_trust_blas(a);
    if (!err)
        err = find_token(a, &token);
    if (!err) {
        asy_worker_config config = {.url = asy_args_at(a, 0),
                                    .token = token,
                                    .cache = asy_args_text(a, "cache"),
                                    .own = &asy_script_own,
                                    .drain = &is_draining};
        err = asy_worker_run(&config);
    }
    asy_free(token);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"token-file", ASY_OPTION_FILE, "FILE", NULL,
     "the host's token: 64 hex digits [from ASSAY_TOKEN]"},
    {"cache", ASY_OPTION_FOLDER, "DIR", NULL,
     "keep prepared data here [a temporary folder]"},
    {0}};

const asy_command asy_cmd_worker = {
    .name = "worker",
    .summary = "train for a host",
    .arguments = "URL",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "Takes trials from the host at URL until the host ends. SIGTERM or Ctrl-C\n"
        "gives running trials back and leaves. The token is in the file \"token\" of\n"
        "the host's store. One worker keeps one core busy.\n",
    .options = options,
    .examples = "assay worker tcp://127.0.0.1:9400 --token-file assay-data/token\n",
    .run = worker};

/* --- the rule host --------------------------------------------------------------- */

static int rule_host(const asy_args *a)
{
    (void)a;
    return asy_rulehost_main();
}

const asy_command asy_cmd_rule_host = {
    .name = "rule-host",
    .summary = "the locked-down process in which a rule runs",
    .is_hidden = true,
    .run = rule_host};
