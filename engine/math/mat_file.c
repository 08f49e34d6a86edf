/* mat_file.c - matrices as text for people and as NumPy's .npy files.
 *
 * A .npy file is "\x93NUMPY", two version bytes, the header's length, and a header that
 * is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
 * (NumPy enhancement proposal 1.)
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "math/mat.h"
#include "math/mat_shape.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, HEAD = MAGIC + 4, ALIGNMENT = 64 };

/* ---- Showing ---- */

static void print_row(asy_buf *out, const asy_mat *a, size_t i, size_t cols)
{
    for (size_t j = 0; j < cols; j++)
        asy_buf_printf(out, " %10.5g", (double)asy_mat_row(a, i)[j]);
    asy_buf_puts(out, cols < a->cols ? " ...\n" : "\n");
}

void asy_mat_print(asy_buf *out, const asy_mat *a)
{
    enum { SHOWN = 8 };
    const size_t rows = a->rows < SHOWN ? a->rows : SHOWN;
    asy_buf_printf(out, "%zux%zu matrix\n", a->rows, a->cols);
    for (size_t i = 0; i < rows; i++)
        print_row(out, a, i, a->cols < SHOWN ? a->cols : SHOWN);
    if (rows < a->rows)
        asy_buf_puts(out, " ...\n");
}

/* ---- Keeping ---- */

asy_err asy_mat_save(const asy_mat *a, const char *path)
{
    char header[128];
    int len =
        snprintf(header, sizeof header,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
                 a->rows, a->cols);
    int padding = ALIGNMENT - (HEAD + len + 1) % ALIGNMENT;
    int total = len + padding + 1;
    asy_buf b = {0};
    asy_buf_add(&b, magic, MAGIC);
    asy_buf_putc(&b, 1);
    asy_buf_putc(&b, 0);
    asy_buf_putc(&b, (char)(total & 0xff));
    asy_buf_putc(&b, (char)(total >> 8));
    asy_buf_printf(&b, "%s%*s\n", header, padding, "");
    for (size_t i = 0; i < a->rows; i++)
        asy_buf_add(&b, asy_mat_row(a, i), a->cols * sizeof *a->x);
    asy_err e = asy_file_write(path, b.data, b.len);
    asy_buf_fini(&b);
    return e;
}

typedef struct npy {
    const char *path;
    size_t rows, cols;
    size_t item; /* bytes a value: 4 or 8 */
    const char *data;
    size_t len;
} npy;

static asy_err bad(const npy *f, const char *what)
{
    return asy_fail(ASY_EARG, "%s: not a matrix this program reads: %s", f->path, what);
}

/* The text after 'name': in the header, or NULL. */
static const char *entry(const char *header, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "'%s':", name);
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return at + strspn(at, " ");
}

/* "(3, 4)" or "(4,)": a single side is one row. */
static bool read_shape(npy *f, const char *text)
{
    uint64_t rows, cols;
    char end[2] = "";
    if (sscanf(text, "(%10" SCNu64 " , %10" SCNu64 " %1[)]", &rows, &cols, end) != 3) {
        rows = 1;
        if (sscanf(text, "(%10" SCNu64 " , %1[)]", &cols, end) != 2)
            return false;
    }
    f->rows = rows;
    f->cols = cols;
    return rows > 0 && cols > 0;
}

static asy_err read_header(npy *f, const char *header)
{
    const char *descr = entry(header, "descr"), *order = entry(header, "fortran_order");
    const char *shape = entry(header, "shape");
    if (!descr || !order || !shape)
        return bad(f, "the header lacks descr, fortran_order or shape");
    if (strncmp(descr, "'<f4'", 5) == 0)
        f->item = sizeof(float);
    else if (strncmp(descr, "'<f8'", 5) == 0)
        f->item = sizeof(double);
    else
        return bad(f, "values must be '<f4' or '<f8'");
    if (strncmp(order, "False", 5) != 0)
        return bad(f, "values must stand row by row (fortran_order False)");
    if (!read_shape(f, shape))
        return bad(f, "the shape must have one or two sides of at least 1");
    if (f->len / f->item / f->rows < f->cols || f->len != f->rows * f->cols * f->item)
        return bad(f, "the length of the file does not fit the shape");
    return ASY_OK;
}

static asy_err parse(npy *f, const asy_buf *file)
{
    const unsigned char *u = (const unsigned char *)asy_buf_text(file);
    if (file->len < HEAD || memcmp(u, magic, MAGIC) != 0)
        return bad(f, "it is no .npy file");
    if (u[MAGIC] != 1)
        return bad(f, "only version 1 of the format is known");
    size_t len = u[MAGIC + 2] | (size_t)u[MAGIC + 3] << 8;
    if (len > file->len - HEAD)
        return bad(f, "it ends in the header");
    char header[512];
    if (len >= sizeof header)
        return bad(f, "the header is too long");
    memcpy(header, u + HEAD, len);
    header[len] = '\0';
    f->data = file->data + HEAD + len;
    f->len = file->len - HEAD - len;
    return read_header(f, header);
}

static void copy_values(const npy *f, asy_mat *y)
{
    const char *from = f->data;
    for (size_t i = 0; i < f->rows; i++)
        for (size_t j = 0; j < f->cols; j++, from += f->item) {
            float x = 0;
            double wide = 0;
            memcpy(f->item == sizeof x ? (void *)&x : (void *)&wide, from, f->item);
            asy_mat_row(y, i)[j] = f->item == sizeof x ? x : (float)wide;
        }
}

asy_err asy_mat_load(asy_mat *y, const char *path)
{
    const size_t limit = (size_t)1 << 30;
    npy f = {.path = path};
    asy_buf file = {0};
    asy_err e = asy_file_read(path, limit, &file);
    if (!e)
        e = parse(&f, &file);
    if (!e)
        e = asy_mat_want(y, f.rows, f.cols, "matrix.load");
    if (!e)
        copy_values(&f, y);
    asy_buf_fini(&file);
    return e;
}
