/* SPDX-License-Identifier: Apache-2.0 */
/* http/accept_metrics.h */
#include "http/accept_metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static bool is_open(const char *value)
{
    /* From memory of exactly its size, so that a sanitizer sees a byte read too much. */
    size_t len = strlen(value);
    char *exact = malloc(len ? len : 1);
    if (len)
        memcpy(exact, value, len);
    struct slice line = slice_make(exact, len);
    bool is = accept_metrics_is_open(&line, 1);
    free(exact);
    return is;
}

Test(accept_metrics, openmetrics_is_for_those_who_name_it)
{
    static const char *const open[] = {
        "application/openmetrics-text",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        /* Prometheus 2.42 and 3 */
        "application/openmetrics-text;version=1.0.0,application/"
        "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        "text/plain, APPLICATION/OPENMETRICS-TEXT",
        " \t application/openmetrics-text \t; Q = 0.001 ",
        "application/openmetrics-text;q=7",
    };
    static const char *const text[] = {
        "",
        "*/*",
        "application/*",
        "text/plain",
        "text/plain, application/openmetrics-text;q=0.9",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.000",
        "application/openmetrics-text;q=x",
        "application/openmetrics-text;q=",
        "application/openmetrics-textual",
        ",;,=;",
    };
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        cr_expect(is_open(open[i]), "%s", open[i]);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        cr_expect(!is_open(text[i]), "%s", text[i]);
}

Test(accept_metrics, several_lines_are_one_list)
{
    const struct slice lines[] = {slice_from("text/plain;q=0.5"),
                                  slice_from("application/openmetrics-text;q=0.6")};
    cr_expect(accept_metrics_is_open(lines, 2));
    cr_expect(!accept_metrics_is_open(lines, 1));
    cr_expect(!accept_metrics_is_open(NULL, 0));
}
