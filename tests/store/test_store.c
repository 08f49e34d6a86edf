/* test_store.c - rows go in and come out; folders and files that are wrong are refused.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- opening -------------------------------------------------------------- */

static void epoch_rises_with_each_opening(void **state)
{
    asy_store *s;
    for (uint64_t i = 1; i <= 3; i++) {
        must(asy_store_open(*state, &s));
        assert_int_equal(asy_store_epoch(s), i);
        assert_string_equal(asy_store_folder(s), *state);
        must(asy_store_health(s));
        asy_store_close(s);
    }
    asy_store_close(NULL);
}

static void second_host_is_told_who_is_first(void **state)
{
    asy_store *s, *second;
    must(asy_store_open(*state, &s));
    assert_int_equal(asy_store_open(*state, &second), ASY_EIO);
    assert_null(second);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(asy_errmsg(), pid));
    assert_non_null(strstr(asy_errmsg(), *state));
    must(asy_store_flush(s)); /* the first one goes on */
    asy_store_close(s);
    must(asy_store_open(*state, &second));
    asy_store_close(second);
}

/* Changes one number in the database's header: what PRAGMA would do. */
static void patch_header(const char *folder, off_t at, uint32_t value)
{
    char *path = asy_path_join(folder, "assay.db");
    int fd = open(path, O_WRONLY);
    uint8_t b[4] = {value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255};
    assert_true(fd >= 0 && pwrite(fd, b, 4, at) == 4);
    close(fd);
    asy_free(path);
}

static void assert_refused(const char *folder, const char *why)
{
    asy_store *s;
    assert_int_equal(asy_store_open(folder, &s), ASY_EIO);
    assert_null(s);
    if (!strstr(asy_errmsg(), why))
        fail_msg("\"%s\" expected in: %s", why, asy_errmsg());
    assert_int_equal(asy_store_open_read(folder, &s), ASY_EIO);
    assert_null(s);
    if (!strstr(asy_errmsg(), why))
        fail_msg("\"%s\" expected in: %s", why, asy_errmsg());
}

static void newer_version_is_refused_and_named(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_store_close(s);
    patch_header(*state, 60, 99); /* user_version */
    assert_refused(*state, "format 99");
    assert_refused(*state, "written by Assay " ASY_VERSION);
    patch_header(*state, 60, 1);
    must(asy_store_open(*state, &s));
    asy_store_close(s);
}

static void database_of_another_program_is_refused(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_store_close(s);
    patch_header(*state, 68, 0x12345678); /* application_id */
    assert_refused(*state, "another program");
}

static void write_database(const char *folder, const void *bytes, size_t len)
{
    char *path = asy_path_join(folder, "assay.db");
    must(asy_file_write(path, bytes, len));
    asy_free(path);
}

static void file_that_is_no_database_is_refused(void **state)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    write_database(*state, text, sizeof text);
    assert_refused(*state, "no Assay store");
}

static void damaged_database_is_refused(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_store_close(s);
    char *path = asy_path_join(*state, "assay.db");
    asy_buf file = {0};
    must(asy_file_read(path, 1 << 20, &file));
    memset(file.data + 100, 0xff, 3900); /* the list of tables */
    write_database(*state, file.data, file.len);
    assert_refused(*state, "damaged");
    asy_buf_fini(&file);
    asy_free(path);
}

static void looking_needs_a_store(void **state)
{
    asy_store *s;
    assert_int_equal(asy_store_open_read(*state, &s), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "no such store"));
    write_database(*state, "", 0);
    assert_int_equal(asy_store_open_read(*state, &s), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "empty file"));
}

static void looking_works_beside_a_host_and_cannot_write(void **state)
{
    int64_t session;
    asy_store *host = store_with(*state, 10, &session), *s;
    must(asy_store_open_read(*state, &s));
    assert_int_equal(count_trials(s, 0), 10);
    asy_row_trial end = an_end(1, 0.5);
    asy_store_end_trial(host, &end, NULL, 0, NULL, NULL);
    must(asy_store_flush(host));
    assert_int_equal(count_trials(s, 1 << ASY_TRIAL_DONE), 1);
    asy_row_session row = a_session("another");
    assert_int_equal(asy_store_new_session(s, &row, &session), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "reading only"));
    asy_store_close(host);
    assert_int_equal(count_trials(s, 0), 10);
    asy_store_close(s);
}

/* Opens as a user who may not write; root would be let through. */
static int open_as_nobody(const char *folder)
{
    if (geteuid() == 0 && (setegid(65534) || seteuid(65534)))
        return 1;
    asy_store *s;
    if (asy_store_open(folder, &s) != ASY_EIO ||
        !strstr(asy_errmsg(), "be able to write"))
        return 2;
    if (asy_store_open_read(folder, &s) != ASY_OK)
        return 3;
    size_t n = count_trials(s, 0);
    asy_store_close(s);
    return n == 3 ? 0 : 4;
}

static void read_only_folder_can_be_looked_at_only(void **state)
{
    int64_t session;
    asy_store_close(store_with(*state, 3, &session));
    char *path = asy_path_join(*state, "assay.db"),
         *lock = asy_path_join(*state, "assay.db.lock");
    chmod(path, 0444);
    chmod(lock, 0444);
    chmod(*state, 0555);
    pid_t child = fork();
    if (child == 0)
        _exit(open_as_nobody(*state));
    int status;
    waitpid(child, &status, 0);
    chmod(*state, 0755);
    asy_free(path);
    asy_free(lock);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- rows ----------------------------------------------------------------- */

static bool check_dataset(void *ctx, const asy_row_dataset *d)
{
    int *n = ctx;
    asy_hash key = a_key(*n == 0 ? 1 : 2);
    assert_true(asy_hash_equal(&d->hash, &key));
    if (++*n == 1) {
        assert_string_equal(d->name, "iris.csv");
        assert_string_equal(d->path, "data/iris");
        assert_int_equal(d->rows, 150);
        assert_int_equal(d->columns, 5);
        assert_string_equal(d->label, "Species");
        assert_int_equal(d->imported, 7);
    } else {
        assert_null(d->label);
    }
    return true;
}

static void datasets_come_back(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_row_dataset d = {a_key(1), "wrong", "wrong", 1, 1, NULL, 0};
    must(asy_store_put_dataset(s, &d));
    d = (asy_row_dataset){a_key(1), "iris.csv", "data/iris", 150, 5, "Species", 7};
    must(asy_store_put_dataset(s, &d));
    d = (asy_row_dataset){a_key(2), "b.csv", "data/b", 1, 2, NULL, 8};
    must(asy_store_put_dataset(s, &d));
    int n = 0;
    must(asy_store_datasets(s, check_dataset, &n));
    assert_int_equal(n, 2);
    asy_store_close(s);
}

static bool check_session(void *ctx, const asy_row_session *r)
{
    const asy_row_session *want = ctx;
    assert_int_equal(r->id, want->id);
    assert_string_equal(r->name, want->name);
    assert_string_equal(r->rule_name, "best.lua");
    assert_string_equal(r->rule, "return {}");
    assert_string_equal(r->title, "A title");
    assert_string_equal(r->options, "{\"a\":1}");
    assert_string_equal(r->settings, "{}");
    assert_string_equal(r->dataset, "d00d");
    assert_string_equal(r->label, "Species");
    assert_string_equal(r->prepared, "[]");
    assert_true(r->seed == UINT64_MAX);
    assert_int_equal(r->state, want->state);
    assert_int_equal(r->done, want->done);
    assert_int_equal(r->failed, want->failed);
    assert_int_equal(r->pruned, want->pruned);
    assert_int_equal(r->cancelled, want->cancelled);
    assert_int_equal(r->cached, want->cached);
    assert_int_equal(r->trials, want->trials);
    assert_true(r->seconds == want->seconds);
    assert_string_equal(r->digest, want->digest);
    assert_string_equal(r->error, want->error);
    assert_int_equal(r->created, 1234567890123);
    assert_int_equal(r->ended, want->ended);
    return true;
}

static void session_comes_back_and_changes(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_row_session row = a_session("iris-1");
    must(asy_store_new_session(s, &row, &row.id));
    must(asy_store_find_session(s, "iris-1", check_session, &row));
    asy_row_session change = {.id = row.id,
                              .seed = row.seed,
                              .created = row.created,
                              .state = ASY_SESSION_DONE,
                              .done = 1,
                              .failed = 2,
                              .pruned = 3,
                              .cancelled = 4,
                              .cached = 5,
                              .trials = 15,
                              .seconds = 1.5,
                              .digest = "abc",
                              .error = "why",
                              .ended = 9};
    asy_store_put_session(s, &change, NULL, NULL);
    must(asy_store_flush(s));
    change.name = "iris-1"; /* what was NULL stays as it was */
    must(asy_store_find_session(s, "last", check_session, &change));
    asy_store_close(s);
}

static void session_names_are_unique(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    asy_row_session row = a_session("iris-1");
    int64_t id;
    must(asy_store_new_session(s, &row, &id));
    assert_int_equal(asy_store_new_session(s, &row, &id), ASY_EARG);
    assert_int_equal(id, 0);
    assert_non_null(strstr(asy_errmsg(), "iris-1"));
    row.name = "";
    assert_int_equal(asy_store_new_session(s, &row, &id), ASY_EARG);
    asy_store_close(s);
}

static bool keep_id(void *ctx, const asy_row_session *r)
{
    *(int64_t *)ctx = r->id;
    return true;
}

static void sessions_are_found_by_name_number_and_last(void **state)
{
    asy_store *s;
    must(asy_store_open(*state, &s));
    int64_t id, found = 0;
    assert_int_equal(asy_store_find_session(s, "last", keep_id, &found), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "no session yet"));
    const char *const names[] = {"iris-1", "digits-1", "1"};
    for (int i = 0; i < 3; i++) {
        asy_row_session row = a_session(names[i]);
        must(asy_store_new_session(s, &row, &id));
    }
    must(asy_store_find_session(s, "digits-1", keep_id, &found));
    assert_int_equal(found, 2);
    must(asy_store_find_session(s, "2", keep_id, &found));
    assert_int_equal(found, 2);
    must(
        asy_store_find_session(s, "1", keep_id, &found)); /* the name, not the number */
    assert_int_equal(found, 3);
    must(asy_store_find_session(s, "last", keep_id, &found));
    assert_int_equal(found, 3);
    assert_int_equal(asy_store_find_session(s, "digit-1", keep_id, &found), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "did you mean \"digits-1\"?"));
    assert_int_equal(asy_store_find_session(s, "'; DROP", keep_id, &found), ASY_EARG);
    must(asy_store_sessions(s, keep_id, &found));
    assert_int_equal(found, 3);
    asy_store_close(s);
}

static bool check_ended(void *ctx, const asy_row_trial *t)
{
    ++*(int *)ctx;
    asy_hash key = a_key(2);
    assert_int_equal(t->id, 2);
    assert_int_equal(t->session, 1);
    assert_int_equal(t->number, 2);
    assert_int_equal(t->proposal, 2);
    assert_int_equal(t->state, ASY_TRIAL_DONE);
    assert_int_equal(t->attempt, 1);
    assert_int_equal(t->seed, 2);
    assert_true(asy_hash_equal(&t->key, &key));
    assert_string_equal(t->params, "{\"depth\":3}");
    assert_string_equal(t->design, "{\"layers\":[16,16]}");
    assert_true(t->score == 0.75);
    assert_string_equal(t->metrics, "{\"accuracy\":0.5}");
    assert_string_equal(t->reason, "patience");
    assert_int_equal(t->epochs, 30);
    assert_true(t->seconds == 0.25);
    assert_int_equal(t->parameters, 99);
    assert_true(t->flops == 1e9);
    assert_string_equal(t->how, "blas/avx2/1");
    assert_string_equal(t->worker, "host-1");
    assert_int_equal(t->told, 2);
    assert_int_equal(t->queued, 1002);
    assert_int_equal(t->ended, 5000);
    return true;
}

static void trial_comes_back_with_its_end(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 3, &session);
    asy_row_trial end = an_end(2, 0.75);
    asy_store_end_trial(s, &end, "curve", 5, NULL, NULL);
    must(asy_store_flush(s));
    int n = 0;
    must(asy_store_trial(s, 2, check_ended, &n));
    asy_hash key = a_key(2);
    must(asy_store_by_key(s, &key, check_ended, &n));
    assert_int_equal(n, 2);
    key = a_key(1); /* queued: nothing to take from a cache */
    must(asy_store_by_key(s, &key, check_ended, &n));
    must(asy_store_trial(s, 77, check_ended, &n));
    assert_int_equal(n, 2);
    asy_buf curve = {0};
    must(asy_store_curve(s, 2, &curve));
    assert_int_equal(curve.len, 5);
    assert_memory_equal(curve.data, "curve", 5);
    must(asy_store_curve(s, 1, &curve));
    assert_int_equal(curve.len, 0);
    asy_buf_fini(&curve);
    asy_store_close(s);
}

static bool is_queued(void *ctx, const asy_row_trial *t)
{
    ++*(int *)ctx;
    assert_int_equal(t->state, ASY_TRIAL_QUEUED);
    assert_true(isnan(t->score));
    assert_string_equal(t->metrics, "");
    return true;
}

static void cached_trial_is_done_at_once_and_shares_the_curve(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 1, &session);
    asy_row_trial end = an_end(1, 0.75);
    asy_store_end_trial(s, &end, "curve", 5, NULL, NULL);
    asy_row_trial copy = an_end(asy_store_next_trial(s, 1), 0.75);
    copy.session = session;
    copy.number = 2;
    copy.key = a_key(1);
    copy.cached_from = 1;
    asy_hash specs = a_key(8);
    asy_store_scatter(s, session, 2, &specs, 1, &copy, 1, NULL, NULL);
    must(asy_store_flush(s));
    assert_int_equal(count_trials(s, 1 << ASY_TRIAL_DONE), 2);
    asy_buf curve = {0};
    must(asy_store_curve(s, copy.id, &curve));
    assert_int_equal(curve.len, 5);
    asy_buf_fini(&curve);
    size_t n = 0; /* the one that was trained */
    must(asy_store_by_key(s, &copy.key, count_trial, &n));
    assert_int_equal(n, 1);
    asy_store_close(s);
}

static void empty_text_and_no_score_come_back(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 1, &session);
    int n = 0;
    must(asy_store_trial(s, 1, is_queued, &n));
    assert_int_equal(n, 1);
    asy_store_close(s);
}

static void ids_go_on_after_reopening(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 5, &session);
    asy_store_close(s);
    must(asy_store_open(*state, &s));
    assert_int_equal(asy_store_next_trial(s, 10), 6);
    assert_int_equal(asy_store_next_trial(s, 1), 16);
    asy_store_close(s);
}

static void scatter_is_found_for_replay(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 5, &session);
    asy_row_scatter row;
    must(asy_store_find_scatter(s, session, 1, &row));
    asy_hash specs = a_key(7);
    assert_int_equal(row.seq, 1);
    assert_int_equal(row.first_number, 1);
    assert_int_equal(row.n, 5);
    assert_int_equal(row.told, 0);
    assert_true(asy_hash_equal(&row.specs, &specs));
    must(asy_store_find_scatter(s, session, 2, &row));
    assert_int_equal(row.n, 0);
    asy_store_close(s);
}

/* --- queries -------------------------------------------------------------- */

typedef struct numbers {
    int64_t number[16];
    size_t n, stop_at;
} numbers;

static bool add_number(void *ctx, const asy_row_trial *t)
{
    numbers *l = ctx;
    l->number[l->n++] = t->number;
    return l->n != l->stop_at;
}

static void assert_order(asy_store *s, asy_trial_query q, const char *want)
{
    numbers l = {0};
    must(asy_store_trials(s, &q, add_number, &l));
    asy_buf got = {0};
    for (size_t i = 0; i < l.n; i++)
        asy_buf_printf(&got, "%lld ", (long long)l.number[i]);
    assert_string_equal(asy_buf_text(&got), want);
    asy_buf_fini(&got);
}

static void trials_are_filtered_ordered_and_paged(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 6, &session);
    const double scores[] = {0.2, 0.9, NAN, 0.2};
    for (int64_t i = 1; i <= 4; i++) { /* 5 fails, 6 stays queued */
        asy_row_trial end = an_end(i, scores[i - 1]);
        end.told = 10 - i;
        asy_store_end_trial(s, &end, NULL, 0, NULL, NULL);
    }
    asy_row_trial end = an_end(5, NAN);
    end.state = ASY_TRIAL_FAILED;
    end.told = 5;
    asy_store_end_trial(s, &end, NULL, 0, NULL, NULL);
    must(asy_store_flush(s));
    uint32_t done = 1 << ASY_TRIAL_DONE, queued = 1 << ASY_TRIAL_QUEUED;
    assert_order(s, (asy_trial_query){.session = session}, "1 2 3 4 5 6 ");
    assert_order(s, (asy_trial_query){.descending = true}, "6 5 4 3 2 1 ");
    assert_order(s, (asy_trial_query){.session = session + 1}, "");
    assert_order(s, (asy_trial_query){.states = done | queued}, "1 2 3 4 6 ");
    assert_order(s, (asy_trial_query){session, done, ASY_BY_SCORE, true, 0, 0},
                 "2 1 4 3 ");
    assert_order(s, (asy_trial_query){session, done, ASY_BY_SCORE, false, 0, 0},
                 "1 4 2 3 ");
    assert_order(s, (asy_trial_query){session, done, ASY_BY_SCORE, true, 1, 2}, "1 4 ");
    assert_order(s, (asy_trial_query){session, 0, ASY_BY_TOLD, false, 1, UINT64_MAX},
                 "5 4 3 2 1 ");
    assert_order(s, (asy_trial_query){.skip = UINT64_MAX}, "");
    numbers l = {.stop_at = 2};
    must(asy_store_trials(s, &(asy_trial_query){0}, add_number, &l));
    assert_int_equal(l.n, 2);
    asy_store_close(s);
}

static bool read_inside(void *ctx, const asy_row_trial *t)
{
    const char *before = t->design;
    size_t n = 0;
    must(asy_store_trial(ctx, t->id, count_trial, &n));
    assert_int_equal(n, 1);
    assert_ptr_equal(before, t->design);
    assert_string_equal(t->design, "{\"layers\":[16,16]}");
    return true;
}

static void callbacks_may_read(void **state)
{
    int64_t session;
    asy_store *s = store_with(*state, 4, &session);
    must(asy_store_trials(s, &(asy_trial_query){0}, read_inside, s));
    asy_store_close(s);
}

#define store_test(name)                                                               \
    cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(epoch_rises_with_each_opening),
        store_test(second_host_is_told_who_is_first),
        store_test(newer_version_is_refused_and_named),
        store_test(database_of_another_program_is_refused),
        store_test(file_that_is_no_database_is_refused),
        store_test(damaged_database_is_refused),
        store_test(looking_needs_a_store),
        store_test(looking_works_beside_a_host_and_cannot_write),
        store_test(read_only_folder_can_be_looked_at_only),
        store_test(datasets_come_back),
        store_test(session_comes_back_and_changes),
        store_test(session_names_are_unique),
        store_test(sessions_are_found_by_name_number_and_last),
        store_test(trial_comes_back_with_its_end),
        store_test(cached_trial_is_done_at_once_and_shares_the_curve),
        store_test(empty_text_and_no_score_come_back),
        store_test(ids_go_on_after_reopening),
        store_test(scatter_is_found_for_replay),
        store_test(trials_are_filtered_ordered_and_paged),
        store_test(callbacks_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
