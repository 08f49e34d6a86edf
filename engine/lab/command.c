/* command.c - what a rule tells the host to do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/command.h"
#include <string.h>
#include "lab/core.h"
#include "lab/gather.h"
#include "lab/scatter.h"

/* The trials of a proposal that the rule names by its number. */
static asy_trial *first_of(asy_session *s, json_int_t proposal)
{
    if (proposal < 1 || proposal > s->proposals)
        return NULL;
    return asy_board_at(s->board, (uint64_t)(proposal - 1) * asy_session_each(s) + 1);
}

/* A trial that nobody holds ends at once; a held one when its worker has heard of it.
 */
static void order_one(asy_trial *t, asy_order order)
{
    if (asy_trial_has_ended(t))
        return;
    bool is_cancel = order == ASY_ORDER_CANCEL;
    if (!t->holder) {
        asy_gather_close(t, is_cancel ? ASY_TRIAL_CANCELLED : ASY_TRIAL_PRUNED,
                         is_cancel ? "cancelled" : "pruned");
        return;
    }
    if (!t->order)
        t->holder->orders++;
    t->order = (uint8_t)order;
}

static void order_proposal(asy_session *s, json_int_t proposal, asy_order order)
{
    asy_trial *t = first_of(s, proposal);
    for (uint32_t i = 0; t && i < asy_session_each(s); i++)
        order_one(asy_board_at(s->board, (uint64_t)t->number + i), order);
}

void asy_command_cancel(asy_session *s, int64_t proposal)
{
    order_proposal(s, proposal, ASY_ORDER_CANCEL);
}

static asy_err do_cancel(asy_session *s, const json_t *c)
{
    size_t i;
    json_t *n;
    json_array_foreach (json_object_get(c, "numbers"), i, n)
        order_proposal(s, json_integer_value(n), ASY_ORDER_CANCEL);
    return ASY_OK;
}

static asy_err do_prune(asy_session *s, const json_t *c)
{
    order_proposal(s, json_integer_value(json_object_get(c, "number")),
                   ASY_ORDER_PRUNE);
    return ASY_OK;
}

static asy_err do_log(asy_session *s, const json_t *c)
{
    const char *text;
    asy_err err = asy_json_get_text(c, "log", "text", "", &text);
    if (!err && !s->replay.is_on)
        asy_host_say(s->host, ASY_INFO, "%s", text);
    return err;
}

static asy_err do_note(asy_session *s, const json_t *c)
{
    const char *text;
    asy_err err = asy_json_get_text(c, "note", "markdown", "", &text);
    if (!err && !s->replay.is_on)
        asy_store_event(s->host->store, s->id, 0, "note", text);
    return err;
}

static asy_err do_end(asy_session *s, const json_t *c)
{
    (void)c;
    s->talk.has_ended = true;
    return ASY_OK;
}

static const struct {
    const char *name;
    asy_err (*act)(asy_session *s, const json_t *command);
} commands[] = {{"scatter", asy_scatter}, {"cancel", do_cancel}, {"prune", do_prune},
                {"log", do_log},          {"note", do_note},     {"end", do_end}};

static asy_err act(asy_session *s, const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "do"));
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].act(s, c);
    return asy_fail(ASY_ESCRIPT, "rule: unknown command '%.40s'", name ? name : "");
}

void asy_command_reply(asy_session *s, const json_t *reply)
{
    size_t i;
    json_t *c;
    const json_t *list = json_object_get(reply, "commands");
    s->talk.has_more =
        json_is_false(json_object_get(reply, "waiting")) && json_array_size(list) > 0;
    json_array_foreach (list, i, c) {
        if (act(s, c)) {
            asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
            return;
        }
        s->talk.was_nudged = false;
    }
}

void asy_command_failed(asy_session *s, const char *message, bool is_fatal)
{
    if (is_fatal && asy_talk_restart(s)) {
        asy_log(ASY_INFO, "session %s: the rule is started again: %s", s->name,
                message);
        return;
    }
    asy_session_end(s, ASY_SESSION_FAILED, message);
}
