/* loss.h - what training minimises, and the shape of the network's end. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/err.h"

typedef enum asy_loss {
    ASY_LOSS_CROSS_ENTROPY,        /* softmax outputs, -log p[class] */
    ASY_LOSS_BINARY_CROSS_ENTROPY, /* one sigmoid output, two classes */
    ASY_LOSS_MSE,                  /* mean over rows and outputs of (y - t)^2 */
    ASY_LOSS_MAE,                  /* mean of |y - t| */
    ASY_LOSS_HUBER,                /* |e| <= 1 ? e^2/2 : |e| - 1/2 */
    ASY_LOSS_COUNT
} asy_loss;

/* "cross_entropy", "binary_cross_entropy", "mse", "mae", "huber". */
extern const char *const asy_loss_names[ASY_LOSS_COUNT];
asy_err asy_loss_parse(const char *name, asy_loss *out);
