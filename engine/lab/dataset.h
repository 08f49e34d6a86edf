/* dataset.h - datasets of a store: CSV files in, typed tables out. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "data/table.h"
#include "store/store.h"

/* Reads a CSV, keeps its table in the store's folder and its row in the store. label
 * (may be NULL) is checked and remembered. *out is owned by the caller. */
asy_err asy_dataset_import(asy_store *s, const char *path, const char *label,
                           asy_table **out);

/* The table of an imported dataset: by hash, the beginning of one, or file name (the
 * newest of that name). */
asy_err asy_dataset_open(asy_store *s, const char *which, asy_table **out,
                         asy_buf *name);

/* The file name of a path without its folders and its last suffix: "iris". */
void asy_dataset_stem(const char *path, asy_buf *out);
