/* embedded.c - finds a module of the embedded Lua library. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/embed.h"
#include <stdio.h>
#include <string.h>

static const asy_embedded *find(const char *path)
{
    for (const asy_embedded *f = asy_embedded_files; f->name; f++)
        if (strcmp(f->name, path) == 0)
            return f;
    return NULL;
}

const asy_embedded *asy_embedded_module(const char *module)
{
    char stem[96], path[128];
    if (strlen(module) >= sizeof stem || strchr(module, '/'))
        return NULL;
    strcpy(stem, module);
    for (char *dot = strchr(stem, '.'); dot; dot = strchr(dot, '.'))
        *dot = '/';
    snprintf(path, sizeof path, "lua/%s.lua", stem);
    const asy_embedded *f = find(path);
    if (f)
        return f;
    snprintf(path, sizeof path, "lua/%s/init.lua", stem);
    return find(path);
}
