/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of curl that does what one call does, for people to try: quoted for a
 * POSIX shell, with what looks like a secret masked as ***: values of headers, and of
 * arguments in the query or fragment, by their names. Pure. */
#pragma once

#include "base/buffer.h"
#include "fetch/call.h"

#include <stdbool.h>

/* Bodies beyond are left out: "@BODY" stands for a file that holds them. An argument of a
 * command has at most 128 KiB on Linux, and an explanation many lines. */
enum { CURL_LINE_BODY_MAX = 4096 };

struct curl_line {
    const struct call *call; /* its URL is one that url_parse takes */
    const char *user_agent;  /* for calls that have none; "": none */
    const char *codings;     /* likewise, Accept-Encoding */
    const char *left_name;   /* the header that tells what time is left; "": none */
    bool is_signed;          /* with the headers of signing.h */
};

/* curl_line_append appends the line, valid UTF-8 without a control character but tab and
 * line feed, both only inside quotes. */
void curl_line_append(struct buffer *out, const struct curl_line *line);

/* curl_line_is_secret_header: a header of this name is masked. */
bool curl_line_is_secret_header(struct slice name);
