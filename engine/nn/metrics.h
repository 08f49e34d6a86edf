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

/* From the outputs (rows, width) of a part. classes = 0: regression. */
void asy_metrics_classify(const float *y, uint32_t rows, uint32_t width, uint32_t classes,
                          const int32_t *label, double out[ASY_METRIC_COUNT]);
void asy_metrics_regress(const float *y, uint32_t rows, uint32_t width,
                         const float *target, double out[ASY_METRIC_COUNT]);

/* {"test_accuracy": 0.96, ...}: only those that apply, full names. */
json_t *asy_metrics_json(const asy_metrics *m);

/* True when larger is better ("accuracy", "r2"); false for losses. Unknown: ASY_EARG. */
asy_err asy_metric_direction(const char *name, bool *larger_is_better);
