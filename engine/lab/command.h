/* command.h - what a rule tells the host to do. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/session.h"

void asy_command_reply(asy_session *s, const json_t *reply);
void asy_command_failed(asy_session *s, const char *message, bool is_fatal);
void asy_command_cancel(asy_session *s, int64_t proposal);
