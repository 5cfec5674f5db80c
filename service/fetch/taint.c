/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tainted origins: sets of four slots, each one word that holds a tag of the
 * key, how often it was caught, and until when it is tainted. Relaxed atomics: a note
 * lost to another worker's at the same moment is made again at the next offence. Asked by
 * flight_attempt.c for every attempt, told by it and lane_socket.c. */
#include "fetch/taint.h"

#include "base/memory.h"
#include "base/random.h"
#include "fetch/target_hash.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 256, WAYS = 4, COUNT_MAX = 255 };

struct taints {
    uint64_t seed;
    atomic_uint_fast64_t slots[SETS][WAYS];
};

struct slot {
    uint32_t until_s; /* 0: free */
    uint32_t count;
    uint32_t tag;
};

struct taints *taints_new(void)
{
    struct taints *taints = memory_new(sizeof *taints);
    taints->seed = random_u64();
    return taints;
}

void taints_free(struct taints *taints)
{
    free(taints);
}

uint64_t taints_key(const struct taints *taints, const struct target *target)
{
    return target_hash(target, taints->seed) | 1;
}

static struct slot unpack(uint64_t word)
{
    return (struct slot){.until_s = (uint32_t)word,
                         .count = (word >> 32) & COUNT_MAX,
                         .tag = (uint32_t)(word >> 40)};
}

static uint64_t pack(struct slot slot)
{
    return (uint64_t)slot.tag << 40 | (uint64_t)slot.count << 32 | slot.until_s;
}

static size_t set_of(uint64_t key)
{
    return (key >> 1) % SETS;
}

static uint32_t tag_of(uint64_t key)
{
    return (uint32_t)(key >> 40);
}

static struct slot read_slot(const struct taints *taints, uint64_t key, size_t way)
{
    return unpack(
        atomic_load_explicit(&taints->slots[set_of(key)][way], memory_order_relaxed));
}

/* Its own slot, else the one whose taint ends first. */
static size_t way_of(const struct taints *taints, uint64_t key)
{
    size_t first = 0;
    for (size_t way = 0; way < WAYS; way++) {
        struct slot slot = read_slot(taints, key, way);
        if (slot.until_s != 0 && slot.tag == tag_of(key))
            return way;
        if (slot.until_s < read_slot(taints, key, first).until_s)
            first = way;
    }
    return first;
}

static uint64_t taint_ms(uint32_t count)
{
    uint64_t ms = TAINT_FIRST_MS;
    for (uint32_t i = 1; i < count && ms < TAINT_LONGEST_MS; i++)
        ms *= 2;
    return ms < TAINT_LONGEST_MS ? ms : TAINT_LONGEST_MS;
}

bool taints_note(struct taints *taints, uint64_t key, uint64_t now_ms)
{
    assert(key != 0);
    uint64_t now_s = now_ms / 1000;
    size_t way = way_of(taints, key);
    struct slot slot = read_slot(taints, key, way);
    bool is_known = slot.until_s != 0 && slot.tag == tag_of(key);
    if (is_known && now_s < slot.until_s)
        return false;
    bool is_repeated = is_known && now_s < slot.until_s + TAINT_FORGIVEN_MS / 1000;
    slot.count = !is_repeated ? 1 : slot.count < COUNT_MAX ? slot.count + 1 : COUNT_MAX;
    slot.tag = tag_of(key);
    slot.until_s = (uint32_t)(now_s + taint_ms(slot.count) / 1000);
    atomic_store_explicit(&taints->slots[set_of(key)][way], pack(slot),
                          memory_order_relaxed);
    return true;
}

bool taints_has(const struct taints *taints, uint64_t key, uint64_t now_ms)
{
    for (size_t way = 0; way < WAYS; way++) {
        struct slot slot = read_slot(taints, key, way);
        if (slot.tag == tag_of(key) && now_ms / 1000 < slot.until_s)
            return true;
    }
    return false;
}

/* RFC 8446 5.1: type, version, length. In TLS 1.3 an alert (2 bytes) and a KeyUpdate (5)
 * look like data, sealed with a type and a tag of 16; no reply is that short. */
static bool is_tls_housekeeping(const unsigned char *bytes, size_t len)
{
    enum { ALERT = 21, DATA = 23, KEY_UPDATE_BYTES = 22, RECORD_HEAD = 5 };
    if (bytes[0] == ALERT)
        return true;
    return bytes[0] == DATA && len >= RECORD_HEAD && bytes[3] == 0 &&
           bytes[4] <= KEY_UPDATE_BYTES;
}

static bool is_request_timeout(const unsigned char *bytes, size_t len)
{
    return len >= 12 && memcmp(bytes, "HTTP/1.", 7) == 0 &&
           memcmp(bytes + 8, " 408", 4) == 0;
}

bool taint_is_offence(const unsigned char *bytes, size_t len, bool is_tls)
{
    if (len == 0)
        return false;
    return is_tls ? !is_tls_housekeeping(bytes, len) : !is_request_timeout(bytes, len);
}
