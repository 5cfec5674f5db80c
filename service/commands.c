/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Parses it, prints, and hands over to the part that does the work;
 * holds no logic of its own. */
#include "commands.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/nearest.h"
#include "command_help.h"
#include "command_line.h"
#include "command_run.h"
#include "command_table.h"
#include "command_top.h"
#include "config/config.h"
#include "config/options.h"
#include "config/syntax.h"
#include "fetch/fetcher.h"
#include "fetch/probe.h"
#include "http/auth_key.h"
#include "http/demo.h"
#include "http/front.h"
#include "instance.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20, HEALTH_TIMEOUT_MS = 3000 };
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int print_buffer(struct buffer *out)
{
    fwrite(out->data, 1, out->len, stdout);
    buffer_done(out);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_FAILED;
}

static int run_serve(struct arguments *arguments)
{
    const char *file = command_line_value(arguments, FLAG_CONFIG);
    if (!file) {
        fprintf(stderr,
                "gatherd serve: --config FILE is missing; every option has a default: "
                "an empty file will do (see: gatherd options)\n");
        return EXIT_USAGE;
    }
    struct config *config = command_load(file, arguments);
    if (!config)
        return EXIT_USAGE;
    log_setup((enum log_level)config->log.level, (enum log_format)config->log.format);
    const struct reload_source source = {.file = file,
                                         .overrides = arguments->overrides,
                                         .override_count = arguments->override_count};
    int status = serve_run(config, &source);
    config_free(config);
    return status;
}

static int run_check(struct arguments *arguments)
{
    struct config *config = command_load(arguments->words[0], arguments);
    if (!config)
        return EXIT_USAGE;
    config_free(config);
    printf("%s: fine\n", arguments->words[0]);
    return EXIT_FINE;
}

static int run_options(struct arguments *arguments)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    if (command_line_has(arguments, FLAG_SCHEMA))
        options_write_schema(&out);
    else if (command_line_has(arguments, FLAG_YAML))
        options_write_yaml(&out);
    else if (command_line_has(arguments, FLAG_MARKDOWN))
        options_write_markdown(&out);
    else
        options_write_reference(&out);
    return print_buffer(&out);
}

static int run_health(struct arguments *arguments)
{
    bool asks_ready = command_line_has(arguments, FLAG_READY);
    struct instance instance;
    if (!instance_find(arguments, "health", asks_ready ? "/readyz" : "/healthz",
                       &instance))
        return EXIT_USAGE;
    struct buffer body;
    buffer_init(&body, OUTPUT_MAX);
    struct error err = {0};
    int status = 0;
    bool answered = probe_get(instance.url, instance.unix_path, HEALTH_TIMEOUT_MS,
                              &status, &body, &err);
    if (answered)
        printf("%s: %d\n%.*s", instance.url, status, (int)body.len,
               body.data ? body.data : "");
    else
        fprintf(stderr, "gatherd health: %s\n", err.text);
    buffer_done(&body);
    return answered && status == 200 ? EXIT_FINE : EXIT_FAILED;
}

static int run_key(struct arguments *arguments)
{
    const char *name = arguments->words[1];
    struct error err = {0};
    bool is_fine =
        strcmp(arguments->words[0], "new") == 0
            ? syntax_is_key_name(name, &err)
            : error_set(&err, ERROR_INVALID, "write: gatherd key new %s", name);
    if (!is_fine) {
        fprintf(stderr, "gatherd key: %s\n", err.text);
        return EXIT_USAGE;
    }
    struct auth_key key;
    auth_key_make(&key);
    printf("the key, shown this once: %s\n"
           "the line for auth.keys:   - {name: %s, id: \"%s\", sha256: \"%s\"}\n",
           key.text, name, key.id, key.hash_hex);
    explicit_bzero(&key, sizeof key);
    return EXIT_FINE;
}

static int run_demo(struct arguments *arguments)
{
    const char *listen = command_line_value(arguments, FLAG_LISTEN);
    struct error err = {0};
    if (demo_run(listen ? listen : "127.0.0.1:8081", &err))
        return EXIT_FINE;
    fprintf(stderr, "gatherd demo: %s\n", err.text);
    return EXIT_FAILED;
}

static int run_version(struct arguments *arguments)
{
    (void)arguments;
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    buffer_append_text(&out, "gatherd " GATHERD_VERSION "\n");
    front_versions(&out);
    fetch_versions(&out);
    config_versions(&out);
    return print_buffer(&out);
}

static int run_completions(struct arguments *arguments)
{
    const char *shell = arguments->words[0];
    struct buffer out;
    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0 &&
        strcmp(shell, "fish") != 0) {
        fprintf(stderr, "gatherd completions: bash, zsh or fish, not \"%s\"\n", shell);
        return EXIT_USAGE;
    }
    buffer_init(&out, OUTPUT_MAX);
    command_write_completions(&out, shell);
    return print_buffer(&out);
}

static int run_manual(struct arguments *arguments)
{
    const char *page = arguments->words[0];
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    if (strcmp(page, "commands") == 0) {
        command_write_manual(&out);
    } else if (strcmp(page, "options") == 0) {
        options_write_manual(&out);
    } else {
        fprintf(stderr, "gatherd manual: commands or options, not \"%s\"\n", page);
        return EXIT_USAGE;
    }
    return print_buffer(&out);
}

static const struct command *find(const char *name)
{
    const char *names[COMMAND_COUNT];
    const struct command *command = command_find(name);
    if (command)
        return command;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = command_table[i].name;
    const char *meant = nearest_name(slice_from(name), names, COMMAND_COUNT);
    fprintf(stderr, "gatherd: \"%s\" is no command", name);
    if (meant)
        fprintf(stderr, "; did you mean \"%s\"?", meant);
    fprintf(stderr, " (gatherd help lists them)\n");
    return NULL;
}

static int print_help(const struct command *command)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    command_write_help(&out, command);
    return print_buffer(&out);
}

static int run_help(struct arguments *arguments)
{
    if (arguments->word_count > 0) {
        const struct command *command = find(arguments->words[0]);
        return command ? print_help(command) : EXIT_USAGE;
    }
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    command_write_list(&out);
    return print_buffer(&out);
}

static int (*const runs[COMMAND_COUNT])(struct arguments *arguments) = {
    [COMMAND_RUN] = command_run,     [COMMAND_SERVE] = run_serve,
    [COMMAND_CHECK] = run_check,     [COMMAND_OPTIONS] = run_options,
    [COMMAND_HEALTH] = run_health,   [COMMAND_TOP] = command_top,
    [COMMAND_KEY] = run_key,         [COMMAND_DEMO] = run_demo,
    [COMMAND_VERSION] = run_version, [COMMAND_HELP] = run_help,
    [COMMAND_MANUAL] = run_manual,   [COMMAND_COMPLETIONS] = run_completions,
};

static int refuse_usage(const struct command *command)
{
    struct buffer usage;
    buffer_init(&usage, OUTPUT_MAX);
    command_write_usage(&usage, command);
    fprintf(stderr, "usage: %.*s", (int)usage.len, usage.data ? usage.data : "");
    buffer_done(&usage);
    return EXIT_USAGE;
}

static bool takes_words(const struct command *command, const struct arguments *arguments)
{
    if (arguments->word_count < command->words_min)
        fprintf(stderr, "gatherd %s: %s is missing\n", command->name, command->words);
    else if (arguments->word_count > command->words_max)
        fprintf(stderr, "gatherd %s: \"%s\" is more than it takes\n", command->name,
                arguments->words[command->words_max]);
    else
        return true;
    return false;
}

int commands_run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    const struct command *command = find(name);
    if (!command)
        return EXIT_USAGE;
    struct arguments arguments = {0};
    if (argc > 1 && !command_line_parse(argc - 1, argv + 1, command, &arguments))
        return refuse_usage(command);
    if (command_line_has(&arguments, FLAG_HELP))
        return print_help(command);
    if (!takes_words(command, &arguments))
        return refuse_usage(command);
    return runs[command - command_table](&arguments);
}
