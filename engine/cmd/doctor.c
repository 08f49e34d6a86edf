/* doctor.c - assay doctor: what this machine has, and whether it is fit to train. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/term.h"
#include "math/isa.h"
#include "store/store.h"

/* One line of the report; problems counts the bad ones. */
typedef struct report {
    json_t *json; /* {"name": {"text", "good"}}; owned */
    bool as_json;
    unsigned problems;
} report;

static void say(report *r, bool is_good, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void say(report *r, bool is_good, const char *name, const char *fmt, ...)
{
    asy_buf text = {0};
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(&text, fmt, args);
    va_end(args);
    r->problems += !is_good;
    json_t *line = json_object();
    json_object_set_new(line, "text", json_string(asy_buf_text(&text)));
    json_object_set_new(line, "good", json_boolean(is_good));
    json_object_set_new(r->json, name, line);
    if (!r->as_json)
        printf("%s%-4s%s %-10s %s\n",
               asy_term_paint(stdout, is_good ? ASY_GREEN : ASY_RED),
               is_good ? "ok" : "BAD", asy_term_paint(stdout, ASY_PLAIN), name,
               asy_buf_text(&text));
    asy_buf_fini(&text);
}

/* --- the machine ---------------------------------------------------------------------
 */

/* The value of the first "name : value" line, in a new string; NULL when there is none.
 */
static char *cpu_field(const char *name)
{
    char line[512], *found = NULL;
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, name, strlen(name)) == 0)
            found = asy_strndup(colon + 2, strcspn(colon + 2, "\n"));
    }
    if (f)
        fclose(f);
    return found;
}

static void check_machine(report *r)
{
    asy_buf memory = {0};
    char *model = cpu_field("model name");
    double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    asy_text_put_bytes(&memory, bytes);
    say(r, true, "assay", "%s", ASY_VERSION);
    say(r, true, "cpu", "%s, %ld cores, %s of memory", model ? model : "unknown",
        sysconf(_SC_NPROCESSORS_ONLN), asy_buf_text(&memory));
    asy_isa best = asy_isa_best(), used = asy_isa_get();
    say(r, true, "isa", "%s%s%s", asy_isa_name(used),
        best == used ? "" : ", lowered from ", best == used ? "" : asy_isa_name(best));
    asy_free(model);
    asy_buf_fini(&memory);
}

static void check_blas(report *r)
{
    asy_blas_one_thread();
    if (asy_blas_check() == ASY_OK)
        say(r, true, "blas", "OpenBLAS with %s kernels agrees with plain loops",
            asy_blas_core());
    else
        say(r, false, "blas", "%s; workers start again with a safer core type",
            asy_errmsg());
    say(r, true, "cuda", "not built in");
}

/* --- libraries --- */

typedef const char *version_function(void);

/* Asked through the dynamic linker: the folders of the house that use these libraries
 * keep them to themselves. `probe` is any symbol of a library that cannot tell its
 * version. */
static const struct library {
    const char *name, *version, *probe;
} libraries[] = {{"jansson", "jansson_version_str", NULL},
                 {"msgpack", "msgpack_version", NULL},
                 {"sodium", "sodium_version_string", NULL},
                 {"openblas", "openblas_get_config", NULL},
                 {"sqlite", "sqlite3_libversion", NULL},
                 {"nng", "nng_version", NULL},
                 {"luajit", NULL, "luaJIT_setmode"},
                 {"seccomp", NULL, "seccomp_init"}};

static void say_version(report *r, const struct library *l)
{
    version_function *version;
    void *symbol = dlsym(RTLD_DEFAULT, l->version);
    memcpy(&version, &symbol, sizeof version); /* ISO C has no cast for this */
    if (symbol)
        say(r, true, l->name, "%s", version());
    else
        say(r, true, l->name, "linked in");
}

/* The file's full name holds the version: libluajit-5.1.so.2.1.0. */
static void say_file(report *r, const struct library *l)
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, l->probe);
    char *path =
        symbol && dladdr(symbol, &info) ? realpath(info.dli_fname, NULL) : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    say(r, true, l->name, "%s", slash ? slash + 1 : "linked in");
    free(path);
}

static void check_libraries(report *r)
{
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (libraries[i].version)
            say_version(r, &libraries[i]);
        else
            say_file(r, &libraries[i]);
}

/* --- the sandbox --- */

static json_t *no_answer(void *ctx, const json_t *query)
{
    (void)ctx;
    (void)query;
    return json_null();
}

static asy_err ask_small_rule(void)
{
    static const char source[] = "local assay = require 'assay'\n"
                                 "return assay.rule { space = { x = "
                                 "assay.space.float(0, 1) }, trial = function() "
                                 "return { score = 0 } end }\n";
    asy_asker *asker;
    json_t *call = json_pack("{s:s}", "call", "describe"), *reply = NULL;
    asy_err err = asy_asker_open("doctor.lua", source, sizeof source - 1, NULL,
                                 no_answer, NULL, &asker);
    if (!err) {
        err = asy_asker_ask(asker, call, &reply);
        asy_asker_close(asker);
    }
    json_decref(call);
    json_decref(reply);
    return err;
}

/* The version of the kernel's Landlock, 0 when there is none. */
static long landlock_version(void)
{
#ifdef SYS_landlock_create_ruleset
    enum { ASK_VERSION = 1 };
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    return version > 0 ? version : 0;
#else
    return 0;
#endif
}

static void check_sandbox(report *r)
{
    uint64_t before = asy_now_ns();
    asy_err err = ask_small_rule();
    asy_buf time = {0};
    asy_text_put_seconds(&time, (double)(asy_now_ns() - before) * 1e-9);
    if (err)
        say(r, false, "sandbox", "rules do not run: %s", asy_errmsg());
    else
        say(r, true, "sandbox", "a rule ran locked down with seccomp, in %s",
            asy_buf_text(&time));
    if (landlock_version())
        say(r, true, "landlock", "version %ld", landlock_version());
    else
        say(r, true, "landlock", "the kernel has none; seccomp does the work");
    asy_buf_fini(&time);
}

/* --- the store --- */

static bool count_session(void *ctx, const asy_row_session *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return true;
}

static void check_space(report *r, const char *folder)
{
    struct statvfs fs;
    asy_buf text = {0};
    if (statvfs(folder, &fs))
        return;
    double left = (double)fs.f_bavail * (double)fs.f_frsize;
    asy_text_put_bytes(&text, left);
    say(r, left > 1e8, "disk", "%s left in %s", asy_buf_text(&text), folder);
    asy_buf_fini(&text);
}

static void check_store(report *r, const char *folder, bool is_named)
{
    asy_store *store = NULL;
    unsigned sessions = 0;
    if (!asy_file_exists(folder) && !is_named) {
        say(r, true, "store", "none in %s yet", folder);
        return;
    }
    asy_err err = asy_store_open_read(folder, &store);
    if (!err)
        err = asy_store_sessions(store, count_session, &sessions);
    if (!err)
        err = asy_store_health(store);
    if (err)
        say(r, false, "store", "%s", asy_errmsg());
    else
        say(r, true, "store", "%s, %u sessions", folder, sessions);
    asy_store_close(store);
    check_space(r, folder);
}

static int doctor(const asy_args *a)
{
    report r = {.json = json_object(), .as_json = asy_args_flag(a, "json")};
    check_machine(&r);
    check_blas(&r);
    check_libraries(&r);
    check_sandbox(&r);
    check_store(&r, asy_args_text(a, "store"), asy_args_given(a, "store"));
    if (r.as_json)
        asy_print_json(r.json);
    json_decref(r.json);
    return r.problems ? 1 : 0;
}

static const asy_option options[] = {
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "the store to look at"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_doctor = {
    .name = "doctor",
    .summary = "say what this machine has and whether it is fit to train",
    .about = "Exit status 1 when something is bad.\n",
    .options = options,
    .examples = "assay doctor\nassay doctor --store ./assay-data --json\n",
    .run = doctor};
