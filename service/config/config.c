/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: defaults, then the file, then the overrides, each through the same table, and
 * at last the checks of all together. One pass collects every fault. Starts nothing,
 * keeps no global. Called by main at the start and for each reload. */
#include "config/config.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "config/assign.h"
#include "config/check.h"
#include "config/expand.h"
#include "config/faults.h"
#include "config/options.h"
#include "config/yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct load {
    struct config *config;
    struct faults faults;
    struct place *places; /* per option: where its value was written */
    char **sources;       /* per override: "--set path=value", named by its faults */
};

static const char *ask_environment(const char *name)
{
    return getenv(name);
}

static void assign(struct load *load, const struct option *option,
                   const struct tree_node *node)
{
    const struct assignment assignment = {.base = load->config,
                                          .faults = &load->faults,
                                          .files = &load->config->files,
                                          .getenv_fn = ask_environment};
    assign_option(&assignment, option, node);
    load->places[option - options_table] = node->place;
}

static void assign_defaults(struct load *load)
{
    for (size_t i = 0; i < options_count; i++) {
        struct place place = {.source = options_table[i].path};
        struct tree_node *value =
            yaml_tree_parse(place, slice_from(options_table[i].fallback), &load->faults);
        assign(load, &options_table[i], value);
        yaml_tree_free(value);
        load->places[i] = (struct place){.source = ""};
    }
}

/* The whole of a file or pipe ("/dev/stdin" too), or enough of it to be over the ceiling
 * of yaml_tree_parse. */
static bool read_file(const char *file, struct buffer *text)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t got = 1;
    while (got > 0 && text->len < text->max) {
        char chunk[4096];
        got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0 && !buffer_append(text, chunk, (size_t)got)) {
            bool is_too_large = text->len + (size_t)got > text->max;
            got = is_too_large ? 0 : -1; /* half of a file is no file */
            errno = ENOMEM;
        }
    }
    int failure = errno;
    close(fd);
    errno = failure;
    return got >= 0;
}

static void assign_file(struct load *load, const char *file)
{
    struct buffer text;
    buffer_init(&text, YAML_TREE_BYTES_MAX + 8192);
    if (!read_file(file, &text)) {
        faults_add(&load->faults, (struct place){.source = file}, "",
                   "cannot read it: %s", strerror(errno));
        buffer_done(&text);
        return;
    }
    const struct tree_node **nodes = memory_new(options_count * sizeof *nodes);
    struct tree_node *root =
        yaml_tree_parse((struct place){.source = file, .line = 1, .column = 1},
                        buffer_slice(&text), &load->faults);
    check_keys(root, nodes, &load->faults);
    for (size_t i = 0; i < options_count; i++) {
        if (nodes[i])
            assign(load, &options_table[i], nodes[i]);
    }
    yaml_tree_free(root);
    free(nodes);
    buffer_done(&text);
}

/* How the operator wrote it, but secrets are not repeated. */
static char *name_override(const struct config_override *override,
                           const struct option *option)
{
    bool is_secret =
        option && (option->type == OPTION_SECRET || option->type == OPTION_ENTRIES);
    char text[256];
    snprintf(text, sizeof text, "--set %.100s=%.100s", override->path,
             is_secret ? "..." : override->value);
    return memory_copy_text(text);
}

static void assign_override(struct load *load, const struct config_override *override,
                            char **ret_source)
{
    const struct option *option = options_find(override->path);
    *ret_source = name_override(override, option);
    struct place place = {.source = *ret_source};
    if (!option) {
        if (options_is_section(override->path))
            faults_add(&load->faults, place, override->path,
                       "a section: set the options in it one by one");
        else
            check_unknown(&load->faults, place, override->path);
        return;
    }
    /* "--set fetch.proxy=" means the empty text. */
    const char *value = *override->value ? override->value : "\"\"";
    size_t before = load->faults.error_count;
    struct tree_node *node = yaml_tree_parse(place, slice_from(value), &load->faults);
    if (load->faults.error_count == before)
        assign(load, option, node);
    yaml_tree_free(node);
}

static void load_all(struct load *load, const char *file,
                     const struct config_override *overrides, size_t override_count)
{
    assign_defaults(load);
    if (load->faults.count) /* the defaults are right: memory is missing */
        return;
    if (file)
        assign_file(load, file);
    for (size_t i = 0; i < override_count; i++)
        assign_override(load, &overrides[i], &load->sources[i]);
    if (load->faults.error_count == 0)
        check_together(load->config, load->places, &load->faults);
}

static void note_tls_key(struct load *load)
{
    struct config *config = load->config;
    if (!sha256(slice_from(config->server.tls_key), config->server.tls_key_sha256))
        faults_add(&load->faults, (struct place){.source = ""}, "server.tls.key",
                   "no memory for its digest");
}

struct config *config_load(const char *file, const struct config_override *overrides,
                           size_t override_count, struct buffer *faults)
{
    struct load load = {
        .config = memory_new(sizeof *load.config),
        .places = memory_new(options_count * sizeof *load.places),
        .sources = memory_new((override_count + 1) * sizeof *load.sources),
    };
    load_all(&load, file, overrides, override_count);
    if (load.faults.error_count == 0)
        note_tls_key(&load);
    faults_write(&load.faults, faults);
    struct config *config = load.config;
    if (load.faults.error_count) {
        config_free(config);
        config = NULL;
    }
    faults_done(&load.faults);
    for (size_t i = 0; i < override_count; i++)
        free(load.sources[i]);
    free(load.sources);
    free(load.places);
    return config;
}

struct config *config_defaults(void)
{
    struct buffer faults;
    buffer_init(&faults, 64 * 1024);
    struct config *config = config_load(NULL, NULL, 0, &faults);
    buffer_done(&faults);
    assert(config);
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < options_count; i++)
        assign_clear(config, &options_table[i]);
    for (size_t i = 0; i < config->files.count; i++)
        free(config->files.items[i]);
    free(config->files.items);
    free(config);
}

void config_forget_tls_key(struct config *config)
{
    explicit_bzero(config->server.tls_key, strlen(config->server.tls_key));
}

void config_versions(struct buffer *out)
{
    buffer_append_format(out, "libyaml %s\n", yaml_tree_version());
}
