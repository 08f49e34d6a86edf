/* file.h - whole files and folders, safely: no partial file is ever left under its
 * name. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

asy_err asy_file_read(const char *path, size_t limit, asy_buf *out);

/* Writes to a temporary name beside path, syncs, renames. */
asy_err asy_file_write(const char *path, const void *bytes, size_t len);

/* The same for what only the owner may read, from its first moment on. */
asy_err asy_file_write_secret(const char *path, const void *bytes, size_t len);

/* Maps a whole file read-only. An empty file gives bytes = NULL, len = 0. */
typedef struct asy_map {
    const void *bytes;
    size_t len;
} asy_map;
asy_err asy_map_open(const char *path, asy_map *out);
void asy_map_close(asy_map *m);

asy_err asy_dir_make(const char *path); /* with parents; 0700 for new ones */
bool asy_file_exists(const char *path);

/* "folder/name" in a new string owned by the caller. */
char *asy_path_join(const char *folder, const char *name);
