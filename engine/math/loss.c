/* loss.c - losses by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/loss.h"
#include "math/names.h"

const char *const asy_loss_names[ASY_LOSS_COUNT] = {
    "cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"};

asy_err asy_loss_parse(const char *name, asy_loss *out)
{
    size_t i;
    asy_err e = asy_name_find("loss", name, asy_loss_names, ASY_LOSS_COUNT, &i);
    if (!e)
        *out = (asy_loss)i;
    return e;
}
