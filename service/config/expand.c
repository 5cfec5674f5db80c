/* SPDX-License-Identifier: Apache-2.0 */
/* Environment references and secrets in files. Reads only what the operator named; writes
 * nothing and keeps no copy. Called by assign.c while a configuration is loaded, and
 * nowhere else. */
#include "config/expand.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 128 };

bool expand_has_reference(const char *text)
{
    return strstr(text, "${") != NULL;
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        bool is_letter =
            (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
        if (!is_letter && !(i > 0 && byte >= '0' && byte <= '9'))
            return false;
    }
    return name.len > 0 && name.len < NAME_MAX_LEN;
}

static bool is_text(const char *value)
{
    for (size_t left = strlen(value); left > 0;) {
        size_t len = utf8_sequence(value, left);
        if (len == 0)
            return false;
        value += len;
        left -= len;
    }
    return true;
}

/* Appends what the reference stands for; `inner` is what stood between the braces. */
static bool append_reference(struct buffer *out, struct slice inner,
                             expand_getenv_fn *getenv_fn, struct error *err)
{
    const char *colon = memmem(inner.data, inner.len, ":-", 2);
    struct slice name =
        colon ? slice_make(inner.data, (size_t)(colon - inner.data)) : inner;
    if (!is_name(name))
        return error_set(err, ERROR_INVALID,
                         "\"${%.*s}\" is not ${NAME} or ${NAME:-default}",
                         (int)(inner.len < 60 ? inner.len : 60), inner.data);
    char text[NAME_MAX_LEN];
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    const char *value = getenv_fn(text);
    if (colon && (!value || !*value)) {
        const char *fallback = colon + 2;
        buffer_append(out, fallback, (size_t)(inner.data + inner.len - fallback));
        return true;
    }
    if (!value)
        return error_set(
            err, ERROR_INVALID,
            "%s is not set in the environment: set it or write ${%s:-default}", text,
            text);
    if (!is_text(value))
        return error_set(err, ERROR_INVALID, "%s in the environment is not UTF-8", text);
    buffer_append_text(out, value);
    return true;
}

static bool append_expanded(struct buffer *out, const char *text,
                            expand_getenv_fn *getenv_fn, struct error *err)
{
    while (*text) {
        if (strncmp(text, "$${", 3) == 0) {
            buffer_append(out, "${", 2);
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            const char *inner = text + 2;
            const char *end = strchr(inner, '}');
            if (!end)
                return error_set(err, ERROR_INVALID, "\"${\" without its \"}\"");
            if (memmem(inner, (size_t)(end - inner), "${", 2))
                return error_set(err, ERROR_INVALID,
                                 "a ${…} inside another is not taken");
            if (!append_reference(out, slice_make(inner, (size_t)(end - inner)),
                                  getenv_fn, err))
                return false;
            text = end + 1;
        } else {
            buffer_append_byte(out, *text++);
        }
    }
    return true;
}

/* The buffer's text as a string of its own; never NULL, empty if the buffer is. */
static char *take_text(struct buffer *buffer)
{
    const char *text = buffer_text(buffer);
    return memory_copy_text(text ? text : "");
}

char *expand_environment(const char *text, expand_getenv_fn *getenv_fn, struct error *err)
{
    struct buffer out;
    buffer_init(&out, EXPAND_MAX);
    char *expanded = NULL;
    if (append_expanded(&out, text, getenv_fn, err)) {
        if (out.failed)
            error_set(err, ERROR_INVALID, "over %d KiB after expansion",
                      EXPAND_MAX / 1024);
        else
            expanded = take_text(&out);
    }
    if (out.data)
        explicit_bzero(out.data, out.cap);
    buffer_done(&out);
    return expanded;
}

/* Reads all of `fd`; the caller closes it. */
static char *read_all(int fd, const char *path, struct error *err)
{
    char *text = memory_new(EXPAND_FILE_MAX + 1);
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, text + len, EXPAND_FILE_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            error_set_errno(err, errno, "cannot read %s", path);
        if (got <= 0) {
            if (got == 0 && memchr(text, '\0', len))
                error_set(err, ERROR_INVALID, "%s has a NUL byte: not text", path);
            else if (got == 0)
                break;
            expand_wipe(text);
            return NULL;
        }
        len += (size_t)got;
        if (len > EXPAND_FILE_MAX) {
            error_set(err, ERROR_INVALID, "%s is over %d KiB", path,
                      EXPAND_FILE_MAX / 1024);
            text[EXPAND_FILE_MAX] = '\0';
            expand_wipe(text);
            return NULL;
        }
    }
    text[len] = '\0';
    char *fitting = memory_copy_text(text);
    expand_wipe(text);
    return fitting;
}

char *expand_read_file(const char *path, bool *ret_is_open, struct error *err)
{
    /* O_NONBLOCK: a FIFO named by mistake must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        error_set_errno(err, errno, "cannot open %s", path);
        return NULL;
    }
    struct stat status;
    char *text = NULL;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        error_set(err, ERROR_INVALID, "%s is not a file", path);
    else
        text = read_all(fd, path, err);
    close(fd);
    if (text)
        *ret_is_open = (status.st_mode & S_IRWXO) != 0;
    return text;
}

char *expand_secret(const char *text, bool *ret_is_open, struct error *err)
{
    if (strncmp(text, "file:", 5) != 0) {
        *ret_is_open = false;
        return memory_copy_text(text);
    }
    if (text[5] != '/') {
        error_set(err, ERROR_INVALID, "write file:/path with the whole path");
        return NULL;
    }
    char *content = expand_read_file(text + 5, ret_is_open, err);
    if (!content)
        return NULL;
    size_t len = strlen(content);
    while (len > 0 && strchr(" \t\r\n", content[len - 1]))
        content[--len] = '\0';
    if (len == 0) {
        error_set(err, ERROR_INVALID, "%s is empty", text + 5);
        expand_wipe(content);
        return NULL;
    }
    return content;
}

void expand_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
