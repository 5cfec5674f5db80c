/* SPDX-License-Identifier: Apache-2.0 */
/* Called by reload.c. */
#include "reload_report.h"

#include "base/json_text.h"
#include "base/log.h"
#include "config/diff.h"

#include <string.h>

enum { REPORT_MAX = 256 * 1024 };

static void put_member(struct buffer *out, const char *name, const char *value)
{
    buffer_append_text(out, name);
    json_text_append_any(out, slice_from(value));
}

static void add(struct reload_report *report, const char *path, const char *before,
                const char *after)
{
    buffer_append_text(&report->changed, report->changed_count++ > 0 ? "," : "");
    put_member(&report->changed, "{\"option\":", path);
    put_member(&report->changed, ",\"before\":", before);
    put_member(&report->changed, ",\"after\":", after);
    buffer_append_byte(&report->changed, '}');
}

static void on_change(const struct config_change *change, void *context)
{
    add(context, change->option->path, change->before, change->after);
}

static void on_waiting(const struct config_change *change, void *context)
{
    struct reload_report *report = context;
    if (!change->option->needs_restart)
        return;
    buffer_append_text(&report->waiting, report->waiting_count > 0 ? "," : "");
    json_text_append_any(&report->waiting, slice_from(change->option->path));
    buffer_append_format(&report->names, "%s%s", report->waiting_count > 0 ? ", " : "",
                         change->option->path);
    report->waiting_count++;
}

static const char new_content[] = "(other content)";

void reload_report_make(struct reload_report *report, const struct config *first,
                        const struct config *before, const struct config *after,
                        bool is_ca_new)
{
    buffer_init(&report->changed, REPORT_MAX);
    buffer_init(&report->waiting, REPORT_MAX);
    buffer_init(&report->names, REPORT_MAX);
    config_diff(before, after, on_change, report);
    config_diff(first, after, on_waiting, report);
    if (is_ca_new && !config_differs(before, after, "fetch.ca_file"))
        add(report, "fetch.ca_file", "(not shown)", new_content);
}

void reload_report_done(struct reload_report *report)
{
    buffer_done(&report->changed);
    buffer_done(&report->waiting);
    buffer_done(&report->names);
}

static void log_change(const struct config_change *change, void *context)
{
    size_t *left = context;
    struct log_line line;
    if (*left == 0)
        return;
    --*left;
    log_begin(&line, LOG_INFO, "option_changed");
    log_text(&line, "option", change->option->path);
    log_text(&line, "before", change->before);
    log_text(&line, "after", change->after);
    log_end(&line);
}

void reload_report_log(const struct reload_report *report, const struct config *before,
                       const struct config *after, uint64_t generation)
{
    size_t left = RELOAD_LINES_MAX;
    struct log_line line;
    config_diff(before, after, log_change, &left);
    if (report->waiting_count > 0) {
        log_begin(&line, LOG_WARNING, "restart_needed");
        log_text(&line, "message",
                 "these options keep the values the process was started with");
        log_slice(&line, "options", buffer_slice(&report->names));
        log_end(&line);
    }
    log_begin(&line, LOG_INFO, "reloaded");
    log_int(&line, "generation", (int64_t)generation);
    log_int(&line, "changed", (int64_t)report->changed_count);
    log_end(&line);
}

void reload_report_answer(const struct reload_report *report, uint64_t generation,
                          struct buffer *out)
{
    buffer_append_text(out, "{\"generation\":");
    buffer_append_uint(out, generation);
    buffer_append_text(out, ",\"changed\":[");
    buffer_append(out, report->changed.data, report->changed.len);
    buffer_append_text(out, "],\"needsRestart\":[");
    buffer_append(out, report->waiting.data, report->waiting.len);
    buffer_append_text(out, "]}\n");
}

void reload_report_faults(struct slice faults, bool is_in_use)
{
    const char *at = faults.data;
    const char *end = at ? at + faults.len : NULL;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct slice fault = slice_make(at, (size_t)((stop ? stop : end) - at));
        struct log_line line;
        log_begin(&line, is_in_use ? LOG_WARNING : LOG_ERROR, "configuration_fault");
        log_slice(&line, "fault", fault);
        log_end(&line);
        at = stop ? stop + 1 : end;
    }
}
