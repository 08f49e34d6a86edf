/* progress.c - how a session goes, on stderr. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "cmd/term.h"

enum { PLAIN_EVERY_MS = 5000, BAR_WIDTH = 24 };

static uint64_t ended(const asy_progress *p)
{
    return p->done + p->failed + p->pruned + p->cancelled;
}

static void put_count(asy_buf *out, const asy_progress *p)
{
    if (p->planned)
        asy_buf_printf(out, "%llu/%llu trials", (unsigned long long)ended(p),
                       (unsigned long long)p->planned);
    else
        asy_buf_printf(out, "%llu trials", (unsigned long long)ended(p));
}

static void put_rate(asy_buf *out, const asy_progress *p)
{
    if (p->rate > 0)
        asy_buf_printf(out, p->rate < 10 ? ", %.1f/s" : ", %.0f/s", p->rate);
    if (isfinite(p->eta) && p->eta >= 0 && ended(p) < p->planned) {
        asy_buf_puts(out, ", ");
        asy_text_put_seconds(out, p->eta);
        asy_buf_puts(out, " left");
    }
}

static void put_best(asy_buf *out, const asy_progress *p)
{
    if (isfinite(p->best))
        asy_buf_printf(out, ", best %s %.4g (trial %lld)",
                       p->objective ? p->objective : "score", p->best,
                       (long long)p->best_trial);
}

static void put_exceptions(asy_buf *out, const asy_progress *p)
{
    if (p->cached)
        asy_buf_printf(out, ", %llu cached", (unsigned long long)p->cached);
    if (p->pruned)
        asy_buf_printf(out, ", %llu pruned", (unsigned long long)p->pruned);
    if (p->failed)
        asy_buf_printf(out, ", %llu failed", (unsigned long long)p->failed);
    if (p->trouble)
        asy_buf_printf(out, ", %s", p->trouble);
}

void asy_progress_put(asy_buf *out, const asy_progress *p)
{
    put_count(out, p);
    put_rate(out, p);
    put_best(out, p);
    put_exceptions(out, p);
}

static void put_bar(asy_buf *out, const asy_progress *p, FILE *f)
{
    if (!p->planned)
        return;
    double share = fmin((double)ended(p) / (double)p->planned, 1);
    int full = (int)(share * BAR_WIDTH);
    asy_buf_puts(out, asy_term_paint(f, ASY_CYAN));
    for (int i = 0; i < full; i++)
        asy_buf_puts(out, "\xE2\x94\x81"); /* box drawings heavy horizontal */
    asy_buf_puts(out, asy_term_paint(f, ASY_PLAIN));
    asy_buf_puts(out, asy_term_paint(f, ASY_DIM));
    for (int i = full; i < BAR_WIDTH; i++)
        asy_buf_puts(out, "\xE2\x94\x80"); /* light */
    asy_buf_puts(out, asy_term_paint(f, ASY_PLAIN));
    asy_buf_putc(out, ' ');
}

/* Cut to the terminal's width, so that the line never wraps and can be redrawn. */
static void draw(asy_progress_view *v, const asy_progress *p)
{
    asy_buf line = {0}, words = {0};
    size_t room = asy_term_width(v->out) - 1;
    asy_progress_put(&words, p);
    if (room > BAR_WIDTH + 30) {
        put_bar(&line, p, v->out);
        room -= p->planned ? BAR_WIDTH + 1 : 0;
    }
    asy_buf_add(&line, asy_buf_text(&words), words.len < room ? words.len : room);
    flockfile(v->out);
    fprintf(v->out, "\r\033[K%s", asy_buf_text(&line));
    fflush(v->out);
    v->is_drawn = true;
    funlockfile(v->out);
    asy_buf_fini(&line);
    asy_buf_fini(&words);
}

static void print_line(asy_progress_view *v, const asy_progress *p)
{
    uint64_t now = asy_now_ms();
    bool has_ended = p->state != ASY_SESSION_RUNNING;
    bool is_news =
        (p->trouble != NULL) != v->had_trouble || (has_ended && !v->has_ended);
    if (v->next_ms == 0)
        v->next_ms = now + PLAIN_EVERY_MS;
    if (now < v->next_ms && !is_news)
        return;
    asy_buf words = {0};
    asy_progress_put(&words, p);
    fprintf(v->out, "%s: %s\n", p->name ? p->name : "session", asy_buf_text(&words));
    asy_buf_fini(&words);
    v->next_ms = now + PLAIN_EVERY_MS;
    v->had_trouble = p->trouble != NULL;
    v->has_ended = has_ended;
}

void asy_progress_show(asy_progress_view *v, const asy_progress *p)
{
    if (asy_term_is(v->out))
        draw(v, p);
    else
        print_line(v, p);
}

void asy_progress_say(asy_progress_view *v, asy_level level, const char *line)
{
    flockfile(v->out);
    if (v->is_drawn)
        fputs("\r\033[K", v->out);
    v->is_drawn = false;
    if (level == ASY_ERROR)
        fprintf(v->out, "%serror:%s ", asy_term_paint(v->out, ASY_RED),
                asy_term_paint(v->out, ASY_PLAIN));
    else if (level == ASY_WARN)
        fprintf(v->out, "%swarning:%s ", asy_term_paint(v->out, ASY_BOLD),
                asy_term_paint(v->out, ASY_PLAIN));
    fprintf(v->out, "%s\n", line);
    funlockfile(v->out);
}

void asy_progress_end(asy_progress_view *v)
{
    flockfile(v->out);
    if (v->is_drawn)
        fputs("\r\033[K", v->out);
    v->is_drawn = false;
    fflush(v->out);
    funlockfile(v->out);
}
