/* schema.h - the tables of the store and how an older file becomes a newer one. Inside
 * the store only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "store/sql.h"

/* Columns of one trial in the order in which they are bound and read. The key is cut in
 * two: the first eight bytes as a number carry the index, the rest tells them apart. */
#define ASY_TRIAL_COLUMNS                                                              \
    "id, session, number, proposal, fold, state, attempt, crashes, seed, key_head, "   \
    "key_tail, params, design, score, metrics, reason, epochs, seconds, parameters, "  \
    "flops, how, worker, cached_from, told, queued, ended"

#define ASY_SESSION_COLUMNS                                                            \
    "id, name, rule_name, rule, title, options, settings, dataset, label, prepared, "  \
    "seed, state, done, failed, pruned, cancelled, cached, trials, seconds, digest, "  \
    "error, created, ended"

/* Opens the database for the one writer: sets it up, migrates it. ASY_EIO when it is no
 * store, of a newer version, damaged or read-only. */
asy_err asy_schema_open(const char *path, sqlite3 **out);

/* Opens an existing store for reading only. */
asy_err asy_schema_open_read(const char *path, sqlite3 **out);

/* Raises the epoch, which shuts out every earlier host; *epoch is the new one. */
asy_err asy_schema_raise_epoch(sqlite3 *db, uint64_t *epoch);
