/* curve.c - learning curves as one compact blob.
 *
 * Layout: u8 version (1), u8 columns (4), u32 epochs, then each column's epochs x f32:
 * train loss, train accuracy, validate loss, validate accuracy. All little-endian. The
 * epoch numbers are 1 .. epochs and not stored.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/mem.h"
#include "nn/train.h"

enum { VERSION = 1, COLUMNS = 4, HEAD = 6 };

static void put_u32(unsigned char *to, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(x >> (8 * i));
}

static uint32_t get_u32(const unsigned char *from)
{
    uint32_t x = 0;
    for (int i = 0; i < 4; i++)
        x |= (uint32_t)from[i] << (8 * i);
    return x;
}

static float *column_of(asy_epoch *e, int column)
{
    float *const at[COLUMNS] = {&e->train_loss, &e->train_accuracy, &e->validate_loss,
                                &e->validate_accuracy};
    return at[column];
}

void asy_curve_encode(const asy_epoch *curve, uint32_t n, asy_buf *out)
{
    size_t len = HEAD + (size_t)n * COLUMNS * 4;
    unsigned char *to = (unsigned char *)asy_buf_reserve(out, len);
    out->len += len;
    *to++ = VERSION;
    *to++ = COLUMNS;
    put_u32(to, n);
    to += 4;
    for (int c = 0; c < COLUMNS; c++)
        for (uint32_t i = 0; i < n; i++, to += 4) {
            asy_epoch e = curve[i];
            uint32_t bits;
            memcpy(&bits, column_of(&e, c), sizeof bits);
            put_u32(to, bits);
        }
}

asy_err asy_curve_decode(const void *bytes, size_t len, asy_epoch **curve, uint32_t *n)
{
    const unsigned char *from = bytes;
    *curve = NULL;
    *n = 0;
    if (len < HEAD || from[0] != VERSION || from[1] != COLUMNS)
        return asy_fail(ASY_EARG,
                        "curve: a version %d blob expected, got %zu other bytes",
                        VERSION, len);
    uint32_t epochs = get_u32(from + 2);
    if (len != HEAD + (uint64_t)epochs * COLUMNS * 4)
        return asy_fail(ASY_EARG, "curve: %zu bytes do not hold %u epochs", len,
                        epochs);
    asy_epoch *e = asy_try_alloc((size_t)epochs + 1, sizeof *e);
    if (!e)
        return asy_fail(ASY_ENOMEM, "no memory for a curve of %u epochs", epochs);
    from += HEAD;
    for (int c = 0; c < COLUMNS; c++)
        for (uint32_t i = 0; i < epochs; i++, from += 4) {
            uint32_t bits = get_u32(from);
            e[i].epoch = i + 1;
            memcpy(column_of(&e[i], c), &bits, sizeof bits);
        }
    *curve = e;
    *n = epochs;
    return ASY_OK;
}
