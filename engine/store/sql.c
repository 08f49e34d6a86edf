/* sql.c - the few things every file of the store does with SQLite. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"
#include <math.h>
#include <stddef.h>

static const char *hint_for(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOTADB: return " (this file is no Assay store; choose another folder)";
    case SQLITE_CORRUPT: return " (the store is damaged; restore it from a copy)";
    case SQLITE_FULL: return " (make room on the disk)";
    case SQLITE_READONLY: return " (the store's folder or file may not be written)";
    case SQLITE_CANTOPEN: return " (check that the folder exists and may be written)";
    default: return "";
    }
}

asy_err asy_sql_fail(sqlite3 *db, const char *what)
{
    int code = sqlite3_errcode(db);
    return asy_fail(ASY_EIO, "%s: %s%s", what, sqlite3_errmsg(db), hint_for(code));
}

asy_err asy_sql_open(const char *path, int flags, sqlite3 **out)
{
    int code = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(*out, 1);
        sqlite3_busy_timeout(*out, 5000);
        return ASY_OK;
    }
    asy_err err = asy_sql_fail(*out, path);
    sqlite3_close(*out);
    *out = NULL;
    return err;
}

asy_err asy_sql_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return asy_sql_fail(db, sqlite3_db_filename(db, NULL));
    return ASY_OK;
}

asy_err asy_sql_number(sqlite3 *db, const char *sql, int64_t fallback, int64_t *out)
{
    *out = fallback;
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(q);
    if (code == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(q, 0);
    asy_err err = ASY_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = asy_sql_fail(db, sqlite3_db_filename(db, NULL));
    sqlite3_finalize(q);
    return err;
}

void asy_sql_bind_text(sqlite3_stmt *q, int at, const char *text)
{
    sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

const char *asy_sql_text(sqlite3_stmt *q, int at)
{
    const char *text = (const char *)sqlite3_column_text(q, at);
    return text ? text : "";
}

double asy_sql_real(sqlite3_stmt *q, int at)
{
    if (sqlite3_column_type(q, at) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(q, at);
}

bool asy_sql_is_world(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL: return true;
    default: return false;
    }
}
