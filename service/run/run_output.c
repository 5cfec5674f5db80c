/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of run_output.h:
 *
 *     ndjson   response ⏎ … {"summary":…} ⏎     as a streamed reply of the service
 *     json     {"responses":[…],"summary":…} ⏎  of a list in the order they ended
 *     table    a line each
 *
 * A response to a line of a list has its URL behind the id. Called by run.c. */
#include "run/run_output.h"

#include "base/json_text.h"
#include "base/terminal.h"
#include "batch/render.h"
#include "run/run_state.h"
#include "run/run_table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool run_output_open(struct run_output *output, const struct run_setup *setup,
                     struct loop *loop, writer_change_fn *on_change, void *context,
                     struct error *err)
{
    *output = (struct run_output){.format = setup->format};
    if (terminal_is_screen(STDOUT_FILENO))
        output->columns = terminal_size_of(STDOUT_FILENO).columns;
    output->has_colours = terminal_has_colours(STDOUT_FILENO);
    output->is_prompt = isatty(STDOUT_FILENO);
    buffer_init(&output->out, SIZE_MAX / 4); /* gather's ceiling holds: run_output_held */
    output->writer = writer_new(STDOUT_FILENO, loop, on_change, context, err);
    return output->writer != NULL;
}

void run_output_close(struct run_output *output)
{
    writer_free(output->writer);
    buffer_done(&output->out);
}

void run_output_begin(struct run_output *output)
{
    if (output->format == RUN_TABLE)
        run_table_head(&output->out, output->columns, output->has_colours);
}

/* A body is embedded as it came, and between its tokens there may be newlines. */
static void flatten(char *text, size_t len)
{
    static const char unwanted[] = {'\n', '\r'};
    char *end = text + len;
    for (size_t i = 0; i < sizeof unwanted; i++) {
        char *at = text;
        while (at < end && (at = memchr(at, unwanted[i], (size_t)(end - at))))
            *at++ = ' ';
    }
}

/* {"id":"17", and then the URL. The id of a line is its number. */
static void append_with_url(struct buffer *out, const struct item *item,
                            struct slice json)
{
    static const char opening[] = "{\"id\":\"";
    size_t head = sizeof opening - 1 + item->id.len + 2;
    buffer_append(out, json.data, head);
    buffer_append_text(out, "\"url\":");
    json_text_append_any(out, item->url);
    buffer_append_byte(out, ',');
    buffer_append(out, json.data + head, json.len - head);
}

void run_output_response(const struct run_output *output, struct buffer *out,
                         const struct item *item, struct slice json)
{
    if (output->format == RUN_TABLE)
        return;
    if (output->format == RUN_JSON)
        buffer_append_byte(out, ','); /* the first one's goes: run_output_give */
    size_t before = out->len;
    if (output->has_urls)
        append_with_url(out, item, json);
    else
        buffer_append(out, json.data, json.len);
    if (output->format == RUN_NDJSON) {
        flatten(out->data + before, out->len - before);
        buffer_append_byte(out, '\n');
    }
}

void run_output_row(const struct run_output *output, struct buffer *out,
                    const struct run_ended *ended)
{
    const struct outcome *outcome = ended->outcome;
    const struct run_row row = {
        .id = ended->item->id,
        .url = ended->item->url,
        .code = ended->code,
        .status = ended->code == CALL_OK ? outcome->status : 0,
        .total_ms = outcome->timing.total,
        .bytes = outcome->timing.bytes,
        .message = slice_from(outcome->message),
    };
    if (output->format == RUN_TABLE)
        run_table_row(out, &row, output->columns, output->has_colours);
}

void run_output_end(struct run_output *output, const struct gather_summary *summary)
{
    struct buffer *out = &output->out;
    if (output->format == RUN_TABLE)
        return;
    if (output->format == RUN_NDJSON)
        buffer_append_text(out, "{\"summary\":");
    else
        buffer_append_text(out, output->has_some ? "],\"summary\":"
                                                 : "{\"responses\":[],\"summary\":");
    render_summary(out, summary);
    buffer_append_text(out, "}\n");
}

void run_output_pieces(struct run_output *output, struct gather_piece *pieces,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append(&output->out, pieces[i].data, pieces[i].len);
        free(pieces[i].data);
    }
}

/* C1 controls (U+0080 to U+009F) steer a terminal, and may stand in JSON as they are. */
static void escape_c1(struct buffer *text)
{
    struct buffer shown;
    buffer_init(&shown, text->max);
    for (size_t i = 0; i < text->len; i++) {
        unsigned char next = i + 1 < text->len ? (unsigned char)text->data[i + 1] : 0;
        bool is_c1 = text->data[i] == '\xc2' && next >= 0x80 && next < 0xa0;
        if (is_c1)
            buffer_append_format(&shown, "\\u%04x", next);
        else
            buffer_append_byte(&shown, text->data[i]);
        i += is_c1;
    }
    buffer_done(text);
    *text = shown;
}

void run_output_give(struct run_output *output, struct buffer *out)
{
    if (out->len == 0)
        return;
    if (output->is_prompt)
        escape_c1(out);
    if (output->format == RUN_JSON && *out->data == ',' && !output->has_some) {
        struct buffer head;
        buffer_init(&head, out->max);
        buffer_append_text(&head, "{\"responses\":[");
        writer_give(output->writer, &head);
        buffer_done(&head);
        *out->data = ' ';
        output->has_some = true;
    }
    writer_give(output->writer, out);
}

void run_output_flush(struct run_output *output)
{
    run_output_give(output, &output->out);
}

size_t run_output_held(const struct run_output *output)
{
    return output->out.len + writer_held(output->writer);
}

bool run_output_is_empty(struct run_output *output)
{
    return output->out.len == 0 && writer_is_empty(output->writer);
}
