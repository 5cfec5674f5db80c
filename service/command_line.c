/* SPDX-License-Identifier: Apache-2.0 */
/* getopt_long and nothing else. Called by commands.c, once. */
#include "command_line.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 's'},
    {"listen", required_argument, NULL, 'l'},
    {"ready", no_argument, NULL, 'r'},
    {"yaml", no_argument, NULL, 'y'},
    {"schema", no_argument, NULL, 'm'},
    {0},
};

static bool add_override(struct arguments *arguments, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        fprintf(stderr, "gatherd: --set wants path=value, not \"%s\"\n", text);
        return false;
    }
    if (arguments->override_count == OVERRIDES_MAX) {
        fprintf(stderr, "gatherd: at most %d --set\n", OVERRIDES_MAX);
        return false;
    }
    *equals = '\0';
    arguments->overrides[arguments->override_count++] =
        (struct config_override){.path = text, .value = equals + 1};
    return true;
}

static bool take_option(struct arguments *arguments, int letter)
{
    switch (letter) {
    case 'c':
        arguments->config = optarg;
        return true;
    case 's':
        return add_override(arguments, optarg);
    case 'l':
        arguments->listen = optarg;
        return true;
    case 'r':
        arguments->asks_ready = true;
        return true;
    case 'y':
        arguments->form = "yaml";
        return true;
    default:
        arguments->form = "schema";
        return true;
    }
}

bool command_line_parse(int argc, char **argv, const char *options,
                        struct arguments *arguments)
{
    int letter;
    int index;
    while ((letter = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (letter == '?')
            return false;
        if (!strchr(options, letter)) {
            fprintf(stderr, "gatherd %s takes no --%s\n", argv[0],
                    long_options[index].name);
            return false;
        }
        if (!take_option(arguments, letter))
            return false;
    }
    arguments->words = argv + optind;
    arguments->word_count = argc - optind;
    return true;
}
