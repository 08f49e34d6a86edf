/* sql.h - the few things every file of the store does with SQLite. Inside the store
 * only.
 *
 * These functions return SQLite's own result codes where the caller has to tell a full
 * disk from a broken rule of the schema, and asy_err where it only passes failure up.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/* Opens a connection that waits up to five seconds for locks. *out is NULL on failure.
 */
asy_err asy_sql_open(const char *path, int flags, sqlite3 **out);

/* Records "what: SQLite's words" with a hint where we have one; returns ASY_EIO. */
asy_err asy_sql_fail(sqlite3 *db, const char *what);

/* Runs statements that give no rows (or whose rows do not matter). */
asy_err asy_sql_exec(sqlite3 *db, const char *sql);
/* The first column of the first row as a number; `fallback` when there is no row. */
asy_err asy_sql_number(sqlite3 *db, const char *sql, int64_t fallback, int64_t *out);

/* Binds text that outlives the step; NULL is stored as NULL. */
void asy_sql_bind_text(sqlite3_stmt *q, int at, const char *text);
/* The text of a column, "" for NULL. Borrowed until the next step or reset. */
const char *asy_sql_text(sqlite3_stmt *q, int at);
/* A real column, NaN for NULL. (Binding NaN stores NULL by itself.) */
double asy_sql_real(sqlite3_stmt *q, int at);

/* True when a result code is the world's fault (disk, memory, locks, damage), so that
 * the same statement may succeed another time; false when the statement itself is
 * wrong. */
bool asy_sql_is_world(int code);
