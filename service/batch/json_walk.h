/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over JSON text by its brackets and quotes, member by member and element by
 * element, hiding what the JSON library should not see. It does not judge grammar: at the
 * first thing out of place every function returns false, and the library says what is
 * wrong. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "batch/shortened.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    WALK_DEPTH_MAX = 32,    /* outside bodies; a right document needs 5 */
    WALK_MEMBERS_MAX = 64,  /* of one object whose members are looked at */
    WALK_VALUES_MAX = 1000, /* names, texts and numbers in one value kept */
};

enum walk_fault {
    WALK_FINE, /* or not JSON */
    WALK_TOO_DEEP,
    WALK_TOO_LONG, /* more members or values than the above */
    WALK_TOO_MANY, /* for the caller's use */
    WALK_NO_MEMORY,
};

struct walk {
    const char *at;
    const char *end;
    unsigned depth; /* containers open around `at` */
    enum walk_fault fault;
    struct shortened *shortened;
    void *context;
};

/* Steps over a member's value or an element, from where it begins. False: stop. */
typedef bool walk_member_fn(struct walk *walk, struct slice key, size_t index);
typedef bool walk_element_fn(struct walk *walk, size_t index);

/* walk_stop notes why and returns false. */
bool walk_stop(struct walk *walk, enum walk_fault fault);

/* walk_peek steps over white space; returns the byte that follows, 0 at the end. */
char walk_peek(struct walk *walk);

/* walk_members calls on_member for each member of the object at `at`, walk_elements
 * on_element for each element of the array; `index` is handed through, or counts. */
bool walk_members(struct walk *walk, walk_member_fn *on_member, size_t index) MUST_CHECK;
bool walk_elements(struct walk *walk, walk_element_fn *on_element) MUST_CHECK;

/* walk_skip steps over any value. Containers nested in more than `kept` others are hidden
 * (an empty one takes their place), and so is a number that has an exponent or over 18
 * bytes. */
bool walk_skip(struct walk *walk, unsigned kept) MUST_CHECK;

/* walk_hide puts `stand_in` in the place of `part`, which ends at or before `at`. */
bool walk_hide(struct walk *walk, struct slice part, const char *stand_in) MUST_CHECK;

/* walk_key_is: the raw text of a name means `name`; escapes are undone. */
bool walk_key_is(struct slice key, const char *name);
