/* err.h - how every fallible engine function reports failure.
 *
 * A function that can fail returns asy_err; 0 is success. Before returning
 * anything else it calls asy_fail(), which keeps a message for this thread.
 * The code is the truth; the message is for people.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

typedef enum asy_err {
    ASY_OK = 0,
    ASY_EARG,   /* the caller broke the contract, or a user's input is wrong */
    ASY_ENOMEM, /* a large allocation was refused */
    ASY_EIO,    /* file, socket or database */
    ASY_ESCRIPT /* a Lua script raised */
} asy_err;

/* Records a message for this thread and returns `code`, so that a failing
 * function can end in `return asy_fail(ASY_EARG, "...")`. Messages are cut at 4 KiB. */
asy_err asy_fail(asy_err code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), cold));

/* Puts "prefix: " before the last message and returns `code`; for saying where. */
asy_err asy_fail_in(asy_err code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), cold));

/* The last message on this thread. Borrowed; valid until the next asy_fail(). */
const char *asy_errmsg(void);

/* "EARG", "ENOMEM", ...: the short name of a code. Static. */
const char *asy_errname(asy_err code);
