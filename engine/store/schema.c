/* schema.c - the tables of the store and how an older file becomes a newer one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

enum { APPLICATION_ID = 0x41535359 /* "ASSY" in the file's header */ };

/* migrations[n] turns format n into format n + 1. What is here is never edited once a
 * release has written it. Ends are found by state alone: 3 = done, see asy_trial_state.
 */
static const char *const migrations[] = {
    "CREATE TABLE meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
    "CREATE TABLE dataset("
    " hash BLOB PRIMARY KEY, name TEXT, path TEXT, rows INTEGER NOT NULL,"
    " columns INTEGER NOT NULL, label TEXT, imported INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE session("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, rule_name TEXT, rule TEXT,"
    " title TEXT, options TEXT, settings TEXT, dataset TEXT, label TEXT, prepared TEXT,"
    " seed INTEGER NOT NULL, state INTEGER NOT NULL, done INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, pruned INTEGER NOT NULL, cancelled INTEGER NOT NULL,"
    " cached INTEGER NOT NULL, trials INTEGER NOT NULL, seconds REAL, digest TEXT,"
    " error TEXT, created INTEGER NOT NULL, ended INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE scatter("
    " session INTEGER NOT NULL REFERENCES session(id), seq INTEGER NOT NULL,"
    " specs BLOB NOT NULL, first_number INTEGER NOT NULL, n INTEGER NOT NULL,"
    " told INTEGER NOT NULL, PRIMARY KEY(session, seq)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE trial("
    " id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session(id),"
    " number INTEGER NOT NULL, proposal INTEGER NOT NULL, fold INTEGER NOT NULL,"
    " state INTEGER NOT NULL, attempt INTEGER NOT NULL, crashes INTEGER NOT NULL,"
    " seed INTEGER NOT NULL, key_head INTEGER NOT NULL, key_tail BLOB NOT NULL,"
    " params TEXT, design TEXT, score REAL, metrics TEXT, reason TEXT,"
    " epochs INTEGER NOT NULL, seconds REAL, parameters INTEGER NOT NULL, flops REAL,"
    " how TEXT, worker TEXT, cached_from INTEGER NOT NULL, told INTEGER NOT NULL,"
    " queued INTEGER NOT NULL, ended INTEGER NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX trial_number ON trial(session, number);"
    "CREATE INDEX trial_best ON trial(session, score) WHERE state = 3;"
    "CREATE INDEX trial_key ON trial(key_head) WHERE state = 3 AND cached_from = 0;"
    "CREATE TABLE curve(trial INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE event("
    " id INTEGER PRIMARY KEY, time INTEGER NOT NULL, session INTEGER NOT NULL,"
    " trial INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT"
    ") STRICT;",
};
enum { FORMAT = sizeof migrations / sizeof *migrations };

/* The version of Assay that wrote the format, for messages; "a newer version" when the
 * file does not say. */
static void put_writer(sqlite3 *db, asy_buf *b)
{
    sqlite3_stmt *q = NULL;
    const char *sql = "SELECT v FROM meta WHERE k = 'version'";
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW)
        asy_buf_printf(b, "Assay %s", asy_sql_text(q, 0));
    else
        asy_buf_puts(b, "a newer Assay");
    sqlite3_finalize(q);
}

static asy_err refuse_newer(sqlite3 *db, const char *path, int64_t format)
{
    asy_buf writer = {0};
    put_writer(db, &writer);
    asy_err err =
        asy_fail(ASY_EIO,
                 "%s: format %lld, written by %s; this is Assay %s, which "
                 "reads formats up to %d: use the newer program",
                 path, (long long)format, asy_buf_text(&writer), ASY_VERSION, FORMAT);
    asy_buf_fini(&writer);
    return err;
}

/* *format is 0 for an empty database. */
static asy_err check_format(sqlite3 *db, const char *path, int64_t *format)
{
    int64_t application = 0, objects = 0;
    asy_err err = asy_sql_number(db, "PRAGMA application_id", 0, &application);
    if (!err)
        err = asy_sql_number(db, "PRAGMA user_version", 0, format);
    if (!err)
        err = asy_sql_number(db, "SELECT count(*) FROM sqlite_schema", 0, &objects);
    if (err)
        return err;
    if (application == 0 && objects == 0 && *format == 0)
        return ASY_OK;
    if (application != APPLICATION_ID)
        return asy_fail(ASY_EIO,
                        "%s: a database of another program, not an Assay store; choose "
                        "another folder",
                        path);
    if (*format > FORMAT)
        return refuse_newer(db, path, *format);
    return ASY_OK;
}

static asy_err run_migrations(sqlite3 *db, int64_t from)
{
    asy_err err = ASY_OK;
    for (int64_t i = from; i < FORMAT && !err; i++)
        err = asy_sql_exec(db, migrations[i]);
    asy_buf sql = {0};
    asy_buf_printf(&sql,
                   "PRAGMA application_id = %d; PRAGMA user_version = %d;"
                   "REPLACE INTO meta VALUES('version', '%s');"
                   "INSERT OR IGNORE INTO meta VALUES('epoch', 0);"
                   "INSERT OR IGNORE INTO meta VALUES('created', %lld);",
                   APPLICATION_ID, FORMAT, ASY_VERSION, (long long)asy_wall_ms());
    if (!err)
        err = asy_sql_exec(db, asy_buf_text(&sql));
    asy_buf_fini(&sql);
    return err;
}

/* All steps in one transaction: a crash leaves the old format or the new one. */
static asy_err migrate(sqlite3 *db, const char *path)
{
    int64_t format = 0;
    asy_err err = asy_sql_exec(db, "BEGIN IMMEDIATE");
    if (err)
        return err;
    err = check_format(db, path, &format);
    if (!err && format < FORMAT)
        err = run_migrations(db, format);
    if (!err)
        return asy_sql_exec(db, "COMMIT");
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

/* WAL lets readers work beside the writer; it needs shared memory between processes,
 * which network file systems do not give. */
static asy_err set_wal(sqlite3 *db, const char *path)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &q, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(q);
    asy_err err = ASY_OK;
    if (code != SQLITE_ROW)
        err = asy_sql_fail(db, path);
    else if (sqlite3_stricmp(asy_sql_text(q, 0), "wal") != 0)
        err = asy_fail(ASY_EIO,
                       "%s: the file system gives no write-ahead log (a network "
                       "folder?); choose a folder on a local disk",
                       path);
    sqlite3_finalize(q);
    return err;
}

/* No memory map: pages read through it would count as the host's memory, and an I/O
 * error would arrive as SIGBUS instead of a code. */
static const char writer_settings[] = "PRAGMA synchronous = FULL;"
                                      "PRAGMA foreign_keys = ON;"
                                      "PRAGMA cache_size = -32768;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA wal_autocheckpoint = 4000;"
                                      "PRAGMA journal_size_limit = 67108864;";

asy_err asy_schema_open(const char *path, sqlite3 **out)
{
    asy_err err = asy_sql_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out);
    if (err)
        return err;
    int64_t format;
    err = check_format(*out, path, &format); /* before anything is written */
    if (!err && sqlite3_db_readonly(*out, "main"))
        err = asy_fail(ASY_EIO, "%s: read-only; a host must be able to write", path);
    if (!err)
        err = set_wal(*out, path);
    if (!err)
        err = asy_sql_exec(*out, writer_settings);
    if (!err)
        err = migrate(*out, path);
    if (err) {
        sqlite3_close(*out);
        *out = NULL;
    }
    return err;
}

static const char reader_settings[] = "PRAGMA query_only = ON;"
                                      "PRAGMA cache_size = -4096;"
                                      "PRAGMA temp_store = MEMORY;";

static asy_err check_readable(sqlite3 *db, const char *path)
{
    int64_t format = 0;
    asy_err err = asy_sql_exec(db, reader_settings);
    if (!err)
        err = check_format(db, path, &format);
    if (!err && format == 0)
        err = asy_fail(ASY_EIO, "%s: an empty file, not an Assay store", path);
    if (!err && format < FORMAT)
        err =
            asy_fail(ASY_EIO,
                     "%s: format %lld is older than this program's %d; `assay run` or "
                     "`assay serve` on this store brings it up to date",
                     path, (long long)format, FORMAT);
    return err;
}

/* True when reading failed for want of the right to make the shared-memory file, and no
 * host has the store open (its log would be there). */
static bool is_frozen(sqlite3 *db, const char *path)
{
    int code = sqlite3_errcode(db) & 0xff;
    asy_buf log = {0};
    asy_buf_printf(&log, "%s-wal", path);
    bool has_log = asy_file_exists(asy_buf_text(&log));
    asy_buf_fini(&log);
    return !has_log && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY);
}

/* A store that nobody has open, in a folder that may not be written, can be read only
 * by promising SQLite that nobody changes it. */
static asy_err open_immutable(const char *path, sqlite3 **out)
{
    asy_buf uri = {0};
    asy_buf_puts(&uri, "file:");
    for (const char *p = path; *p; p++)
        if (*p == '%' || *p == '?' || *p == '#')
            asy_buf_printf(&uri, "%%%02X", (unsigned)(unsigned char)*p);
        else
            asy_buf_putc(&uri, *p);
    asy_buf_puts(&uri, "?immutable=1");
    asy_err err =
        asy_sql_open(asy_buf_text(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, out);
    asy_buf_fini(&uri);
    return err;
}

asy_err asy_schema_open_read(const char *path, sqlite3 **out)
{
    *out = NULL;
    if (!asy_file_exists(path))
        return asy_fail(ASY_EIO, "%s: no such store; `assay run` makes one", path);
    asy_err err = asy_sql_open(path, SQLITE_OPEN_READWRITE, out);
    if (err)
        return err;
    err = check_readable(*out, path);
    if (err && is_frozen(*out, path)) {
        sqlite3_close(*out);
        err = open_immutable(path, out);
        if (!err)
            err = check_readable(*out, path);
    }
    if (err) {
        sqlite3_close(*out);
        *out = NULL;
    }
    return err;
}

asy_err asy_schema_raise_epoch(sqlite3 *db, uint64_t *epoch)
{
    int64_t value = 0;
    asy_err err = asy_sql_number(
        db, "UPDATE meta SET v = v + 1 WHERE k = 'epoch' RETURNING v", 0, &value);
    *epoch = (uint64_t)value;
    if (!err && value <= 0)
        err = asy_fail(ASY_EIO, "%s: the store has no epoch; it is damaged",
                       sqlite3_db_filename(db, NULL));
    return err;
}
