/* command.h - every sub-command; each lives in the file of its name. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cmd/option.h"

extern const asy_command asy_cmd_run;
extern const asy_command asy_cmd_resume;
extern const asy_command asy_cmd_check;
extern const asy_command asy_cmd_import;
extern const asy_command asy_cmd_data;
extern const asy_command asy_cmd_sessions;
extern const asy_command asy_cmd_show;
extern const asy_command asy_cmd_trials;
extern const asy_command asy_cmd_findings;
extern const asy_command asy_cmd_export;
extern const asy_command asy_cmd_predict;
extern const asy_command asy_cmd_replay;
extern const asy_command asy_cmd_worker;
extern const asy_command asy_cmd_bench;
extern const asy_command asy_cmd_doctor;
extern const asy_command asy_cmd_completion;
extern const asy_command asy_cmd_help;
extern const asy_command
    asy_cmd_rule_host; /* hidden: started by the host and workers */
