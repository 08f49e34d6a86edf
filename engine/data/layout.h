/* layout.h - where the tensors of a .safetensors file will lie, so that they can be
 * made in their place.
 */
#pragma once
#include "data/tensors.h"

/* Appends the file's head (length, header, padding) for tensors whose data may be NULL
 * yet to *head; offset[i] is where tensor i begins after the head, *total the file's
 * bytes. */
asy_err asy_layout_make(const asy_tensor *tensor, size_t n, const json_t *metadata,
                        asy_buf *head, uint64_t *offset, uint64_t *total);

/* Makes *out from the bytes of a whole file in t->heap or t->map (taken, also on
 * failure): checks them and fills in parts, meta and hash. */
asy_err asy_tensors_adopt(asy_tensors *t, asy_tensors **out);
