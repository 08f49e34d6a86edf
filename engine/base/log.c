/* log.c - hands finished lines to the process's sink. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include <stdio.h>
#include "base/buf.h"

static void to_stderr(void *ctx, asy_level level, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s: %s\n", level == ASY_ERROR ? "error" : "warning", line);
}

static struct {
    asy_log_sink *sink;
    void *ctx;
    asy_level least;
} target = {to_stderr, NULL, ASY_WARN};

void asy_log_set(asy_log_sink *sink, void *ctx, asy_level least)
{
    target.sink = sink ? sink : to_stderr;
    target.ctx = sink ? ctx : NULL;
    target.least = sink ? least : ASY_WARN;
}

void asy_log(asy_level level, const char *fmt, ...)
{
    if (level < target.least)
        return;
    asy_buf line = {0};
    va_list args;
    va_start(args, fmt);
    asy_buf_vprintf(&line, fmt, args);
    va_end(args);
    target.sink(target.ctx, level, asy_buf_text(&line));
    asy_buf_fini(&line);
}
