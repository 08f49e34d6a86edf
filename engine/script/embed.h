/* embed.h - the Lua library as bytes inside the program (the table is made by asy_embed
 * in cmake/assay.cmake).
 */
#pragma once
#include <stddef.h>

typedef struct asy_embedded {
    const char *name; /* relative to the source folder: "lua/assay/space.lua" */
    const char *text; /* followed by a NUL */
    size_t len;
} asy_embedded;

/* Ends with a name of NULL. */
extern const asy_embedded asy_embedded_files[];

/* The file of a module: "assay.space" is lua/assay/space.lua, "assay"
 * lua/assay/init.lua. NULL when there is none. */
const asy_embedded *asy_embedded_module(const char *module);
