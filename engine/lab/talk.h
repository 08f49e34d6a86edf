/* talk.h - the conversation with a rule: one call at a time, and between calls a list
 * of what there is to tell it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "lab/host.h"
#include "lab/note.h"

struct asy_session;

/* The far end of a rule's callbacks. Outlives the rule: notes may still name it. */
typedef struct asy_line {
    asy_host *host;
    struct asy_session *session; /* NULL when hung up; core thread only */
    atomic_uint users;           /* core thread and notes */
} asy_line;

typedef enum asy_event_kind {
    ASY_EVENT_TRIAL,
    ASY_EVENT_REPORT,
    ASY_EVENT_SCATTERED
} asy_event_kind;

/* Something to tell the rule, in compact form until it is told. */
typedef struct asy_event {
    asy_event_kind kind;
    uint32_t number; /* TRIAL, REPORT: proposal; SCATTERED: first proposal */
    uint32_t n; /* SCATTERED: proposals; REPORT: epoch; TRIAL: the one that ended it */
    double value; /* REPORT */
    int64_t seq;  /* SCATTERED: of the session; TRIAL: `told` of that one */
} asy_event;

typedef struct asy_talk {
    asy_rule *rule; /* NULL when closed */
    asy_line *line;
    bool is_calling;  /* a call is out */
    bool has_more;    /* the rule does not wait: it wants to be called again */
    bool has_ended;   /* the rule said "end" */
    bool was_nudged;  /* asked once more although nothing is outstanding */
    uint32_t deaths;  /* of the rule's process */
    int64_t death_at; /* how far it had come at the last of them */
    asy_event *event; /* ring [cap] */
    uint32_t head, count, cap;
    uint32_t firsts;  /* events that asy_talk_tell_first() put in front since a reply */
    int64_t given;    /* results (by `told`) that the rule knows of */
    int64_t known;    /* the same, of calls that were answered */
    int64_t given_ms; /* wall clock of the last of them; the rule's time */
    json_t *reply;    /* of a call that somebody waits for; owned */
    char *message;    /* its failure; owned */
    bool has_reply, is_awaited;
} asy_talk;

asy_err asy_talk_open(struct asy_session *s);
void asy_talk_close(struct asy_session *s);
/* Sends a call and waits, serving everything else meanwhile. For the start of a
 * session. */
asy_err asy_talk_ask(struct asy_session *s, const json_t *call, json_t **reply);
/* Sends "start"; like all later replies, its reply comes to asy_command_reply(). */
asy_err asy_talk_start(struct asy_session *s);
/* A rule whose process died begins again, by replay. False when it must not. */
bool asy_talk_restart(struct asy_session *s);
/* Calls "resume" when there is something to tell and the rule is free. */
void asy_talk_go_on(struct asy_session *s);
void asy_talk_tell(struct asy_session *s, asy_event e);
/* A "scattered" event goes before what came while the call ran. */
void asy_talk_tell_first(struct asy_session *s, asy_event e);
void asy_talk_note(asy_note *n); /* REPLY, QUERY, LOG */
void asy_line_unref(asy_line *l);
asy_line *asy_line_ref(asy_line *l);
