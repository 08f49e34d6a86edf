/* metrics.h - numbers that judge a network, part by part.
 *
 * Classification: accuracy, loss, top3, top5, balanced_accuracy, f1 (macro), auc (two
 * classes), log_loss. Regression: loss, rmse, mae, r2. Formulas with each function.
 * Full names carry the part: train_accuracy, validate_accuracy, test_accuracy. The bare
 * name means validation if there is one, else test, else train.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"
#include "data/tensors.h"

typedef enum asy_metric {
    ASY_METRIC_LOSS,
    ASY_METRIC_ACCURACY,
    ASY_METRIC_TOP3,
    ASY_METRIC_TOP5,
    ASY_METRIC_BALANCED_ACCURACY,
    ASY_METRIC_F1,
    ASY_METRIC_AUC,
    ASY_METRIC_LOG_LOSS,
    ASY_METRIC_RMSE,
    ASY_METRIC_MAE,
    ASY_METRIC_R2,
    ASY_METRIC_COUNT
} asy_metric;

extern const char *const asy_metric_names[ASY_METRIC_COUNT];

/* NaN where a metric does not apply. */
typedef struct asy_metrics {
    double value[ASY_PARTS][ASY_METRIC_COUNT];
} asy_metrics;

/* Judges a part piece by piece, so that the outputs of all its rows never need to be in
 * memory together. Zeroed memory is empty. */
typedef struct asy_judge {
    uint32_t width, classes; /* classes = 0: regression */
    uint64_t rows;
    uint64_t hits, hits3, hits5; /* label among the 1, 3, 5 largest outputs */
    double log_loss;             /* sum */
    uint64_t *count;         /* [classes][3]: rows of the class, given, right; owned */
    struct asy_score *score; /* [scores], two classes only; owned */
    uint64_t scores;
    double sum_squares, sum_abs; /* of y - t */
    double mean_target, spread;  /* of all targets: mean, sum of squares about it */
    uint64_t targets;
} asy_judge;

/* rows: how many rows will come. ASY_ENOMEM when refused. */
asy_err asy_judge_init(asy_judge *j, uint32_t width, uint32_t classes, uint64_t rows);
void asy_judge_fini(asy_judge *j);

/* The next n rows: outputs y (n, width) and their label (n) or target (n, width). */
void asy_judge_classify(asy_judge *j, const float *y, uint32_t n, const int32_t *label);
void asy_judge_regress(asy_judge *j, const float *y, uint32_t n, const float *target);

/* All metrics of the rows so far; NaN where one does not apply. With c a class that has
 * rows, s its rows, g the rows given to it, t those given rightly:
 *   accuracy           rows whose largest output (the first of equals) is the label's;
 *                      with one output, p > 1/2 gives class 1
 *   top3, top5         rows whose label is among the 3, 5 largest; more classes than
 * that balanced_accuracy  mean over c of t / s f1                 mean over c of 2 t /
 * (s + g) auc                P(score of a class-1 row > score of a class-0 row), ties
 * half; score = p, or y1 - y0; two classes, both with rows log_loss           mean of
 * -log(p of the label), p clipped to [1e-15, 1 - 1e-15] rmse, mae          over rows
 * and outputs: sqrt(mean (y - t)^2), mean |y - t| r2                 1 - sum (y - t)^2
 * / sum (t - mean t)^2; NaN for constant targets loss               NaN here: the
 * caller knows which loss it was A row with a NaN among its outputs is wrong, is given
 * to no class, and makes log_loss and auc NaN. */
void asy_judge_end(asy_judge *j, double out[ASY_METRIC_COUNT]);

/* The same for outputs (rows, width) that are all there. classes = 0: regression. All
 * NaN when memory is refused. */
void asy_metrics_classify(const float *y, uint32_t rows, uint32_t width,
                          uint32_t classes, const int32_t *label,
                          double out[ASY_METRIC_COUNT]);
void asy_metrics_regress(const float *y, uint32_t rows, uint32_t width,
                         const float *target, double out[ASY_METRIC_COUNT]);

/* {"test_accuracy": 0.96, ...}: only those that apply and are finite, full names. Owned
 * by the caller. */
json_t *asy_metrics_json(const asy_metrics *m);

/* True when larger is better ("accuracy", "r2"); false for losses. The name may carry a
 * part ("test_accuracy"). Unknown: ASY_EARG with the nearest and the known names. */
asy_err asy_metric_direction(const char *name, bool *larger);
