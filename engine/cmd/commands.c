/* commands.c - the list of sub-commands, in the order of the help. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

const asy_command *const asy_commands[] = {&asy_cmd_run,
                                           &asy_cmd_check,
                                           &asy_cmd_import,
                                           &asy_cmd_data,
                                           &asy_cmd_sessions,
                                           &asy_cmd_show,
                                           &asy_cmd_trials,
                                           &asy_cmd_findings,
                                           &asy_cmd_export,
                                           &asy_cmd_predict,
                                           &asy_cmd_replay,
                                           &asy_cmd_resume,
                                           &asy_cmd_worker,
                                           &asy_cmd_bench,
                                           &asy_cmd_doctor,
                                           &asy_cmd_completion,
                                           &asy_cmd_help,
                                           &asy_cmd_rule_host,
                                           NULL};
