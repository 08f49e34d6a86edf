/* label.h - what is to be predicted: classes or a number, row by row.
 *
 * A category is classified. A number is classified when all its values are whole, there
 * are at most 20 of them and they repeat (twice each on average); else it is a
 * regression. The step {op:"task", task:"classify"|"regress"} overrides that.
 */
#pragma once
#include "data/table.h"

typedef struct asy_label {
    bool classify;
    uint32_t classes; /* 0 in regression */
    json_t *names;    /* list of class names by index; owned */
    int32_t *
        class_of; /* [rows of the table], -1 where missing; owned; NULL in regression */
    const double *target; /* [rows of the table]; NULL in classification */
    uint32_t *row;        /* [count]: rows that have a label, ascending; owned */
    uint32_t count;
} asy_label;

/* Whether "auto" classifies a column. */
bool asy_label_has_classes(const asy_table *t, uint32_t column);

/* task: "auto", "classify" or "regress". On failure *l is empty. */
asy_err asy_label_make(const asy_table *t, uint32_t column, const char *task,
                       asy_label *l);
void asy_label_fini(asy_label *l);
