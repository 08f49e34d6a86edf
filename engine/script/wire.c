/* wire.c - packets out of and into a rule's process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/wire.h"
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum {
    QUICK_NS = 2 * 1000 * 1000, /* results younger than this may wait for company */
    RESULTS_BYTES = 32 << 10
};

static void send_out(asy_wire *w)
{
    if (asy_packet_write(w->fd, w->out.data, w->out.len))
        _exit(1);
    asy_buf_clear(&w->out);
}

asy_err asy_wire_wait(asy_wire *w, asy_packet_type type, asy_packet *out)
{
    for (;;) {
        bool have, again;
        size_t got;
        asy_err e = asy_packet_next(&w->in, out, &have);
        if (e)
            return e;
        if (have && type && out->type != type)
            return asy_fail(ASY_EIO, "packet %d came, %d was expected", (int)out->type,
                            (int)type);
        if (have)
            return ASY_OK;
        e = asy_packet_fill(&w->in, w->fd, &got, &again);
        if (e)
            return e;
        if (got == 0 && !again)
            return asy_fail(ASY_EIO, "the host is gone");
    }
}

asy_err asy_wire_send(asy_wire *w, asy_packet_type type, const asy_buf *body)
{
    size_t mark = asy_packet_begin(&w->out, type);
    asy_buf_add(&w->out, body->data, body->len);
    asy_err e = asy_packet_end(&w->out, mark);
    if (!e)
        send_out(w);
    return e;
}

void asy_wire_ready(asy_wire *w)
{
    size_t mark = asy_packet_begin(&w->out, ASY_PACKET_READY);
    asy_pack_nil(&w->out);
    asy_packet_end(&w->out, mark);
    send_out(w);
}

/* Script text may be any bytes; packets carry UTF-8. */
static void pack_clean_text(asy_buf *out, const char *text, size_t most)
{
    char *clean = asy_strndup(text, strnlen(text, most));
    size_t len = strlen(clean), bad;
    while (!asy_text_is_utf8(clean, len, &bad) && bad < len)
        clean[bad] = '?';
    asy_pack_text(out, clean);
    asy_free(clean);
}

void asy_wire_error(asy_wire *w, const char *message, bool fatal)
{
    asy_wire_flush(w);
    size_t mark = asy_packet_begin(&w->out, ASY_PACKET_ERROR);
    asy_pack_array(&w->out, 2);
    pack_clean_text(&w->out, message, ASY_WIRE_LINE);
    asy_pack_bool(&w->out, fatal);
    asy_packet_end(&w->out, mark);
    send_out(w);
}

void asy_wire_report(asy_wire *w, int64_t id, uint64_t epoch, double value)
{
    asy_wire_flush(w);
    size_t mark = asy_packet_begin(&w->out, ASY_PACKET_REPORT);
    asy_pack_array(&w->out, 3);
    asy_pack_int(&w->out, id);
    asy_pack_uint(&w->out, epoch);
    asy_pack_real(&w->out, value);
    asy_packet_end(&w->out, mark);
    send_out(w);
}

void asy_wire_next_call(asy_wire *w) { w->logged = 0; }

static void send_log(asy_wire *w, const char *text)
{
    size_t mark = asy_packet_begin(&w->out, ASY_PACKET_LOG);
    pack_clean_text(&w->out, text, ASY_WIRE_LINE);
    asy_packet_end(&w->out, mark);
    send_out(w);
}

void asy_wire_log(asy_wire *w, const char *text)
{
    size_t len = strnlen(text, ASY_WIRE_LINE) + ASY_PACKET_HEAD;
    if (w->logged > ASY_WIRE_LOG)
        return;
    w->logged += len;
    if (w->logged > ASY_WIRE_LOG)
        send_log(w, "the log is cut here: more than 1 MiB in one call");
    else
        send_log(w, text);
}

void asy_wire_result(asy_wire *w, int64_t id, double seconds, const asy_buf *metrics,
                     const char *message)
{
    asy_buf *b = &w->results;
    asy_pack_array(b, 4);
    asy_pack_int(b, id);
    asy_pack_real(b, seconds);
    if (metrics)
        asy_buf_add(b, metrics->data, metrics->len);
    else
        asy_pack_nil(b);
    if (message)
        pack_clean_text(b, message, ASY_WIRE_LINE);
    else
        asy_pack_nil(b);
    w->result_count++;
    if (b->len > RESULTS_BYTES || asy_now_ns() - w->flushed_ns > QUICK_NS)
        asy_wire_flush(w);
}

void asy_wire_flush(asy_wire *w)
{
    if (w->result_count == 0)
        return;
    size_t mark = asy_packet_begin(&w->out, ASY_PACKET_RESULTS);
    asy_pack_array(&w->out, w->result_count);
    asy_buf_add(&w->out, w->results.data, w->results.len);
    asy_packet_end(&w->out, mark);
    send_out(w);
    asy_buf_clear(&w->results);
    w->result_count = 0;
    w->flushed_ns = asy_now_ns();
}
