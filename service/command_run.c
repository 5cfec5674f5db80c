/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of `gatherd run` to run/run.h: what is said about items becomes the
 * JSON of a batch's "defaults", so that it means what it means there and is checked by
 * whoever checks that. Called by commands.c. */
#include "command_run.h"

#include "base/cpus.h"
#include "base/json_text.h"
#include "base/terminal.h"
#include "batch/batch.h"
#include "config/values.h"
#include "descriptors.h"
#include "run/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULTS_MAX = 1 << 20, NUMBER_MAX = 100000 };
#define DEADLINE_MAX_MS (24ULL * 3600 * 1000)

struct wishes {
    struct run_setup setup;
    struct wait_policy wait;
    struct buffer defaults; /* a JSON object */
    uint64_t timeout_ms;    /* 0: not given */
    uint64_t redirects;     /* 0: not given */
    struct error err;
};

/* ------------------------------------------------------------------------- numbers */

static bool take_number(const struct arguments *arguments, enum flag_id id,
                        const char *name, uint64_t max, uint64_t *ret_number,
                        struct error *err)
{
    const char *text = command_line_value(arguments, id);
    if (!text)
        return true;
    if (!values_parse_number(slice_from(text), ret_number, err) || *ret_number > max)
        return error_set(err, ERROR_INVALID, "--%s is a number up to %llu, not \"%s\"",
                         name, (unsigned long long)max, text);
    return true;
}

static bool take_time(const struct arguments *arguments, enum flag_id id,
                      const char *name, uint64_t max_ms, uint64_t *ret_ms,
                      struct error *err)
{
    const char *text = command_line_value(arguments, id);
    if (!text)
        return true;
    uint64_t ms = 0;
    if (!values_parse_duration(slice_from(text), &ms, err) || ms < 1 || ms > max_ms)
        return error_set(err, ERROR_INVALID,
                         "--%s is a time as 500ms, 30s or 5m, not \"%s\"", name, text);
    *ret_ms = ms;
    return true;
}

/* -------------------------------------------------------------- defaults of items */

static void begin_member(struct buffer *out, const char *name)
{
    buffer_append_text(out, out->len > 1 ? ",\"" : "\"");
    buffer_append_text(out, name);
    buffer_append_text(out, "\":");
}

static void add_number(struct buffer *out, const char *name, const char *given,
                       uint64_t number)
{
    if (!given)
        return;
    begin_member(out, name);
    buffer_append_uint(out, number);
}

static struct slice trim(struct slice text)
{
    while (text.len && (*text.data == ' ' || *text.data == '\t'))
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool split_header(const char *line, struct slice *ret_name,
                         struct slice *ret_value)
{
    const char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return false;
    *ret_name = trim(slice_make(line, (size_t)(colon - line)));
    *ret_value = trim(slice_from(colon + 1));
    return true;
}

/* {"name":["value","value"],…}: lines of one name stand together. */
static bool add_headers(const struct arguments *arguments, struct wishes *wishes)
{
    struct buffer *out = &wishes->defaults;
    bool is_open = false;
    for (size_t i = 0; i < arguments->given_count; i++) {
        struct slice name, value, other;
        if (arguments->given[i].id != FLAG_HEADER)
            continue;
        if (!split_header(arguments->given[i].value, &name, &value))
            return error_set(&wishes->err, ERROR_INVALID,
                             "--header is a line as 'accept: text/html', not \"%s\"",
                             arguments->given[i].value);
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++)
            is_first = arguments->given[j].id != FLAG_HEADER ||
                       !split_header(arguments->given[j].value, &other, &value) ||
                       !slice_equal_ignoring_case(name, other);
        if (!is_first)
            continue;
        if (!is_open)
            begin_member(out, "headers");
        buffer_append_byte(out, is_open ? ',' : '{');
        is_open = true;
        json_text_append_any(out, name);
        const char *separator = ":[";
        for (size_t j = i; j < arguments->given_count; j++) {
            if (arguments->given[j].id != FLAG_HEADER ||
                !split_header(arguments->given[j].value, &other, &value) ||
                !slice_equal_ignoring_case(name, other))
                continue;
            buffer_append_text(out, separator);
            json_text_append_any(out, value);
            separator = ",";
        }
        buffer_append_byte(out, ']');
    }
    if (is_open)
        buffer_append_byte(out, '}');
    return true;
}

/* {"status":["2xx",304]}: what is no number is left to whoever reads it. */
static void add_expect(const struct arguments *arguments, struct buffer *out)
{
    const char *text = command_line_value(arguments, FLAG_EXPECT);
    if (!text)
        return;
    begin_member(out, "expect");
    buffer_append_text(out, "{\"status\":");
    for (char separator = '['; text; separator = ',') {
        size_t len = strcspn(text, ",");
        uint64_t status;
        buffer_append_byte(out, separator);
        if (values_parse_number(slice_make(text, len), &status, NULL))
            buffer_append_uint(out, status);
        else
            json_text_append_any(out, slice_make(text, len));
        text = text[len] ? text + len + 1 : NULL;
    }
    buffer_append_text(out, "]}");
}

static void add_select(const struct arguments *arguments, struct buffer *out)
{
    bool is_open = false;
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].id != FLAG_SELECT)
            continue;
        if (!is_open)
            begin_member(out, "select");
        buffer_append_byte(out, is_open ? ',' : '[');
        is_open = true;
        json_text_append_any(out, slice_from(arguments->given[i].value));
    }
    if (is_open)
        buffer_append_byte(out, ']');
}

static bool take_defaults(const struct arguments *arguments, struct wishes *wishes)
{
    struct buffer *out = &wishes->defaults;
    const char *method = command_line_value(arguments, FLAG_METHOD);
    uint64_t retries = 0;
    if (!take_time(arguments, FLAG_TIMEOUT, "timeout", 600000, &wishes->timeout_ms,
                   &wishes->err) ||
        !take_number(arguments, FLAG_RETRIES, "retries", NUMBER_MAX, &retries,
                     &wishes->err) ||
        !take_number(arguments, FLAG_REDIRECTS, "redirects", 20, &wishes->redirects,
                     &wishes->err))
        return false;
    buffer_append_byte(out, '{');
    if (method) {
        begin_member(out, "method");
        json_text_append_any(out, slice_from(method));
    }
    add_number(out, "timeoutMs", command_line_value(arguments, FLAG_TIMEOUT),
               wishes->timeout_ms);
    add_number(out, "retries", command_line_value(arguments, FLAG_RETRIES), retries);
    add_number(out, "redirects", command_line_value(arguments, FLAG_REDIRECTS),
               wishes->redirects);
    if (!add_headers(arguments, wishes))
        return false;
    add_expect(arguments, out);
    add_select(arguments, out);
    buffer_append_byte(out, '}');
    if (out->failed)
        return error_set(&wishes->err, ERROR_LIMIT, "the options are too long");
    if (out->len > 2)
        wishes->setup.item_defaults = buffer_slice(out);
    return true;
}

/* --------------------------------------------------------------------- of the run */

static bool take_until(const struct arguments *arguments, struct wishes *wishes)
{
    const char *until = command_line_value(arguments, FLAG_UNTIL);
    uint64_t needed = 1;
    wishes->wait.fails_fast = command_line_has(arguments, FLAG_FAIL_FAST);
    if (until || wishes->wait.fails_fast)
        wishes->setup.wait = &wishes->wait;
    if (!until || strcmp(until, "all") == 0)
        return true;
    wishes->wait.until = strcmp(until, "firstDone") == 0 ? WAIT_FIRST_DONE : WAIT_OK;
    if (wishes->wait.until == WAIT_OK && strcmp(until, "firstOk") != 0 &&
        (!values_parse_number(slice_from(until), &needed, NULL) || needed < 1 ||
         needed > UINT32_MAX))
        return error_set(&wishes->err, ERROR_INVALID,
                         "--until is all, firstDone, firstOk or a number, not \"%s\"",
                         until);
    wishes->wait.ok_needed = (uint32_t)needed;
    return true;
}

static bool take_include(const struct arguments *arguments, struct wishes *wishes)
{
    static const struct {
        const char *word;
        int bits;
    } words[] = {{"none", 0},
                 {"headers", INCLUDE_HEADERS},
                 {"body", INCLUDE_BODY},
                 {"timing", INCLUDE_TIMING}};
    const char *text = command_line_value(arguments, FLAG_INCLUDE);
    wishes->setup.include = text ? 0 : -1;
    while (text) {
        size_t len = strcspn(text, ",");
        size_t i = 0;
        while (i < 4 && !slice_is(slice_make(text, len), words[i].word))
            i++;
        if (i == 4)
            return error_set(&wishes->err, ERROR_INVALID,
                             "--include is headers, body, timing with commas between "
                             "them, or none, not \"%.*s\"",
                             (int)len, text);
        wishes->setup.include |= words[i].bits;
        text = text[len] ? text + len + 1 : NULL;
    }
    return true;
}

static enum run_format format_of(const struct arguments *arguments)
{
    const char *form = command_line_value(arguments, FLAG_OUTPUT);
    if (!form)
        return isatty(STDOUT_FILENO) ? RUN_TABLE : RUN_NDJSON;
    if (strcmp(form, "json") == 0)
        return RUN_JSON;
    return strcmp(form, "table") == 0 ? RUN_TABLE : RUN_NDJSON;
}

static bool take_concurrency(const struct arguments *arguments, struct wishes *wishes)
{
    uint64_t concurrency = 0;
    if (!take_number(arguments, FLAG_CONCURRENCY, "concurrency", NUMBER_MAX, &concurrency,
                     &wishes->err))
        return false;
    if (command_line_value(arguments, FLAG_CONCURRENCY) && concurrency == 0)
        return error_set(&wishes->err, ERROR_INVALID,
                         "--concurrency is at least 1: none at once is no run");
    wishes->setup.concurrency = (uint32_t)concurrency;
    return true;
}

static bool take_wishes(const struct arguments *arguments, struct wishes *wishes)
{
    struct run_setup *setup = &wishes->setup;
    if (!take_concurrency(arguments, wishes) ||
        !take_time(arguments, FLAG_DEADLINE, "deadline", DEADLINE_MAX_MS,
                   &setup->deadline_ms, &wishes->err) ||
        !take_defaults(arguments, wishes) || !take_until(arguments, wishes) ||
        !take_include(arguments, wishes))
        return false;
    bool is_quiet = command_line_has(arguments, FLAG_QUIET);
    setup->input = arguments->word_count > 0 ? arguments->words[0] : "-";
    setup->format = format_of(arguments);
    setup->is_quiet = is_quiet;
    setup->shows_waterfall = command_line_has(arguments, FLAG_WATERFALL);
    setup->shows_summary = !is_quiet && isatty(STDERR_FILENO);
    setup->shows_progress = !is_quiet && terminal_is_screen(STDERR_FILENO) &&
                            !command_line_has(arguments, FLAG_NO_PROGRESS);
    /* What a bar stands behind must be lines. */
    if (setup->format == RUN_JSON && isatty(STDOUT_FILENO))
        setup->shows_progress = false;
    setup->open_files = descriptors_limit();
    setup->lanes = cpus_usable("");
    return true;
}

/* ------------------------------------------------------------------- configuration */

/* The service's limits on what strangers may ask for are none of ours, where nobody wrote
 * them. */
static struct config *load(const struct arguments *given)
{
    struct arguments *arguments = calloc(1, sizeof *arguments);
    const char *file = command_line_value(given, FLAG_CONFIG);
    if (!arguments)
        return NULL;
    size_t count = 0;
    if (!file) {
        arguments->overrides[count++] =
            (struct config_override){"batch.max_items", "100000"};
        arguments->overrides[count++] =
            (struct config_override){"batch.max_deadline", "60m"};
    }
    if (command_line_has(given, FLAG_ALLOW_PRIVATE))
        arguments->overrides[count++] =
            (struct config_override){"egress.private_addresses", "allow"};
    for (size_t i = 0; i < given->override_count && count < GIVEN_MAX; i++)
        arguments->overrides[count++] = given->overrides[i];
    arguments->override_count = count;
    struct config *config = command_load(file, arguments);
    free(arguments);
    return config;
}

static void raise(uint64_t *limit, uint64_t wish)
{
    if (*limit < wish)
        *limit = wish;
}

/* What is said on the command line is meant. */
static void raise_limits(struct config *config, const struct wishes *wishes)
{
    raise(&config->fetch.timeout_ms, wishes->timeout_ms);
    raise(&config->fetch.first_byte_timeout_ms, wishes->timeout_ms);
    raise(&config->fetch.max_redirects, wishes->redirects);
    raise(&config->batch.max_deadline_ms, wishes->setup.deadline_ms);
    raise(&config->fetch.per_origin, wishes->setup.concurrency);
    raise(&config->fetch.max_in_flight, wishes->setup.concurrency);
}

static int refuse(const char *text)
{
    fprintf(stderr, "gatherd run: %s (gatherd help run says more)\n", text);
    return RUN_USAGE;
}

/* What is wrong with a member is so with the option that gave it. */
static int refuse_defaults(const struct error *err)
{
    static const struct {
        const char *member;
        const char *option;
    } others[] = {{"timeoutMs", "timeout"}, {"headers", "header"}};
    static const char parent[] = "/defaults/";
    const char *detail = strstr(err->text, ": ");
    if (strncmp(err->text, parent, sizeof parent - 1) != 0 || !detail)
        return refuse(err->text);
    const char *name = err->text + sizeof parent - 1;
    struct slice option = slice_make(name, strcspn(name, "/:"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (slice_is(option, others[i].member)) {
            option = slice_from(others[i].option);
            break;
        }
    }
    struct error named;
    error_set(&named, ERROR_INVALID, "--%.*s%s", (int)option.len, option.data, detail);
    return refuse(named.text);
}

/* Closed, they are held open the other way round: main.c. */
static bool is_usable(int fd, int useless_mode)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != useless_mode;
}

static bool has_streams(const char *input)
{
    const char *lacks = NULL;
    if (!is_usable(STDOUT_FILENO, O_RDONLY))
        lacks = "standard output is closed, or open for reading only";
    else if (strcmp(input, "-") == 0 && !is_usable(STDIN_FILENO, O_WRONLY))
        lacks = "standard input is closed, or open for writing only";
    if (lacks)
        fprintf(stderr, "gatherd run: %s\n", lacks);
    return !lacks;
}

static int run(const struct arguments *arguments, struct wishes *wishes)
{
    const char *input = wishes->setup.input;
    if (!has_streams(input))
        return RUN_FAILED;
    if (arguments->word_count == 0 && isatty(STDIN_FILENO))
        return refuse("a FILE is missing, or - for standard input");
    if (strstr(input, "://"))
        return refuse("it takes a file of URLs; one URL: echo URL | gatherd run -");
    struct config *config = load(arguments);
    if (!config)
        return RUN_USAGE;
    raise_limits(config, wishes);
    wishes->setup.config = config;
    int status = run_check_wishes(&wishes->setup, &wishes->err)
                     ? run_batch(&wishes->setup)
                     : refuse_defaults(&wishes->err);
    config_free(config);
    return status;
}

int command_run(struct arguments *arguments)
{
    struct wishes wishes = {.setup = {.open_files = 0}};
    buffer_init(&wishes.defaults, DEFAULTS_MAX);
    int status = take_wishes(arguments, &wishes) ? run(arguments, &wishes)
                                                 : refuse(wishes.err.text);
    buffer_done(&wishes.defaults);
    return status;
}
