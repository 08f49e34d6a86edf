/* note.h - what other threads put into the host's queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "net/listen.h"

struct asy_commit;
struct asy_line;

typedef enum asy_note_kind {
    ASY_NOTE_NET,    /* a request or a lost connection */
    ASY_NOTE_COMMIT, /* the store is done with a commit */
    ASY_NOTE_REPLY,  /* of a rule */
    ASY_NOTE_QUERY,
    ASY_NOTE_LOG
} asy_note_kind;

typedef struct asy_note {
    asy_note_kind kind;
    asy_net_event *net;        /* NET; owned */
    struct asy_commit *commit; /* COMMIT; owned */
    struct asy_line *line;     /* of the rule it came from; shared */
    json_t *tree;              /* REPLY, QUERY; owned */
    char *text;                /* REPLY: message of a failure; LOG: the line; owned */
    bool is_fatal;
} asy_note;
