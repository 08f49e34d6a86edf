/* script.h - what the program needs of this folder: rules for the lab. */
#pragma once
#include "lab/rule.h"

/* Rules in sandboxed child processes. Each has a thread of its own here, which starts
 * the child, talks with it and calls the sink; close() must not be called from the
 * sink. */
extern const asy_rule_ops asy_script_rules;

/* `trial =` functions. open() and run() belong to one thread that lives until close();
 * the child dies with it. */
extern const asy_own_ops asy_script_own;
