/* rulehost.h - the process in which a rule runs: "assay rule-host".
 *
 * Started by child.h only. It reads packets from descriptor 3, runs the rule they bring
 * in a locked-down process, and ends when the other side closes.
 */
#pragma once

enum { ASY_RULEHOST_FD = 3 };

/* The whole life of the process; returns its exit status. Call it first thing in
 * main(), before any thread is started. */
int asy_rulehost_main(void);
