/* SPDX-License-Identifier: Apache-2.0 */
/* getopt_long over the options of a command's row. Called by commands.c, once. */
#include "command_line.h"

#include "base/nearest.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    FLAGS_MAX = 32,
    OPTION_BASE = 256, /* val: behind every letter */
    FAULTS_MAX = 1 << 20,
};

static bool add_override(struct arguments *arguments, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        fprintf(stderr, "gatherd: --set wants path=value, not \"%s\"\n", text);
        return false;
    }
    if (arguments->override_count == GIVEN_MAX) {
        fprintf(stderr, "gatherd: at most %d --set\n", GIVEN_MAX);
        return false;
    }
    *equals = '\0';
    arguments->overrides[arguments->override_count++] =
        (struct config_override){.path = text, .value = equals + 1};
    return true;
}

static bool is_choice(const struct command_flag *flag, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = flag->choices; at && *at; at += strcspn(at, " ")) {
        at += *at == ' ';
        if (strcspn(at, " ") == len && memcmp(at, value, len) == 0)
            return true;
    }
    return !flag->choices;
}

static bool take_flag(struct arguments *arguments, const struct command_flag *flag,
                      char *value)
{
    if (flag->id == FLAG_SET)
        return add_override(arguments, value);
    if (value && !is_choice(flag, value)) {
        fprintf(stderr, "gatherd: --%s is one of %s, not \"%s\"\n", flag->name,
                flag->choices, value);
        return false;
    }
    if (arguments->given_count == GIVEN_MAX) {
        fprintf(stderr, "gatherd: at most %d options\n", GIVEN_MAX);
        return false;
    }
    arguments->given[arguments->given_count++] =
        (struct given_flag){.id = flag->id, .value = value ? value : ""};
    return true;
}

static void refuse_unknown(const struct command *command, struct slice text)
{
    const char *names[FLAGS_MAX];
    size_t count = 0;
    size_t dashes = strspn(text.data, "-");
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        names[count++] = flag->name;
    fprintf(stderr, "gatherd %s takes no %.*s", command->name, (int)text.len, text.data);
    const char *meant = nearest_name(
        slice_make(text.data + dashes, text.len - (dashes < text.len ? dashes : 0)),
        names, count);
    if (meant)
        fprintf(stderr, "; did you mean --%s?", meant);
    fprintf(stderr, " (gatherd help %s lists what it takes)\n", command->name);
}

/* getopt_long says by optopt which of the known ones it is, or which letter; `text` is
 * the argument it stopped at. */
static void refuse(const struct command *command, size_t count, const char *text)
{
    size_t index = (size_t)(optopt - OPTION_BASE);
    char letter[3] = {'-', (char)optopt, '\0'};
    if (optopt >= OPTION_BASE && index < count && command->flags[index].value)
        fprintf(stderr, "gatherd %s: --%s needs a value: %s\n", command->name,
                command->flags[index].name, command->flags[index].value);
    else if (optopt >= OPTION_BASE)
        fprintf(stderr, "gatherd %s: %.*s takes no value\n", command->name,
                (int)strcspn(text, "="), text);
    else
        refuse_unknown(command, optopt > 0 ? slice_from(letter)
                                           : slice_make(text, strcspn(text, "=")));
}

static size_t fill_options(const struct command *command,
                           struct option options[FLAGS_MAX + 2])
{
    size_t count = 0;
    for (const struct command_flag *flag = command->flags; flag->id; flag++, count++) {
        options[count] = (struct option){.name = flag->name,
                                         .has_arg = flag->value != NULL,
                                         .val = OPTION_BASE + (int)count};
    }
    options[count] =
        (struct option){.name = command_help_flag.name, .val = OPTION_BASE + (int)count};
    options[count + 1] = (struct option){0};
    return count;
}

bool command_line_parse(int argc, char **argv, const struct command *command,
                        struct arguments *arguments)
{
    struct option options[FLAGS_MAX + 2];
    size_t count = fill_options(command, options);
    int index;
    opterr = 0;
    for (;;) {
        int value = getopt_long(argc, argv, ":h", options, &index);
        if (value == -1)
            break;
        if (value == '?' || value == ':') {
            refuse(command, count, argv[optind - 1]);
            return false;
        }
        const struct command_flag *flag = &command_help_flag;
        if (value != 'h' && (size_t)(value - OPTION_BASE) < count)
            flag = &command->flags[value - OPTION_BASE];
        if (!take_flag(arguments, flag, optarg))
            return false;
    }
    arguments->words = argv + optind;
    arguments->word_count = argc - optind;
    return true;
}

const char *command_line_value(const struct arguments *arguments, enum flag_id id)
{
    for (size_t i = arguments->given_count; i-- > 0;) {
        if (arguments->given[i].id == id)
            return arguments->given[i].value;
    }
    return NULL;
}

struct config *command_load(const char *file, const struct arguments *arguments)
{
    struct buffer faults;
    buffer_init(&faults, FAULTS_MAX);
    struct config *config =
        config_load(file, arguments->overrides, arguments->override_count, &faults);
    if (faults.len)
        fwrite(faults.data, 1, faults.len, stderr);
    buffer_done(&faults);
    return config;
}
