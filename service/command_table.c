/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of command_table.h. */
#include "command_table.h"

#include <string.h>

#define CONFIG_FLAG(why, default_file)                                                   \
    {.id = FLAG_CONFIG,                                                                  \
     .name = "config",                                                                   \
     .value = "FILE",                                                                    \
     .fallback = (default_file),                                                         \
     .help = (why),                                                                      \
     .completion = COMPLETE_FILES}
#define SET_FLAG                                                                         \
    {.id = FLAG_SET,                                                                     \
     .name = "set",                                                                      \
     .value = "PATH=VALUE",                                                              \
     .help = "Set one option of the configuration, over what the file says; may be "     \
             "given several times (gatherd options lists them)",                         \
     .completion = COMPLETE_PATHS}
#define LISTEN_FLAG(why, address)                                                        \
    {.id = FLAG_LISTEN,                                                                  \
     .name = "listen",                                                                   \
     .value = "ADDRESS",                                                                 \
     .fallback = (address),                                                              \
     .help = (why)}

const struct command_flag command_help_flag = {
    .id = FLAG_HELP, .name = "help", .help = "Print what the command takes, and end"};

static const struct command_flag no_flags[] = {{.id = FLAG_NONE}};

static const struct command_flag serve_flags[] = {
    {.id = FLAG_CONFIG,
     .name = "config",
     .value = "FILE",
     .help = "The configuration; an empty file will do, as every option has a default",
     .completion = COMPLETE_FILES,
     .is_required = true},
    SET_FLAG,
    {.id = FLAG_NONE},
};

static const struct command_flag run_flags[] = {
    {.id = FLAG_OUTPUT,
     .name = "output",
     .value = "FORM",
     .choices = "ndjson json table",
     .fallback = "table on a terminal, else ndjson",
     .help = "How results are written: ndjson, one a line as they end and the summary "
             "last; json, one document; table, for people",
     .completion = COMPLETE_WORDS},
    {.id = FLAG_CONCURRENCY,
     .name = "concurrency",
     .value = "N",
     .fallback = "200 for a list; what a document says",
     .help = "Items in flight at once"},
    {.id = FLAG_DEADLINE,
     .name = "deadline",
     .value = "TIME",
     .fallback = "none for a list; what a document says, or batch.deadline",
     .help = "For the whole run, as 500ms, 30s or 5m; what is not done by then ends with "
             "deadline"},
    {.id = FLAG_TIMEOUT,
     .name = "timeout",
     .value = "TIME",
     .fallback = "fetch.timeout",
     .help = "For each item"},
    {.id = FLAG_RETRIES,
     .name = "retries",
     .value = "N",
     .fallback = "fetch.retries",
     .help = "How often an item that failed is tried again, where that does no harm"},
    {.id = FLAG_REDIRECTS,
     .name = "redirects",
     .value = "N",
     .fallback = "0",
     .help = "How many redirects of an item are followed"},
    {.id = FLAG_METHOD,
     .name = "method",
     .value = "NAME",
     .choices = "GET HEAD POST PUT PATCH DELETE OPTIONS",
     .fallback = "GET",
     .help = "The method of items that name none",
     .completion = COMPLETE_WORDS},
    {.id = FLAG_HEADER,
     .name = "header",
     .value = "LINE",
     .help = "A header for every item, as 'accept: text/html'; may be given several "
             "times"},
    {.id = FLAG_UNTIL,
     .name = "until",
     .value = "WHAT",
     .fallback = "all",
     .help = "What is waited for: all, firstDone, firstOk, or a number of items that are "
             "ok; the rest is cancelled then",
     .completion = COMPLETE_WORDS,
     .suggestions = "all firstDone firstOk"},
    {.id = FLAG_FAIL_FAST, .name = "fail-fast", .help = "End the run when an item fails"},
    {.id = FLAG_EXPECT,
     .name = "expect",
     .value = "STATUS",
     .fallback = "any",
     .help = "What counts as ok: statuses and classes of them with commas between, as "
             "2xx,304; others end with expect_failed",
     .completion = COMPLETE_WORDS,
     .suggestions = "2xx 2xx,3xx 200"},
    {.id = FLAG_SELECT,
     .name = "select",
     .value = "POINTER",
     .help = "Of JSON bodies only the value at this JSON pointer, as /name; may be given "
             "several times"},
    {.id = FLAG_INCLUDE,
     .name = "include",
     .value = "PARTS",
     .fallback = "headers,body",
     .help = "What results hold besides the status: headers, body, timing, with commas "
             "between them, or none",
     .completion = COMPLETE_WORDS,
     .suggestions = "none headers body timing headers,body headers,body,timing"},
    {.id = FLAG_ALLOW_PRIVATE,
     .name = "allow-private",
     .help = "Fetch from loopback and private addresses too; they are refused otherwise, "
             "as a URL that comes from elsewhere may name them. Addresses of metadata "
             "services stay refused"},
    {.id = FLAG_WATERFALL,
     .name = "waterfall",
     .help = "Draw the phases of the first 200 items at the end"},
    {.id = FLAG_NO_PROGRESS,
     .name = "no-progress",
     .help = "No progress bar; there is none either where standard error is no terminal"},
    {.id = FLAG_QUIET,
     .name = "quiet",
     .help = "Nothing on standard error but what keeps the run from working"},
    CONFIG_FLAG("A configuration as of the service, for its limits and its egress policy",
                NULL),
    SET_FLAG,
    {.id = FLAG_NONE},
};

static const struct command_flag check_flags[] = {SET_FLAG, {.id = FLAG_NONE}};

static const struct command_flag options_flags[] = {
    {.id = FLAG_YAML, .name = "yaml", .help = "As a complete file with its comments"},
    {.id = FLAG_SCHEMA, .name = "schema", .help = "As a JSON Schema, for editors"},
    {.id = FLAG_MARKDOWN,
     .name = "markdown",
     .help = "As the page docs/configuration.md"},
    {.id = FLAG_NONE},
};

static const struct command_flag health_flags[] = {
    CONFIG_FLAG("Whose address is asked", "/etc/gatherd/gatherd.yaml"),
    SET_FLAG,
    LISTEN_FLAG("The address to ask, instead of that of a configuration", NULL),
    {.id = FLAG_READY,
     .name = "ready",
     .help = "Ask whether it takes new batches, not only whether it lives"},
    {.id = FLAG_NONE},
};

static const struct command_flag top_flags[] = {
    CONFIG_FLAG("Whose address is asked", "/etc/gatherd/gatherd.yaml"),
    SET_FLAG,
    LISTEN_FLAG("The address to ask, instead of that of a configuration", NULL),
    {.id = FLAG_INTERVAL,
     .name = "interval",
     .value = "TIME",
     .fallback = "1s",
     .help = "How often it is asked; rates are of this time"},
    {.id = FLAG_ONCE,
     .name = "once",
     .help = "Print the figures of one interval as text, and end; so it does too where "
             "standard output is no terminal"},
    {.id = FLAG_JSON,
     .name = "json",
     .help = "Print what the service answers, GET /-/live, a document a line; with "
             "--once a single one"},
    {.id = FLAG_NONE},
};

static const struct command_flag demo_flags[] = {
    LISTEN_FLAG("Where it listens", "127.0.0.1:8081"),
    {.id = FLAG_NONE},
};

const struct command command_table[COMMAND_COUNT] = {
    [COMMAND_SERVE] =
        {
            .name = "serve",
            .words = "",
            .help = "run the service",
            .about =
                "SIGTERM ends it when the accepted batches are answered, a second one "
                "at once.",
            .flags = serve_flags,
            .examples =
                (const struct command_example[]){
                    {"gatherd serve --config /etc/gatherd/gatherd.yaml",
                     "run it as its unit does"},
                    {"gatherd serve --config /dev/null --set "
                     "'server.listen=[\"127.0.0.1:8080\"]'",
                     "run it without a file"},
                    {0}},
        },
    [COMMAND_RUN] =
        {
            .name = "run",
            .words = "[FILE|-]",
            .words_max = 1,
            .completion = COMPLETE_FILES,
            .help = "fetch a batch or a list of URLs without a server",
            .about =
                "FILE, or standard input, is a batch document as POST /v1/batch takes "
                "it, or a list of URLs, one a line; empty lines and those that begin "
                "with # are left out. A list may be of any length: it is read as items "
                "start, and results are written as they end, each with the number of its "
                "line as its id.\n\n"
                "What the command line says about items is a default: over the "
                "document's defaults, under what an item says itself.\n\n"
                "Exit status: 0 when all that was waited for has come; 3 when some of it "
                "has not; 1 when nothing has, or input or output failed; 2 when the "
                "command line or the document is wrong. Ctrl-C (SIGINT, SIGTERM) ends "
                "the run with what is there, what is under way cancelled, and 130 (143); "
                "a second one at once. 141 when whoever read the results went away.",
            .flags = run_flags,
            .examples =
                (const struct command_example[]){
                    {"gatherd run urls.txt > results.ndjson",
                     "fetch all of a file, with a progress bar"},
                    {"grep -o 'https://[^\"]*' page.html | gatherd run --include none "
                     "--redirects 5 --expect 2xx --output table",
                     "check links"},
                    {"gatherd run --until firstOk --deadline 2s mirrors.txt",
                     "the first good answer of several mirrors"},
                    {"gatherd run --output json --waterfall batch.json",
                     "run a batch document and see where the time went"},
                    {0}},
        },
    [COMMAND_CHECK] =
        {
            .name = "check",
            .words = "FILE",
            .words_min = 1,
            .words_max = 1,
            .completion = COMPLETE_FILES,
            .help = "check a configuration, print every fault",
            .about = "Each fault is one line: file:line:column: option: what is wrong.",
            .flags = check_flags,
        },
    [COMMAND_OPTIONS] =
        {
            .name = "options",
            .words = "",
            .help = "print every option: as a reference, a complete file, a JSON "
                    "Schema, or a page",
            .flags = options_flags,
        },
    [COMMAND_HEALTH] =
        {
            .name = "health",
            .words = "",
            .help = "ask the running service how it is; exit status 0 when well",
            .flags = health_flags,
        },
    [COMMAND_TOP] =
        {
            .name = "top",
            .words = "",
            .help = "show the live figures of a running service in the terminal",
            .about =
                "Batches and items per second, how they end, percentiles of their "
                "latency over the last interval, what runs and waits, how busy each "
                "worker is, and the busiest hundred origins with their circuits.\n\n"
                "Keys: q ends it; b, c, f, m and n sort the origins by calls under way, "
                "calls per second, share of failures, mean time or name; r reverses the "
                "order; j and k, or the cursor keys, scroll.\n\n"
                "The service shows this on ops.listen and, where there is none, on "
                "server.listen while that is a loopback address or a unix socket. A "
                "service that does not answer is asked again.",
            .flags = top_flags,
            .examples =
                (const struct command_example[]){
                    {"gatherd top --listen 127.0.0.1:8080", "look at it"},
                    {"gatherd top --listen 127.0.0.1:8080 --once", "print it once"},
                    {"gatherd top --listen 127.0.0.1:8080 --json --interval 10s "
                     ">> figures.ndjson",
                     "keep what it says"},
                    {0}},
        },
    [COMMAND_KEY] =
        {
            .name = "key",
            .words = "new NAME",
            .words_min = 2,
            .words_max = 2,
            .completion = COMPLETE_WORDS,
            .choices = "new",
            .help = "make an API key: prints it once, with the line for auth.keys",
            .flags = no_flags,
        },
    [COMMAND_DEMO] =
        {
            .name = "demo",
            .words = "",
            .help = "run a small upstream to try gatherd against",
            .flags = demo_flags,
        },
    [COMMAND_COMPLETIONS] =
        {
            .name = "completions",
            .words = "bash|zsh|fish",
            .words_min = 1,
            .words_max = 1,
            .completion = COMPLETE_WORDS,
            .choices = "bash zsh fish",
            .help = "print the completions for a shell",
            .about =
                "The Debian package has them in their places. By hand: the output for "
                "bash goes to ~/.local/share/bash-completion/completions/gatherd, for "
                "zsh to a file _gatherd in a folder of $fpath, for fish to "
                "~/.config/fish/completions/gatherd.fish.",
            .flags = no_flags,
            .examples =
                (const struct command_example[]){
                    {"source <(gatherd completions bash)", "for this shell only"}, {0}},
        },
    [COMMAND_MANUAL] =
        {
            .name = "manual",
            .words = "commands|options",
            .words_min = 1,
            .words_max = 1,
            .completion = COMPLETE_WORDS,
            .choices = "commands options",
            .help = "print the source of a manual page, for scdoc",
            .flags = no_flags,
        },
    [COMMAND_VERSION] =
        {
            .name = "version",
            .words = "",
            .help = "print the versions of gatherd and its libraries",
            .flags = no_flags,
        },
    [COMMAND_HELP] =
        {
            .name = "help",
            .words = "[COMMAND]",
            .words_max = 1,
            .completion = COMPLETE_WORDS,
            .choices = NULL,
            .help = "list the commands, or what one of them takes",
            .flags = no_flags,
        },
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    }
    return NULL;
}

const struct command_flag *command_find_flag(const struct command *command,
                                             struct slice name)
{
    for (const struct command_flag *flag = command->flags; flag->id; flag++) {
        if (slice_is(name, flag->name))
            return flag;
    }
    return slice_is(name, command_help_flag.name) ? &command_help_flag : NULL;
}
