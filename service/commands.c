/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Parses it, prints, and hands over to the part that does the work;
 * holds no logic of its own. */
#include "commands.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/nearest.h"
#include "command_line.h"
#include "config/config.h"
#include "config/options.h"
#include "config/syntax.h"
#include "fetch/fetcher.h"
#include "fetch/probe.h"
#include "http/auth_key.h"
#include "http/demo.h"
#include "http/front.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20, HEALTH_TIMEOUT_MS = 3000 };
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char default_config[] = "/etc/gatherd/gatherd.yaml";

struct command {
    const char *name;
    const char *usage;
    const char *help;
    const char *options; /* the letters of command_line.h it takes */
    int words;           /* how many words it takes */
    int (*run)(struct arguments *arguments);
};

static int print_buffer(struct buffer *out)
{
    fwrite(out->data, 1, out->len, stdout);
    buffer_done(out);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_FAILED;
}

/* Loads and checks; prints every fault. */
static struct config *load(const char *file, struct arguments *arguments)
{
    struct buffer faults;
    buffer_init(&faults, OUTPUT_MAX);
    struct config *config =
        config_load(file, arguments->overrides, arguments->override_count, &faults);
    if (faults.len)
        fwrite(faults.data, 1, faults.len, stderr);
    buffer_done(&faults);
    return config;
}

static int run_serve(struct arguments *arguments)
{
    if (!arguments->config) {
        fprintf(stderr,
                "gatherd serve: --config FILE is missing; every option has a default: "
                "an empty file will do (see: gatherd options)\n");
        return EXIT_USAGE;
    }
    struct config *config = load(arguments->config, arguments);
    if (!config)
        return EXIT_USAGE;
    log_setup((enum log_level)config->log.level, (enum log_format)config->log.format);
    int status = serve_run(config, arguments->config);
    config_free(config);
    return status;
}

static int run_check(struct arguments *arguments)
{
    struct config *config = load(arguments->words[0], arguments);
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
    if (!arguments->form)
        options_write_reference(&out);
    else if (strcmp(arguments->form, "yaml") == 0)
        options_write_yaml(&out);
    else
        options_write_schema(&out);
    return print_buffer(&out);
}

/* The URL that reaches a listener of this host: any-address becomes loopback. */
static void health_url(const struct config *config, const char *address, const char *path,
                       char *url, size_t size)
{
    bool is_tls =
        config && *config->server.tls_certificate && config->ops.listen.count == 0;
    const char *colon = strrchr(address, ':');
    const char *port = colon ? colon + 1 : "80";
    const char *scheme = is_tls ? "https" : "http";
    if (strncmp(address, "0.0.0.0:", 8) == 0)
        snprintf(url, size, "%s://127.0.0.1:%s%s", scheme, port, path);
    else if (strncmp(address, "[::]:", 5) == 0)
        snprintf(url, size, "%s://[::1]:%s%s", scheme, port, path);
    else if (strncmp(address, "unix:", 5) == 0)
        snprintf(url, size, "%s://localhost%s", scheme, path);
    else
        snprintf(url, size, "%s://%s%s", scheme, address, path);
}

static int ask_health(const struct config *config, const char *address, bool asks_ready)
{
    if (strncmp(address, "fd:", 3) == 0) {
        fprintf(
            stderr,
            "gatherd health: %s is a socket handed over, its address is not known here; "
            "say where to ask: --listen HOST:PORT\n",
            address);
        return EXIT_USAGE;
    }
    char url[600];
    health_url(config, address, asks_ready ? "/readyz" : "/healthz", url, sizeof url);
    const char *unix_path = strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
    struct buffer body;
    buffer_init(&body, OUTPUT_MAX);
    struct error err = {0};
    int status = 0;
    bool answered = probe_get(url, unix_path, HEALTH_TIMEOUT_MS, &status, &body, &err);
    if (answered)
        printf("%s: %d\n%.*s", url, status, (int)body.len, body.data ? body.data : "");
    else
        fprintf(stderr, "gatherd health: %s\n", err.text);
    buffer_done(&body);
    return answered && status == 200 ? EXIT_FINE : EXIT_FAILED;
}

static int run_health(struct arguments *arguments)
{
    if (arguments->listen)
        return ask_health(NULL, arguments->listen, arguments->asks_ready);
    struct config *config =
        load(arguments->config ? arguments->config : default_config, arguments);
    if (!config)
        return EXIT_USAGE;
    const struct config_strings *addresses =
        config->ops.listen.count ? &config->ops.listen : &config->server.listen;
    int status = ask_health(config, addresses->items[0], arguments->asks_ready);
    config_free(config);
    return status;
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
    struct error err = {0};
    if (demo_run(arguments->listen ? arguments->listen : "127.0.0.1:8081", &err))
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

static int run_help(struct arguments *arguments);

static const struct command commands[] = {
    {"serve", "serve --config FILE [--set path=value]…", "run the service", "cs", 0,
     run_serve},
    {"check", "check FILE [--set path=value]…",
     "check a configuration, print every fault", "s", 1, run_check},
    {"options", "options [--yaml|--schema]",
     "print every option: as a reference, a complete file, or a JSON Schema", "ym", 0,
     run_options},
    {"health", "health [--config FILE | --listen ADDRESS] [--ready]",
     "ask the running service how it is; exit status 0 when well", "cslr", 0, run_health},
    {"key", "key new NAME",
     "make an API key: prints it once, with the line for auth.keys", "", 2, run_key},
    {"demo", "demo [--listen ADDRESS]", "run a small upstream to try gatherd against",
     "l", 0, run_demo},
    {"version", "version", "print the versions of gatherd and its libraries", "", 0,
     run_version},
    {"help", "help", "print this", "", 0, run_help},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int run_help(struct arguments *arguments)
{
    (void)arguments;
    printf("gatherd: a batch of URLs in, one JSON document out\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("  gatherd %s\n      %s\n", commands[i].usage, commands[i].help);
    return EXIT_FINE;
}

static const struct command *find(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
        names[i] = commands[i].name;
    }
    const char *meant = nearest_name(slice_from(name), names, COMMAND_COUNT);
    fprintf(stderr, "gatherd: \"%s\" is no command", name);
    if (meant)
        fprintf(stderr, "; did you mean \"%s\"?", meant);
    fprintf(stderr, " (gatherd help lists them)\n");
    return NULL;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int commands_run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    else if (asks_for_help(name))
        name = "help";
    const struct command *command = find(name);
    if (!command)
        return EXIT_USAGE;
    if (argc > 2 && asks_for_help(argv[2])) {
        printf("usage: gatherd %s\n    %s\n", command->usage, command->help);
        return EXIT_FINE;
    }
    struct arguments arguments = {0};
    if (argc > 1 &&
        (!command_line_parse(argc - 1, argv + 1, command->options, &arguments) ||
         arguments.word_count != command->words)) {
        fprintf(stderr, "usage: gatherd %s\n", command->usage);
        return EXIT_USAGE;
    }
    return command->run(&arguments);
}
