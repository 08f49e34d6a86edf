/* query.h - what a rule may ask while it runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/session.h"

/* {"column": name} | {"curve": number, "metric"} | {"trials": filter} | {"best": n} |
 * {"count": design}. A tree in any case: {"error": text} when there is no answer. Owned
 * by the caller. */
json_t *asy_query_answer(asy_session *s, const json_t *query);
