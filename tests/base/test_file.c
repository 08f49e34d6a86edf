/* test_file.c - whole files and folders. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

static char folder[] = "/tmp/assay-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static size_t files_in(const char *path)
{
    size_t n = 0;
    DIR *d = opendir(path);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void test_write_and_read(void **state)
{
    (void)state;
    char *path = asy_path_join(folder, "a.txt");
    asy_buf text = {0};
    assert_int_equal(asy_file_write(path, "first", 5), ASY_OK);
    assert_int_equal(asy_file_write(path, "sec\0nd", 6), ASY_OK);
    assert_int_equal(asy_file_read(path, 6, &text), ASY_OK);
    assert_int_equal(text.len, 6);
    assert_memory_equal(text.data, "sec\0nd", 7);
    assert_int_equal(files_in(folder), 1);
    assert_int_equal(asy_file_read(path, 5, &text), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "too large"));
    assert_int_equal(text.len, 0);
    asy_buf_fini(&text);
    assert_true(asy_file_exists(path));
    unlink(path);
    assert_false(asy_file_exists(path));
    asy_free(path);
}

static void test_failed_write_leaves_nothing(void **state)
{
    (void)state;
    char *path = asy_path_join(folder, "is-a-folder"),
         *inside = asy_path_join(path, "x");
    assert_int_equal(asy_dir_make(inside), ASY_OK);
    assert_int_equal(asy_file_write(path, "x", 1), ASY_EIO);
    assert_int_equal(files_in(folder), 1);
    rmdir(inside);
    assert_int_equal(asy_file_write(inside, "x", 1), ASY_OK);
    char *deep = asy_path_join(inside, "y");
    assert_int_equal(asy_file_write(deep, "x", 1), ASY_EIO);
    assert_int_equal(asy_dir_make(deep), ASY_EIO);
    assert_non_null(strstr(asy_errmsg(), "Not a directory"));
    unlink(inside);
    rmdir(path);
    asy_free(path);
    asy_free(inside);
    asy_free(deep);
}

static void test_map(void **state)
{
    (void)state;
    char *path = asy_path_join(folder, "m");
    asy_map map;
    assert_int_equal(asy_map_open(path, &map), ASY_EIO);
    assert_int_equal(asy_map_open(folder, &map), ASY_EIO);
    assert_int_equal(asy_file_write(path, "", 0), ASY_OK);
    assert_int_equal(asy_map_open(path, &map), ASY_OK);
    assert_null(map.bytes);
    asy_map_close(&map);
    assert_int_equal(asy_file_write(path, "bytes", 5), ASY_OK);
    assert_int_equal(asy_map_open(path, &map), ASY_OK);
    assert_int_equal(map.len, 5);
    assert_memory_equal(map.bytes, "bytes", 5);
    asy_map_close(&map);
    asy_map_close(&map);
    unlink(path);
    asy_free(path);
}

static void test_folders(void **state)
{
    (void)state;
    char *a = asy_path_join(folder, "a"), *b = asy_path_join(a, "b/"),
         *c = asy_path_join(b, "c");
    struct stat about;
    assert_int_equal(asy_dir_make(c), ASY_OK);
    assert_int_equal(asy_dir_make(c), ASY_OK);
    assert_int_equal(stat(c, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(asy_dir_make(""), ASY_EARG);
    rmdir(c);
    rmdir(b);
    rmdir(a);
    asy_free(a);
    asy_free(b);
    asy_free(c);
}

static void test_secrets(void **state)
{
    (void)state;
    char *path = asy_path_join(folder, "token");
    asy_buf text = {0};
    struct stat about;
    assert_int_equal(asy_file_write_secret(path, "sesame", 6), ASY_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(asy_file_read(path, 6, &text), ASY_OK);
    assert_string_equal(asy_buf_text(&text), "sesame");
    asy_buf_fini(&text);
    unlink(path);
    asy_free(path);
}

static void test_read_faults(void **state)
{
    (void)state;
    asy_buf text = {0};
    assert_int_equal(asy_file_read(folder, 100, &text), ASY_EIO);
    assert_int_equal(asy_file_read("/nowhere/at/all", 100, &text), ASY_EIO);
    assert_string_equal(asy_errmsg(),
                        "cannot open /nowhere/at/all: No such file or directory");
    asy_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_failed_write_leaves_nothing),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_read_faults),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
