/* core.h - what the parts of a host share: the host, its sessions, its peers, the notes
 * in its queue. Private to the host's files; everything here belongs to the core thread
 * unless a comment says otherwise.
 *
 * Life of a result: a WORK request brings it (dispatch.c), it ends its trial (gather.c)
 * and goes to the store; the commit comes back as a note (commit.c); then the worker is
 * answered and the rule is told (talk.c).
 */
#pragma once
#include <stdatomic.h>
#include <sys/types.h>
#include "data/table.h"
#include "lab/board.h"
#include "lab/host.h"
#include "lab/setup.h"
#include "lab/work.h"
#include "net/listen.h"

typedef struct asy_session asy_session;
typedef struct asy_peer asy_peer;
typedef struct asy_commit asy_commit;
typedef struct asy_line asy_line;

/* --- notes: what other threads put into the host's queue ---------------------------
 */

typedef enum asy_note_kind {
    ASY_NOTE_NET,    /* a request or a lost connection */
    ASY_NOTE_COMMIT, /* the store is done with a commit */
    ASY_NOTE_REPLY,  /* of a rule */
    ASY_NOTE_QUERY,
    ASY_NOTE_LOG
} asy_note_kind;

typedef struct asy_note {
    asy_note_kind kind;
    asy_net_event *net; /* NET; owned */
    asy_commit *commit; /* COMMIT; owned */
    asy_line *line;     /* of the rule it came from; shared */
    json_t *tree;       /* REPLY, QUERY; owned */
    char *text;         /* REPLY: message of a failure; LOG: the line; owned */
    bool is_fatal;
} asy_note;

/* --- commits: what waits for the store -----------------------------------------------
 */

/* Trials that one scatter made. */
typedef struct asy_made {
    asy_session *session;
    uint32_t first, n;
} asy_made;

/* Everything that was written while the core thread handled one lot of notes. It comes
 * back as a note once all of it is durable, in the order in which it was written. Its
 * sessions and peers count it as pending and are not freed before. */
struct asy_commit {
    asy_note note; /* pushed by the writer thread: no allocation there */
    asy_host *host;
    atomic_uint users; /* writes that are out, and the core thread until it is sent */
    asy_peer **peer;   /* [peers] wait for their answers */
    uint32_t peers, peer_cap;
    asy_trial **ended; /* [endeds] in order of `told` */
    uint32_t endeds, ended_cap;
    asy_made *made; /* [mades] */
    uint32_t mades, made_cap;
    atomic_int err; /* asy_err */
};

asy_commit *asy_commit_now(asy_host *h); /* the one being filled */
void asy_commit_wait(asy_commit *c, asy_peer *p);
void asy_commit_end(asy_commit *c, asy_trial *t);
void asy_commit_make(asy_commit *c, asy_session *s, uint32_t first, uint32_t n);
/* asy_store_done for its writes, each announced by asy_commit_use(); writer's thread.
 */
void asy_commit_use(asy_commit *c);
void asy_commit_done(void *ctx, asy_err err);
/* Gives the one being filled, if any, to the writer. */
void asy_commit_send(asy_host *h);
/* Handles one that came back, and frees it. */
void asy_commit_arrived(asy_commit *c);
void asy_commit_free(asy_commit *c);

/* --- the conversation with a rule
 * ------------------------------------------------------- */

/* The far end of a rule's callbacks. Outlives the rule: notes may still name it. */
struct asy_line {
    asy_host *host;
    asy_session *session; /* NULL when hung up; core thread only */
    atomic_uint users;    /* core thread and notes */
};

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
    int64_t
        seq; /* SCATTERED: of the session; TRIAL: `told` of the trial that ended it */
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
    int64_t given;    /* results (by `told`) that the rule knows of */
    int64_t known;    /* the same, of calls that were answered */
    int64_t given_ms; /* wall clock of the last of them; the rule's time */
    json_t *reply;    /* of a call that somebody waits for; owned */
    char *message;    /* its failure; owned */
    bool has_reply, is_awaited;
} asy_talk;

asy_err asy_talk_open(asy_session *s);
void asy_talk_close(asy_session *s);
/* Sends a call and waits, serving everything else meanwhile. For the start of a
 * session. */
asy_err asy_talk_ask(asy_session *s, const json_t *call, json_t **reply);
/* Sends "start"; like all later replies, its reply comes to asy_command_reply(). */
asy_err asy_talk_start(asy_session *s);
/* A rule whose process died begins again, by replay. False when it must not. */
bool asy_talk_restart(asy_session *s);
/* Calls "resume" when there is something to tell and the rule is free. */
void asy_talk_go_on(asy_session *s);
void asy_talk_tell(asy_session *s, asy_event e);
/* A "scattered" event goes before what came while the call ran. */
void asy_talk_tell_first(asy_session *s, asy_event e);
void asy_talk_note(asy_note *n); /* REPLY, QUERY, LOG */
void asy_line_unref(asy_line *l);
asy_line *asy_line_ref(asy_line *l);

/* --- sessions
 * ------------------------------------------------------------------------------ */

typedef struct asy_prepared {
    asy_hash hash;
    char text[ASY_HASH_TEXT];
    char *path; /* owned */
} asy_prepared;

/* Results that the store knows from an earlier life of the session. */
typedef struct asy_replay {
    bool is_on;
    int64_t told; /* of the last result in the store */
    int64_t fed;  /* of the last result that was told again */
} asy_replay;

/* The label that a rule gave to the proposals of a scatter. */
typedef struct asy_tag {
    uint32_t first, n;
    char *text; /* owned */
} asy_tag;

struct asy_session {
    asy_host *host;
    int64_t id;
    char *name, *rule_name, *rule, *label; /* owned */
    size_t rule_len;
    json_t *options;                                            /* owned */
    char *options_text, *settings_text, *prepared_text, *title; /* owned */
    char dataset[ASY_HASH_TEXT], rule_hash[ASY_HASH_TEXT];
    uint64_t seed;
    bool is_fresh; /* takes nothing from the trial cache */
    bool has_twin; /* an earlier session may have the same trials */
    asy_session_state state;
    asy_setup setup;
    asy_table *table; /* owned */
    uint32_t label_column;
    asy_prepared *prepared; /* [folds], owned */
    json_t *shape;          /* of the prepared data, for the rule; owned */
    asy_board *board;
    asy_talk talk;
    asy_replay replay;
    int64_t seq; /* scatters so far */
    uint32_t proposals;
    int64_t told; /* results so far */
    uint32_t cached;
    asy_tag *tag; /* [tags] in order of proposals */
    uint32_t tags, tag_cap;
    uint64_t limit;        /* trials; 0 = none */
    double time_limit;     /* seconds; 0 = none */
    double charged;        /* seconds of work handed out, for fairness */
    double seconds_before; /* of earlier lives */
    uint64_t started_ms;   /* monotonic, of this life */
    int64_t created;       /* wall ms */
    uint64_t saved_ms;     /* monotonic: row last written */
    uint64_t late_ms;      /* monotonic: when its time was over; 0 = it is not */
    double best;
    uint32_t best_trial;
    char *best_params; /* owned */
    char digest[ASY_HASH_TEXT];
    char *error;      /* owned; NULL = none */
    uint32_t pending; /* commits that name it */
    struct {
        uint64_t ms;
        uint32_t ended;
    } mark[2]; /* for the rate: an older and a newer look */
};

void asy_session_free(asy_session *s);
/* Ends it in that state; message NULL = no error. Leases are called back, the row
 * written. */
void asy_session_end(asy_session *s, asy_session_state state, const char *message);
bool asy_session_is_open(const asy_session *s);
double asy_session_seconds(const asy_session *s);
asy_row_session asy_session_row(const asy_session *s); /* text is borrowed */
void asy_session_save(asy_session *s);
void asy_session_tick(asy_session *s, uint64_t now);
uint64_t asy_session_left(const asy_session *s); /* trials it may still make */
asy_session *asy_host_session(asy_host *h, int64_t id);
uint32_t asy_session_each(const asy_session *s); /* trials a proposal */

/* Commands of a rule (command.c, scatter.c, replay.c, query.c). */
void asy_command_reply(asy_session *s, const json_t *reply);
void asy_command_failed(asy_session *s, const char *message, bool is_fatal);
void asy_command_cancel(asy_session *s, int64_t proposal);
asy_err asy_scatter(asy_session *s, const json_t *command);
/* Place, seed, spec and key of a trial whose number is set. */
void asy_scatter_fill(asy_trial *t, asy_session *s, asy_spec *spec, asy_hash *key);
asy_err asy_replay_open(asy_session *s); /* loads the board from the store */
void asy_replay_begin(asy_session *s);   /* everything ended is to be told again */
/* Matches a scatter with the stored one of its number: how many of the n proposals it
 * made then; 0 = the store has none. ASY_ESCRIPT when they differ. */
asy_err asy_replay_scatter(asy_session *s, const asy_hash *specs, asy_spec *const *spec,
                           uint32_t n, int32_t priority, uint32_t *matched);
/* Queues what comes next of the stored results; ends the replay when none are left. */
void asy_replay_feed(asy_session *s);
json_t *asy_query_answer(asy_session *s, const json_t *query);

/* Results (gather.c). */
/* Ends a trial with what a worker brought; a trial that has ended stays as it is. */
void asy_gather_outcome(asy_trial *t, const asy_outcome *o, const char *worker);
/* Ends a trial by the host's own decision. */
void asy_gather_close(asy_trial *t, asy_trial_state state, const char *reason);
/* Ends it like an earlier trial of the same key. */
void asy_gather_cached(asy_trial *t, const asy_row_trial *row);
/* Its end is durable: the rule is told, unless a replay will come to it. */
void asy_gather_durable(asy_trial *t);
/* Tells the rule once the trial's whole proposal is durable. */
void asy_gather_tell(asy_trial *t);
json_t *asy_gather_event(asy_session *s, uint32_t proposal);
void asy_gather_release(asy_session *s, uint32_t proposal); /* text nobody needs */

/* --- peers
 * ------------------------------------------------------------------------------------
 */

typedef enum asy_wait { ASY_WAIT_NONE, ASY_WAIT_COMMIT, ASY_WAIT_WORK } asy_wait;

/* The last request of one kind and its reply, so that a retry executes nothing. */
typedef struct asy_last {
    uint64_t seq;
    uint8_t type; /* of the reply; 0 = none yet */
    asy_buf reply;
} asy_last;

struct asy_peer {
    asy_host *host;
    uint64_t incarnation;
    uint8_t uuid[16], ticket[ASY_TICKET];
    char name[64];
    pid_t pid;
    uint32_t pipe;
    uint64_t seen_ms; /* monotonic, of the last request */
    uint64_t gone_ms; /* 0 = connected */
    bool is_dead;
    double mean; /* seconds a trial */
    uint32_t want;
    asy_trial *first, *last; /* leases, ascending */
    uint32_t held;
    uint32_t stamp;
    asy_last work, beat;
    asy_request *request; /* WORK that waits for its reply */
    asy_wait wait;
    bool has_results; /* in that request */
    uint64_t wait_until;
    asy_runs unknown; /* leases it listed and does not have, for the reply */
    uint32_t orders;  /* trials with an order to pass on */
    uint32_t pending; /* commits that name it */
    int64_t *session; /* [sessions] it was told about */
    uint32_t sessions;
};

asy_peer *asy_peer_hello(asy_host *h, const asy_frame *f, const asy_hello *hello,
                         uint32_t pipe);
/* The peer that a frame and a ticket belong to, or NULL. */
asy_peer *asy_peer_find(asy_host *h, const asy_frame *f, asy_slice ticket);
void asy_peer_leave(asy_peer *p); /* of its own will */
void asy_peer_gone(asy_host *h, uint32_t pipe);
void asy_peer_died(asy_host *h, pid_t pid); /* a local worker's process has ended */
void asy_peers_tick(asy_host *h, uint64_t now);
void asy_peer_free(asy_peer *p);
bool asy_peer_is_live(const asy_peer *p);

/* --- leases (lease.c)
 * ------------------------------------------------------------------------- */

void asy_lease_grant(asy_peer *p, asy_trial *t, uint64_t seq);
/* A lease of an earlier epoch goes on with its worker. */
void asy_lease_adopt(asy_peer *p, asy_trial *t, uint64_t lease);
void asy_lease_end(asy_trial *t);
/* Takes a lease back: the trial waits again, or ends if it was ordered to or kills
 * workers. */
void asy_lease_back(asy_trial *t, bool died);
void asy_lease_back_all(asy_peer *p, bool died);
/* Of a session that is over: nothing is written; the worker learns it when it asks. */
void asy_lease_drop(asy_trial *t);
/* Compares what a worker says it holds with what it was given. *unknown: leases it
 * lists that it does not have. `done` results of the same request count as held. */
void asy_lease_reconcile(asy_peer *p, const asy_ask *ask, asy_runs *unknown);
asy_trial *asy_lease_find(asy_peer *p, uint64_t lease);

/* --- requests (dispatch.c, blob.c)
 * --------------------------------------------------------------- */

void asy_dispatch_event(asy_host *h, asy_net_event *e);
void asy_dispatch_committed(asy_peer *p);
/* Gives queued trials to workers that wait for some. */
void asy_dispatch_wake(asy_host *h);
void asy_dispatch_release(asy_host *h); /* answers all that wait, at the end */
void asy_blob_request(asy_host *h, asy_request *r);

/* --- local workers (local.c)
 * ------------------------------------------------------------------------ */

typedef struct asy_local {
    pid_t pid;        /* 0 = not running */
    uint64_t next_ms; /* when to start it again */
    uint64_t started_ms;
    uint32_t back_off; /* ms */
} asy_local;

asy_err asy_local_start(asy_host *h);
void asy_local_tick(asy_host *h, uint64_t now);
void asy_local_stop(asy_host *h);

/* --- the host
 * -------------------------------------------------------------------------------------------
 */

struct asy_host {
    asy_store *store;
    asy_queue *queue;
    asy_listener **listener; /* [listeners] */
    uint32_t listeners;
    const asy_rule_ops *rules;
    char *folder, *program;
    uint8_t token[ASY_TOKEN];
    uint32_t beat_ms, lease_ms;
    asy_session **session; /* [sessions] */
    uint32_t sessions;
    asy_peer **peer; /* [peers] */
    uint32_t peers;
    asy_local *local; /* [locals] */
    uint32_t locals;
    uint32_t leases;    /* counter of this epoch */
    asy_commit *commit; /* being filled; NULL = none */
    const asy_host_watch *watch;
    uint64_t tick_ms, progress_ms;
    bool is_stopping, is_closing;
    uint64_t stop_ms;
    char *trouble; /* why nothing is handed out, or NULL; owned */
};

/* Handles what is in the queue, waiting up to `timeout_ms` for something. */
void asy_host_pump(asy_host *h, uint32_t timeout_ms);
void asy_host_say(asy_host *h, asy_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void asy_progress_send(asy_host *h, uint64_t now, bool at_end);
