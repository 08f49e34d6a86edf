/* gemm_kernel.c - products of panel matrices, one block of registers at a time.
 *
 * A tile is `rows` rows of c in one or two panels, held in registers while k runs. Its
 * sides are constants wherever its pieces are inlined, so that no vector ever goes
 * through memory.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/kernels.h"
#include "math/simd.h"

/* The tallest tile with one panel and with two; more would spill. Two panels share each
 * broadcast element of a, whose loads otherwise are the limit. */
#if defined(__AVX512F__)
enum { ROWS1 = 16, ROWS2 = 12 };
#elif defined(__AVX2__)
enum { ROWS1 = 6, ROWS2 = 0 };
#else
enum { ROWS1 = 3, ROWS2 = 0 };
#endif
enum { MAX_ROWS = 16, MAX_VECTORS = ROWS2 > 0 ? 2 * VB : VB };

/* How much of `a`, and how many steps of k in a turned product, are worked on before
 * coming back: what stays in a second-level cache. */
enum { CACHE_FLOATS = 64 * 1024, TURNED_STEPS = 512 };

typedef void (*tile_fn)(const asy_gemm *g, size_t i, size_t p, int more);

typedef struct tile_regs {
    vf c[MAX_ROWS][MAX_VECTORS];
    vf sum[MAX_VECTORS];
} tile_regs;

/* Where vector v of a tile's row lies, `panel` apart from one panel to the next. */
INLINE size_t at(int v, size_t panel)
{
    return (size_t)(v / VB) * panel + (size_t)(v % VB * V);
}

INLINE void straight(const asy_gemm *g, size_t i, size_t p, const int rows,
                     const int vectors)
{
    tile_regs t;
    const float *a = g->a + i * g->lda, *b = g->b + p * g->b_panel;
    const size_t lda = g->lda, ldb = g->ldb, b_panel = g->b_panel;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        vf start = g->bias ? vf_load(g->bias + p * BLOCK + v * V) : vf_zero();
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
            t.c[r][v] = start;
    }
    for (size_t k = g->k; k > 0; k--, a++, b += ldb) {
        vf row[MAX_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            row[v] = vf_load(b + at(v, b_panel));
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            vf x = vf_set(a[(size_t)r * lda]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                t.c[r][v] = vf_fma(x, row[v], t.c[r][v]);
        }
    }
    float *c = g->c + p * g->c_panel + i * g->ldc;
    vf floor = vf_set(g->floor);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++, c += g->ldc)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            vf_store(c + at(v, g->c_panel), vf_max(floor, t.c[r][v]));
}

/* With `more` the sums that stand in c are continued. */
INLINE void turned(const asy_gemm *g, size_t i, size_t p, int more, const int rows,
                   const int vectors)
{
    tile_regs t;
    const float *a = g->a + i, *b = g->b + p * g->b_panel;
    const size_t lda = g->lda, ldb = g->ldb, b_panel = g->b_panel;
    float *c = g->c + p * g->c_panel + i * g->ldc, *sums = g->sums + p * BLOCK;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        t.sum[v] = more ? vf_load(sums + v * V) : vf_zero();
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
            t.c[r][v] =
                more ? vf_load(c + (size_t)r * g->ldc + at(v, g->c_panel)) : vf_zero();
    }
    for (size_t k = g->k; k > 0; k--, a += lda, b += ldb) {
        vf row[MAX_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            row[v] = vf_load(b + at(v, b_panel));
            t.sum[v] = vf_add(t.sum[v], row[v]);
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            vf x = vf_set(a[r]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                t.c[r][v] = vf_fma(x, row[v], t.c[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
            vf_store(c + (size_t)r * g->ldc + at(v, g->c_panel), t.c[r][v]);
        if (i == 0)
            vf_store(sums + v * V, t.sum[v]);
    }
}

/* Every height a tile may have, with one panel and with two. */
// clang-format off
#define HEIGHTS_TO_6(X, panels) \
    X(1, panels) X(2, panels) X(3, panels) X(4, panels) X(5, panels) X(6, panels)
#define HEIGHTS_TO_12(X, panels) HEIGHTS_TO_6(X, panels) \
    X(7, panels) X(8, panels) X(9, panels) X(10, panels) X(11, panels) X(12, panels)
#define HEIGHTS_TO_16(X, panels) HEIGHTS_TO_12(X, panels) \
    X(13, panels) X(14, panels) X(15, panels) X(16, panels)
#if defined(__AVX512F__)
#define ONE_PANEL(X) HEIGHTS_TO_16(X, 1)
#define TWO_PANELS(X) HEIGHTS_TO_12(X, 2)
#elif defined(__AVX2__)
#define ONE_PANEL(X) HEIGHTS_TO_6(X, 1)
#define TWO_PANELS(X)
#else
#define ONE_PANEL(X) X(1, 1) X(2, 1) X(3, 1)
#define TWO_PANELS(X)
#endif

#define DEFINE_TILES(rows, panels) \
    static void straight_##rows##x##panels(const asy_gemm *g, size_t i, size_t p, \
                                           int more) \
    { \
        (void)more; \
        straight(g, i, p, rows, panels * VB); \
    } \
    static void turned_##rows##x##panels(const asy_gemm *g, size_t i, size_t p, \
                                         int more) \
    { \
        turned(g, i, p, more, rows, panels * VB); \
    }
ONE_PANEL(DEFINE_TILES)
TWO_PANELS(DEFINE_TILES)

#define STRAIGHT(rows, panels) straight_##rows##x##panels,
#define TURNED(rows, panels) turned_##rows##x##panels,
static const tile_fn straight_tiles[2][MAX_ROWS + 1] = {{0, ONE_PANEL(STRAIGHT)},
                                                        {0, TWO_PANELS(STRAIGHT)}};
static const tile_fn turned_tiles[2][MAX_ROWS + 1] = {{0, ONE_PANEL(TURNED)},
                                                      {0, TWO_PANELS(TURNED)}};
// clang-format on

/* Rows are shared out evenly over as few tiles as will do: 16 rows of at most 12 become
 * 8 and 8, since a tile of a few rows costs nearly as much as a tall one. */
static void walk_rows(const asy_gemm *g, const tile_fn *tile, size_t tallest, size_t p,
                      int more)
{
    size_t left = (g->m + tallest - 1) / tallest;
    for (size_t i = 0; i < g->m; left--) {
        size_t rows = (g->m - i + left - 1) / left;
        tile[rows](g, i, p, more);
        i += rows;
    }
}

static void walk(const asy_gemm *g, const tile_fn tiles[2][MAX_ROWS + 1], int more)
{
    for (size_t p = 0; p < g->panels;) {
        const size_t two = ROWS2 > 0 && g->panels - p >= 2;
        const size_t tallest = two ? ROWS2 : ROWS1;
        if (g->m <= tallest) /* the narrow networks: no divisions for them */
            tiles[two][g->m](g, 0, p, more);
        else
            walk_rows(g, tiles[two], tallest, p, more);
        p += 1 + two;
    }
}

static void straight_all(const asy_gemm *g)
{
    if (g->m * g->k <= CACHE_FLOATS) {
        walk(g, straight_tiles, 0);
        return;
    }
    const size_t most = CACHE_FLOATS / g->k;
    asy_gemm part = *g;
    for (size_t i = 0; i < g->m; i += part.m) {
        part.m = most < 4 * MAX_ROWS ? 4 * MAX_ROWS : most;
        part.m = g->m - i < part.m ? g->m - i : part.m;
        part.a = g->a + i * g->lda;
        part.c = g->c + i * g->ldc;
        walk(&part, straight_tiles, 0);
    }
}

static void turned_all(const asy_gemm *g)
{
    if (g->k <= TURNED_STEPS) {
        walk(g, turned_tiles, 0);
        return;
    }
    asy_gemm part = *g;
    for (size_t k = 0; k < g->k; k += part.k) {
        part.k = g->k - k < TURNED_STEPS ? g->k - k : TURNED_STEPS;
        part.a = g->a + k * g->lda;
        part.b = g->b + k * g->ldb;
        walk(&part, turned_tiles, k > 0);
    }
}

/* One V x V square: rows past `rows_in` read as zero, rows past `rows_out` are left
 * out. */
INLINE void transpose_square(const float *from, size_t rows_in, float *to,
                             size_t rows_out)
{
    vf r[V];
    for (size_t i = 0; i < V; i++)
        r[i] = i < rows_in ? vf_load(from + i * BLOCK) : vf_zero();
    vf_transpose(r);
    for (size_t i = 0; i < V && i < rows_out; i++)
        vf_store(to + i * BLOCK, r[i]);
}

static void transpose(size_t k, size_t n, const float *b, float *bt)
{
    const size_t padded = (k + BLOCK - 1) / BLOCK * BLOCK;
    for (size_t j = 0; j < n; j += V)          /* columns of b, rows of bt */
        for (size_t i = 0; i < padded; i += V) /* rows of b, columns of bt */
            transpose_square(b + j / BLOCK * BLOCK * k + i * BLOCK + j % BLOCK,
                             i < k ? k - i : 0,
                             bt + i / BLOCK * BLOCK * n + j * BLOCK + i % BLOCK, n - j);
}

const asy_gemm_kernels ASY_ISA_NAME(asy_gemm_kernels) = {
    .straight = straight_all, .turned = turned_all, .transpose = transpose};
