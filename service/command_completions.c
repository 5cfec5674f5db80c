/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for three shells, by the rows of command_table.c and the paths of the
 * table of options. In each of them: a command first, then by the word before what its
 * value may be, else the command's options and words. */
#include "command_help.h"

#include "config/options.h"

#include <string.h>

/* `text` up to its first semicolon or sentence, for a place in single quotes. */
static void append_short(struct buffer *out, const char *text, const char *quote)
{
    for (; *text && *text != ';' && strncmp(text, ". ", 2) != 0; text++) {
        if (*text == '\'')
            buffer_append_text(out, quote);
        else
            buffer_append_byte(out, *text);
    }
}

static void append_names(struct buffer *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buffer_append_format(out, "%s%s", i ? " " : "", command_table[i].name);
}

static void append_paths(struct buffer *out, const char *suffix)
{
    for (size_t i = 0; i < options_count; i++)
        buffer_append_format(out, "%s%s%s", i ? " " : "", options_table[i].path, suffix);
}

static const char *words_of(const struct command_flag *flag)
{
    return flag->choices ? flag->choices : flag->suggestions;
}

/* What a value or a first word may be: its choices, or the commands. */
static void append_choices(struct buffer *out, const char *choices)
{
    if (choices)
        buffer_append_text(out, choices);
    else
        append_names(out);
}

/* --------------------------------------------------------------------------- bash */

static void bash_action(struct buffer *out, enum completion completion,
                        const char *choices)
{
    switch (completion) {
    case COMPLETE_FILES:
        buffer_append_text(out, "compopt -o filenames; "
                                "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")");
        break;
    case COMPLETE_WORDS:
        buffer_append_text(out, "COMPREPLY=($(compgen -W \"");
        append_choices(out, choices);
        buffer_append_text(out, "\" -- \"$current\"))");
        break;
    case COMPLETE_PATHS:
        buffer_append_text(out, "compopt -o nospace; COMPREPLY=($(compgen -W \"$paths\" "
                                "-- \"$current\"))");
        break;
    case COMPLETE_NOTHING:
        buffer_append_byte(out, ':');
        break;
    }
}

static void bash_command(struct buffer *out, const struct command *command)
{
    for (const struct command_flag *flag = command->flags; flag->id; flag++) {
        if (!flag->value)
            continue;
        buffer_append_format(out, "    \"%s --%s\") ", command->name, flag->name);
        bash_action(out, flag->completion, words_of(flag));
        buffer_append_text(out, "; return ;;\n");
    }
}

static void bash_words(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "    \"%s -\"*) COMPREPLY=($(compgen -W \"", command->name);
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        buffer_append_format(out, "--%s ", flag->name);
    buffer_append_text(out, "--help\" -- \"$current\")) ;;\n");
    if (command->completion == COMPLETE_NOTHING)
        return;
    buffer_append_format(out, "    \"%s \"*) ", command->name);
    bash_action(out, command->completion, command->choices);
    buffer_append_text(out, " ;;\n");
}

static void write_bash(struct buffer *out)
{
    buffer_append_text(out,
                       "# Completions of gatherd for bash, made by `gatherd completions "
                       "bash`.\n"
                       "_gatherd() {\n"
                       "    local current=${COMP_WORDS[COMP_CWORD]}\n"
                       "    local before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                       "    local command=${COMP_WORDS[1]}\n"
                       "    local paths=\"");
    append_paths(out, "=");
    buffer_append_text(out, "\"\n"
                            "    COMPREPLY=()\n"
                            "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
                            "        COMPREPLY=($(compgen -W \"");
    append_names(out);
    buffer_append_text(out, "\" -- \"$current\"))\n"
                            "        return\n"
                            "    fi\n"
                            "    # bash takes --name=value apart at the =.\n"
                            "    if [[ $current == = ]]; then\n"
                            "        current=\n"
                            "    elif [[ $before == = ]]; then\n"
                            "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                            "        [[ $before == --* ]] || return\n"
                            "    fi\n"
                            "    case \"$command $before\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        bash_command(out, &command_table[i]);
    buffer_append_text(out, "    esac\n    case \"$command $current\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        bash_words(out, &command_table[i]);
    buffer_append_text(out, "    esac\n}\ncomplete -F _gatherd gatherd\n");
}

/* ---------------------------------------------------------------------------- zsh */

static void zsh_action(struct buffer *out, enum completion completion,
                       const char *choices)
{
    switch (completion) {
    case COMPLETE_FILES:
        buffer_append_text(out, "_files");
        break;
    case COMPLETE_WORDS:
        buffer_append_text(out, "compadd -- ");
        append_choices(out, choices);
        break;
    case COMPLETE_PATHS:
        buffer_append_text(out, "compadd -S = -- $paths");
        break;
    case COMPLETE_NOTHING:
        buffer_append_text(out, "_message value");
        break;
    }
}

static void zsh_pair(struct buffer *out, const char *prefix, const char *name,
                     const char *help)
{
    buffer_append_format(out, " '%s%s:", prefix, name);
    append_short(out, help, "'\\''");
    buffer_append_byte(out, '\'');
}

static void zsh_command(struct buffer *out, const struct command *command)
{
    for (const struct command_flag *flag = command->flags; flag->id; flag++) {
        if (!flag->value)
            continue;
        buffer_append_format(out, "    \"%s --%s\") ", command->name, flag->name);
        zsh_action(out, flag->completion, words_of(flag));
        buffer_append_text(out, "; return ;;\n");
    }
}

static void zsh_words(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "    \"%s -\"*) found=(", command->name);
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        zsh_pair(out, "--", flag->name, flag->help);
    zsh_pair(out, "--", command_help_flag.name, command_help_flag.help);
    buffer_append_text(out, "); _describe -o option found ;;\n");
    if (command->completion == COMPLETE_NOTHING)
        return;
    buffer_append_format(out, "    \"%s \"*) ", command->name);
    zsh_action(out, command->completion, command->choices);
    buffer_append_text(out, " ;;\n");
}

static void write_zsh(struct buffer *out)
{
    buffer_append_text(out, "#compdef gatherd\n"
                            "# Completions of gatherd for zsh, made by `gatherd "
                            "completions zsh`.\n"
                            "_gatherd() {\n"
                            "    local command=$words[2] before=$words[CURRENT-1]\n"
                            "    local current=$words[CURRENT]\n"
                            "    local -a found paths\n"
                            "    paths=(");
    append_paths(out, "");
    buffer_append_text(out, ")\n"
                            "    if (( CURRENT == 2 )); then\n"
                            "        found=(");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        zsh_pair(out, "", command_table[i].name, command_table[i].help);
    buffer_append_text(out, ")\n"
                            "        _describe command found\n"
                            "        return\n"
                            "    fi\n"
                            "    if [[ $current == --*=* ]]; then\n"
                            "        before=${current%%=*}\n"
                            "        compset -P '*='\n"
                            "    fi\n"
                            "    case \"$command $before\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        zsh_command(out, &command_table[i]);
    buffer_append_text(out, "    esac\n    case \"$command $current\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        zsh_words(out, &command_table[i]);
    buffer_append_text(out, "    esac\n}\n"
                            "if [[ $funcstack[1] == _gatherd ]]; then\n"
                            "    _gatherd \"$@\"\n"
                            "else\n"
                            "    compdef _gatherd gatherd\n"
                            "fi\n");
}

/* --------------------------------------------------------------------------- fish */

static void fish_action(struct buffer *out, enum completion completion,
                        const char *choices)
{
    if (completion == COMPLETE_FILES)
        buffer_append_text(out, " -F");
    if (completion != COMPLETE_WORDS && completion != COMPLETE_PATHS)
        return;
    buffer_append_text(out, " -a '");
    if (completion == COMPLETE_PATHS)
        append_paths(out, "=");
    else
        append_choices(out, choices);
    buffer_append_byte(out, '\'');
}

static void fish_flag(struct buffer *out, const char *command,
                      const struct command_flag *flag)
{
    buffer_append_format(out,
                         "complete -c gatherd -n '__fish_seen_subcommand_from %s' -l %s",
                         command, flag->name);
    if (flag->value)
        buffer_append_text(out, flag->completion == COMPLETE_FILES ? " -r" : " -x");
    fish_action(out, flag->completion, words_of(flag));
    buffer_append_text(out, " -d '");
    append_short(out, flag->help, "\\'");
    buffer_append_text(out, "'\n");
}

static void fish_command(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "complete -c gatherd -n __fish_use_subcommand -a %s -d '",
                         command->name);
    append_short(out, command->help, "\\'");
    buffer_append_text(out, "'\n");
    if (command->completion != COMPLETE_NOTHING) {
        buffer_append_format(out,
                             "complete -c gatherd -n '__fish_seen_subcommand_from %s'",
                             command->name);
        fish_action(out, command->completion, command->choices);
        buffer_append_byte(out, '\n');
    }
    for (const struct command_flag *flag = command->flags; flag->id; flag++)
        fish_flag(out, command->name, flag);
    fish_flag(out, command->name, &command_help_flag);
}

static void write_fish(struct buffer *out)
{
    buffer_append_text(out, "# Completions of gatherd for fish, made by `gatherd "
                            "completions fish`.\n"
                            "complete -c gatherd -f\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fish_command(out, &command_table[i]);
}

void command_write_completions(struct buffer *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        write_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        write_zsh(out);
    else
        write_fish(out);
}
