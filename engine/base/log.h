/* log.h - lines for the operator. Nothing below cmd/ prints; it logs, and the process
 * decides where lines go. The default sink drops DEBUG and INFO and writes the rest to
 * standard error. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdarg.h>

typedef enum asy_level { ASY_DEBUG, ASY_INFO, ASY_WARN, ASY_ERROR } asy_level;

/* Gets each finished line without its newline; may be called from any thread. */
typedef void asy_log_sink(void *ctx, asy_level level, const char *line);

/* Set before threads start. NULL restores the default. */
void asy_log_set(asy_log_sink *sink, void *ctx, asy_level least);

void asy_log(asy_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
