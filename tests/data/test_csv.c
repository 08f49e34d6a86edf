/* test_csv.c - delimited text becomes typed tables, or an error that names the line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "csv_text.h"

static void reads_numbers_and_categories(void **state)
{
    (void)state;
    asy_table *t = csv_table("a,b,c\n1,x,-2.5\n3,y,1e3\n,x,NA\n");
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->columns, 3);
    assert_int_equal(t->column[0].type, ASY_COLUMN_NUMBER);
    assert_true(t->column[0].number[1] == 3 && isnan(t->column[0].number[2]));
    assert_int_equal(t->column[0].missing, 1);
    assert_int_equal(t->column[1].type, ASY_COLUMN_CATEGORY);
    assert_int_equal(t->column[1].categories, 2);
    assert_string_equal(t->column[1].names[1], "y");
    assert_int_equal(t->column[1].code[2], 0);
    assert_true(t->column[2].number[0] == -2.5 && t->column[2].number[1] == 1000);
    assert_int_equal(t->column[2].missing, 1);
    asy_table_free(t);
}

static void follows_rfc_4180(void **state)
{
    (void)state;
    asy_table *t =
        csv_table("\xef\xbb\xbf\"na\"\"me\",\"b\nc\"\r\n\"a,b\",\"x\r\ny\"\r\n"
                  "\"say \"\"hi\"\"\",\"\"\r\n\"a,b\",z");
    assert_string_equal(t->column[0].name, "na\"me");
    assert_string_equal(t->column[1].name, "b\nc");
    assert_int_equal(t->rows, 3);
    assert_string_equal(t->column[0].names[0], "a,b");
    assert_string_equal(t->column[0].names[1], "say \"hi\"");
    assert_int_equal(t->column[0].code[2], 0);
    assert_string_equal(t->column[1].names[0], "x\r\ny");
    assert_int_equal(t->column[1].code[1], -1);
    asy_table_free(t);
}

static void guesses_separators(void **state)
{
    (void)state;
    static const char *const texts[] = {"a,b\n1,2\n3,4\n",     "a;b\n1;2\n3;4\n",
                                        "a\tb\n1\t2\n3\t4\n",  "a|b\n1|2\n3|4\n",
                                        "a;b\n1;2,5\n3;4,5\n", "\"a;x\",b\n1,2\n3,4\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        asy_table *t = csv_table(texts[i]);
        assert_int_equal(t->columns, 2);
        assert_int_equal(t->rows, 2);
        asy_table_free(t);
    }
    asy_table *t = csv_table("only\n1\n2\n\n3\n");
    assert_int_equal(t->columns, 1);
    assert_int_equal(t->rows, 3);
    asy_table_free(t);
}

static void spreadsheets_are_understood(void **state)
{
    (void)state;
    asy_table *t = csv_table("sep=;\r\na;b\r\n1;x\r\n2;y\r\n   \r\n\r\n");
    assert_int_equal(t->columns, 2);
    assert_int_equal(t->rows, 2);
    assert_string_equal(t->column[0].name, "a");
    asy_table_free(t);
    csv_fails("sep=|\na|b\n1|2\n3\n", "line 4: 2 cells");
    t = csv_table("sep=,\n1,5\n"); /* the separator's line alone tells */
    assert_int_equal(t->columns, 2);
    asy_table_free(t);
}

static void keep_line(void *ctx, asy_level level, const char *line)
{
    asy_buf *b = ctx;
    if (level == ASY_WARN)
        asy_buf_puts(b, line);
}

static void decimal_commas_are_warned_of(void **state)
{
    (void)state;
    asy_buf lines = {0};
    asy_log_set(keep_line, &lines, ASY_WARN);
    asy_table *t = csv_table("a;b;c\n5;x;1\n1,5;y;2\n-2,25;x;3,\n7,0;y;4,1\n");
    asy_log_set(NULL, NULL, ASY_WARN);
    assert_int_equal(t->column[0].type, ASY_COLUMN_CATEGORY);
    assert_non_null(strstr(asy_buf_text(&lines), "column a is taken for text"));
    assert_non_null(strstr(asy_buf_text(&lines), "(1,5)"));
    assert_null(strstr(asy_buf_text(&lines), "column b"));
    assert_null(strstr(asy_buf_text(&lines), "column c"));
    asy_table_free(t);
    asy_buf_fini(&lines);
}

static void check_header(const char *text, bool header)
{
    asy_table *t = csv_table(text);
    if ((strcmp(t->column[0].name, "c1") != 0) != header)
        fail_msg("header wrongly guessed: %s", text);
    asy_table_free(t);
}

static void guesses_headers(void **state)
{
    (void)state;
    check_header("5.1,3.5,setosa\n4.9,3.0,setosa\n", false);
    check_header("x,y,z\n4.9,3.0,setosa\n", true);
    check_header("id,1990,1991\n1,2,3\n2,3,4\n", true);
    check_header("0,1,2,label\n5,6,7,a\n6,7,8,b\n", true);
    check_header("p,x,s\ne,x,s\np,y,w\n", false);
    check_header("class,shape,color\ne,x,s\np,y,w\n", true);
    check_header(",x\n0,5\n1,7\n", false); /* the first name is empty: c1 */
}

static void names_are_unique(void **state)
{
    (void)state;
    asy_table *t = csv_table("x,x,,x_2,x\n1,2,3,4,5\n3,4,5,6,7\n");
    assert_string_equal(t->column[0].name, "x");
    assert_string_equal(t->column[1].name, "x_2");
    assert_string_equal(t->column[2].name, "c3");
    assert_string_equal(t->column[3].name, "x_2_2");
    assert_string_equal(t->column[4].name, "x_3");
    asy_table_free(t);
}

static void numbers_that_turn_to_text_keep_their_writing(void **state)
{
    (void)state;
    asy_table *t =
        csv_table("k,v\n007,1\n1.50,1\n,1\n-0,1\n1e5,1\n0.000001234,1\n"
                  "123456789012345678,1\n.5,1\n100000,1\n007,1\nA,1\n1e5,1\n");
    static const char *const expected[] = {"007", "1.50",        "-0",
                                           "1e5", "0.000001234", "123456789012345678",
                                           ".5",  "100000",      "A"};
    const asy_column *c = &t->column[0];
    assert_int_equal(c->type, ASY_COLUMN_CATEGORY);
    assert_int_equal(c->categories, 9);
    for (size_t i = 0; i < 9; i++)
        assert_string_equal(c->names[i], expected[i]);
    assert_int_equal(c->code[2], -1);
    assert_int_equal(c->code[9], 0);
    assert_int_equal(c->code[11], 3);
    asy_table_free(t);
}

static void missing_cells_are_known(void **state)
{
    (void)state;
    asy_table *t =
        csv_table("n,s,d\n1,a,+\nNA,?,-\nnan,null,+\n?,None,-\n N/A , <NA> ,-\n");
    assert_int_equal(t->column[0].missing, 4);
    assert_int_equal(t->column[1].missing, 4);
    assert_int_equal(t->column[2].missing, 0); /* + and - are classes */
    assert_int_equal(t->column[2].categories, 2);
    asy_table_free(t);
}

static void columns_without_use_are_ignored(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "id,name,empty,y,free\n");
    for (int i = 0; i < 60; i++)
        asy_buf_printf(&b, "%d,n%d,,%d,%d\n", i + 1, i, i % 2, i + 1);
    asy_table *t = csv_table(asy_buf_text(&b));
    assert_ptr_equal(t->column[0].reason, asy_ignored_index);
    assert_ptr_equal(t->column[1].reason, asy_ignored_ids);
    assert_ptr_equal(t->column[2].reason, asy_ignored_empty);
    assert_int_equal(t->column[3].type, ASY_COLUMN_NUMBER);
    assert_int_equal(t->column[4].type, ASY_COLUMN_NUMBER);
    asy_table_free(t);
    asy_buf_fini(&b);
}

static void faults_name_the_line(void **state)
{
    (void)state;
    csv_fails("", "empty");
    csv_fails("\n\n\r\n", "empty");
    csv_fails("a,b,c\n", "no rows");
    csv_fails("a,b\n1,2\n\n3\n",
              "line 4: 2 cells expected as in the first line, got 1");
    csv_fails("a,b\n1,2\n3,4,5\n",
              "line 3: 2 cells expected as in the first line, got 3");
    csv_fails("a,b\n\"1\n\n\",2\n3\n", "line 5:");
    csv_fails("a,b\n1,2\n3,\"4\n5,6\n", "line 3: a quote opens here");
    csv_fails("a,b\n1,2\n3,\"4\"x\n", "line 3: text after the closing quote");
    csv_fails("a,b\n1,2\n3,caf\xe9\n", "line 3: byte 0xE9 is not UTF-8");
    csv_fails("\xff\xfe"
              "a",
              "UTF-16");
    csv_fails("PK\3\4xyz", "zip");
    csv_fails("\x1f\x8b\b", "gzip");
    csv_fails("a,b\r1,2\r", "carriage");
}

static void zero_bytes_are_refused(void **state)
{
    (void)state;
    asy_table *t;
    static const char text[] = "a,b\n1,2\n3,\0\n";
    assert_int_equal(csv_feed_pieces(text, sizeof text - 1, 5, NULL, &t), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "line 3: a zero byte"));
}

static void limits_hold(void **state)
{
    (void)state;
    asy_table *t;
    static const char wide[] = "a,b,c\n1,2,3\n";
    asy_csv_options o = {.header = -1, .max_columns = 2};
    assert_int_equal(csv_feed_pieces(wide, strlen(wide), 100, &o, &t), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "at most 2 columns"));
    o = (asy_csv_options){.header = -1, .max_bytes = 5};
    assert_int_equal(csv_feed_pieces(wide, strlen(wide), 100, &o, &t), ASY_EARG);
    o = (asy_csv_options){.header = -1, .max_field = 10};
    static const char field[] = "a,b\n1,2\n\"12345678901\",2\n";
    assert_int_equal(csv_feed_pieces(field, strlen(field), 100, &o, &t), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "line 3: a cell is longer than 10 bytes"));
    o = (asy_csv_options){.separator = '"'};
    assert_int_equal(csv_feed_pieces(wide, strlen(wide), 100, &o, &t), ASY_EARG);
}

/* A hundred megabytes on one line, without quotes, with an open quote, of separators.
 */
static void endless_lines_end(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        char fill;
    } texts[] = {{"a,b\n1,", '7'}, {"a,b\n1,\"", 'x'}, {"a,b\n1,", ','}, {"", 'x'}};
    size_t piece = 1 << 20;
    char *fill = malloc(piece);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        asy_csv *c = NULL;
        asy_table *t = NULL;
        memset(fill, texts[i].fill, piece);
        assert_int_equal(asy_csv_new(NULL, &c), ASY_OK);
        asy_err e = asy_csv_feed(c, texts[i].start, strlen(texts[i].start));
        for (int k = 0; !e && k < 100; k++)
            e = asy_csv_feed(c, fill, piece);
        if (!e)
            e = asy_csv_end(c, &t);
        assert_int_equal(e, ASY_EARG);
        asy_csv_free(c);
    }
    free(fill);
}

/* However a file is cut into pieces, the same table comes out. */
static void pieces_do_not_matter(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "a,\"b b\",c,d\r\n");
    for (int i = 0; i < 40; i++)
        asy_buf_printf(&b, "%d,\"x \"\"%d\n\"\"\",%s,%g\r\n", i, i % 3,
                       i > 20 ? "q" : "12", i * 0.25);
    asy_table *whole = csv_table(asy_buf_text(&b));
    assert_int_equal(whole->rows, 40);
    for (size_t piece = 1; piece < 60; piece++) {
        asy_table *t;
        assert_int_equal(csv_feed_pieces(b.data, b.len, piece, NULL, &t), ASY_OK);
        assert_true(asy_hash_equal(&t->hash, &whole->hash));
        asy_table_free(t);
    }
    asy_table_free(whole);
    asy_buf_fini(&b);
}

static void reads_the_fixtures(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t rows;
        uint32_t columns;
        const char *label;
        uint32_t categories;
    } files[] = {{"iris", 150, 5, "Species", 3},
                 {"letter", 20000, 17, "lettr", 26},
                 {"ionosphere", 351, 35, "Class", 2},
                 {"digits", 1797, 65, "label", 0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        asy_table *t;
        uint32_t label;
        snprintf(path, sizeof path, "%s/tests/fixtures/%s.csv", ASY_SOURCE_DIR,
                 files[i].name);
        assert_int_equal(asy_csv_load(path, NULL, &t), ASY_OK);
        assert_int_equal(t->rows, files[i].rows);
        assert_int_equal(t->columns, files[i].columns);
        assert_int_equal(asy_table_find(t, files[i].label, &label), ASY_OK);
        assert_int_equal(t->column[label].categories, files[i].categories);
        asy_table_free(t);
    }
    asy_table *t;
    assert_int_equal(asy_csv_load("/no/such/file.csv", NULL, &t), ASY_EIO);
    assert_int_equal(asy_csv_load("/", NULL, &t), ASY_EIO);
}

static void wide_tables_are_read(void **state)
{
    (void)state;
    asy_buf b = {0};
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < 10000; i++)
            asy_buf_printf(&b, r ? "%d%c" : "v%d%c", i, i == 9999 ? '\n' : ',');
    asy_table *t = csv_table(asy_buf_text(&b));
    assert_int_equal(t->columns, 10000);
    assert_true(t->column[9999].number[2] == 9999);
    asy_table_free(t);
    asy_buf_clear(&b);
    for (int i = 0; i < 1000000; i++)
        asy_buf_puts(&b, "x,");
    asy_buf_puts(&b, "x\n1\n");
    csv_fails(asy_buf_text(&b), "1000001 cells; at most 100000 columns");
    asy_buf_fini(&b);
}

static void many_equal_names_are_quick(void **state)
{
    (void)state;
    asy_buf b = {0};
    for (int i = 0; i < 20000; i++)
        asy_buf_printf(&b, "x%c", i == 19999 ? '\n' : ',');
    for (int i = 0; i < 20000; i++)
        asy_buf_printf(&b, "1%c", i == 19999 ? '\n' : ',');
    asy_table *t = csv_table(asy_buf_text(&b));
    assert_string_equal(t->column[19999].name, "x_20000");
    asy_table_free(t);
    asy_buf_fini(&b);
}

/* Random damage gives a table or an error, never worse; and the same one however the
 * file is cut into pieces. */
static void random_damage_is_survived(void **state)
{
    (void)state;
    static const char start[] =
        "a,\"b\",c\r\n1,x,2.5\r\n,\"y, z\",-3e4\r\n7,\"q\"\"\",NA\r\n"
        "8,x,9\n\n10,y,0.25\n";
    static const char bytes[] = "\",;\t|\n\r.-+e019 xN?\xc3\xa9\0";
    asy_rng rng = asy_rng_open(asy_rng_key(9, 0), ASY_STREAM_RULE, 0);
    asy_log_set(NULL, NULL, ASY_ERROR);
    char text[sizeof start];
    for (int i = 0; i < 4000; i++) {
        memcpy(text, start, sizeof start);
        for (int k = 0; k <= i % 6; k++)
            text[asy_rng_below(&rng, sizeof start - 1)] =
                bytes[asy_rng_below(&rng, sizeof bytes - 1)];
        size_t len = i % 4 ? sizeof start - 1 : asy_rng_below(&rng, sizeof start);
        asy_table *whole, *cut;
        asy_err e = csv_feed_pieces(text, len, sizeof start, NULL, &whole);
        assert_int_equal(csv_feed_pieces(text, len, 1 + i % 9, NULL, &cut), e);
        if (!e)
            assert_true(asy_hash_equal(&whole->hash, &cut->hash));
        asy_table_free(whole);
        asy_table_free(cut);
    }
    asy_log_set(NULL, NULL, ASY_WARN);
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "a,b,c\n");
    for (int i = 0; i < 300; i++)
        asy_buf_printf(&b, "%d,n%d,%s\n", i, i % 40,
                       i == 200   ? "1e5"
                       : i == 250 ? "t"
                                  : "1");
    asy_err e = ASY_ENOMEM;
    int n = 0;
    for (; e && n < 300; n++) {
        asy_table *t;
        asy_alloc_fail_after(n);
        e = csv_feed_pieces(b.data, b.len, 1000, NULL, &t);
        asy_alloc_fail_after(-1);
        assert_true(e == ASY_OK || e == ASY_ENOMEM);
        asy_table_free(t);
    }
    assert_int_equal(e, ASY_OK);
    assert_true(n > 10);
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_and_categories),
        cmocka_unit_test(follows_rfc_4180),
        cmocka_unit_test(guesses_separators),
        cmocka_unit_test(spreadsheets_are_understood),
        cmocka_unit_test(decimal_commas_are_warned_of),
        cmocka_unit_test(guesses_headers),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(numbers_that_turn_to_text_keep_their_writing),
        cmocka_unit_test(missing_cells_are_known),
        cmocka_unit_test(columns_without_use_are_ignored),
        cmocka_unit_test(faults_name_the_line),
        cmocka_unit_test(zero_bytes_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(endless_lines_end),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(reads_the_fixtures),
        cmocka_unit_test(wide_tables_are_read),
        cmocka_unit_test(many_equal_names_are_quick),
        cmocka_unit_test(random_damage_is_survived),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
