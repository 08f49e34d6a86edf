/* test_module.c - `require "assay"` in a plain luajit: runs the .lua files here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <unistd.h>

int luaopen_assay_core(lua_State *L);

static void run_file(const char *name)
{
    char folder[] = "/tmp/assay-module-XXXXXX", path[512];
    assert_non_null(mkdtemp(folder));
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_pushstring(L, ASY_SOURCE_DIR "/lua/?.lua;" ASY_SOURCE_DIR "/lua/?/init.lua");
    lua_setfield(L, -2, "path");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_assay_core);
    lua_setfield(L, -2, "assay.core");
    lua_settop(L, 0);
    lua_pushstring(L, folder);
    lua_setglobal(L, "FOLDER");
    lua_pushstring(L, ASY_SOURCE_DIR "/tests/fixtures");
    lua_setglobal(L, "FIXTURES");
    snprintf(path, sizeof path, "%s/tests/script/%s", ASY_SOURCE_DIR, name);
    if (luaL_dofile(L, path))
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

static void test_matrix(void **state)
{
    (void)state;
    run_file("matrix.lua");
}

static void test_training(void **state)
{
    (void)state;
    run_file("training.lua");
}

static void test_random(void **state)
{
    (void)state;
    run_file("random.lua");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_matrix),
                                       cmocka_unit_test(test_training),
                                       cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
