/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on places; only the blanks in front of a value are looked at. It knows
 * nothing of what the parts mean (request_head.c). Called by exchange.c. */
#include "http/head_layout.h"

enum { LINE_END = 2 }; /* CR LF */

static uintptr_t place(struct slice text)
{
    return (uintptr_t)text.data;
}

void head_layout_start(struct head_layout *layout, struct slice method,
                       struct slice target, struct slice version, size_t size)
{
    layout->is_plain = place(method) + method.len + 1 == place(target) &&
                       place(target) + target.len + 1 == place(version);
    layout->at = place(version) + version.len + LINE_END;
    layout->end = place(method) + size;
}

/* Between a name and its value: a colon, which the library has written over, and any
 * blanks. */
static bool is_separator(struct slice name, struct slice value)
{
    const char *from = name.data + name.len + 1;
    if (place(value) < (uintptr_t)from)
        return false;
    for (; from < value.data; from++) {
        if (*from != ' ' && *from != '\t')
            return false;
    }
    return true;
}

void head_layout_add(struct head_layout *layout, struct slice name, struct slice value)
{
    if (!layout->is_plain)
        return;
    layout->is_plain = place(name) == layout->at &&
                       place(value) + value.len + 2 * LINE_END <= layout->end &&
                       is_separator(name, value);
    layout->at = place(value) + value.len + LINE_END;
}

bool head_layout_is_plain(const struct head_layout *layout)
{
    return layout->is_plain && layout->at + LINE_END == layout->end;
}
