/* sessions.c - assay sessions: which sessions are in the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/grid.h"
#include "cmd/view.h"
#include "lab/verb.h"

static bool take_tree(void *ctx, const asy_row_session *s)
{
    json_array_append_new(ctx, asy_verb_session(s));
    return true;
}

static bool take_line(void *ctx, const asy_row_session *s)
{
    asy_grid *g = ctx;
    asy_buf when = {0}, time = {0};
    asy_view_time(&when, s->created);
    asy_text_put_seconds(&time, s->seconds);
    asy_grid_add(g, s->name);
    asy_grid_add(g, asy_verb_state(s->state));
    asy_grid_addf(g, "%llu", (unsigned long long)s->done);
    asy_grid_addf(g, "%llu", (unsigned long long)s->failed);
    asy_grid_addf(g, "%llu", (unsigned long long)s->pruned);
    asy_grid_add(g, asy_buf_text(&time));
    asy_grid_add(g, asy_buf_text(&when));
    asy_grid_add(g, s->rule_name);
    asy_grid_add(g, s->state == ASY_SESSION_FAILED ? s->error : s->title);
    asy_buf_fini(&when);
    asy_buf_fini(&time);
    return true;
}

static asy_err list_lines(asy_store *s)
{
    static const char *const heads[] = {"session", "state",   ">done",
                                        ">failed", ">pruned", ">time",
                                        "started", "rule",    "title"};
    asy_grid g;
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    asy_err err = asy_store_sessions(s, take_line, &g);
    if (!err && g.cells > g.columns)
        asy_grid_print(&g, stdout);
    else if (!err)
        puts("no sessions; `assay run RULE --data FILE` makes one");
    asy_grid_fini(&g);
    return err;
}

static asy_err list_json(asy_store *s)
{
    json_t *all = json_array();
    asy_err err = asy_store_sessions(s, take_tree, all);
    if (!err)
        asy_print_json(all);
    json_decref(all);
    return err;
}

static int sessions(const asy_args *a)
{
    asy_store *store = NULL;
    asy_err err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_args_flag(a, "json") ? list_json(store) : list_lines(store);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print a JSON list"},
    {0}};

const asy_command asy_cmd_sessions = {
    .name = "sessions",
    .summary = "list the sessions in the store",
    .options = options,
    .examples = "assay sessions\n"
                "assay sessions --store ./assay-data --json\n",
    .run = sessions};
