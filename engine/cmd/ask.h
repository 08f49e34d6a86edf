/* ask.h - a rule without a host: calls that wait for their reply. For `check` and
 * `doctor`. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"

typedef struct asy_asker asy_asker;

/* What a rule is told when it asks while a call runs; the answer is owned by the asker.
 */
typedef json_t *asy_asker_answer(void *ctx, const json_t *query);

/* options: --set values. The source is borrowed until the asker is closed. */
asy_err asy_asker_open(const char *name, const char *source, size_t len,
                       const json_t *options, asy_asker_answer *answer, void *ctx,
                       asy_asker **out);

/* *reply is owned by the caller. ASY_ESCRIPT with the rule's message. Lines that the
 * rule logs go to asy_log(). */
asy_err asy_asker_ask(asy_asker *a, const json_t *call, json_t **reply);

void asy_asker_close(asy_asker *a);
