/* blob.h - prepared data for workers that cannot open the host's files: by hash, piece
 * by piece. The worker checks the whole against the hash.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/host.h"
#include "net/listen.h"

/* Answers DATA_META and DATA_GET. */
void asy_blob_request(asy_host *h, asy_request *r);
