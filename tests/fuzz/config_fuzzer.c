/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: a tree and faults, whatever the text. */
#include "fuzzer.h"

#include "config/yaml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults = {.count = 0};
    struct place start = {.source = "fuzz", .line = 1, .column = 1};
    struct tree_node *tree =
        yaml_tree_parse(start, slice_make((const char *)data, size), &faults);
    MUST_HOLD(tree != NULL);
    struct buffer out;
    buffer_init(&out, 1 << 20);
    faults_write(&faults, &out);
    for (size_t i = 0; i < out.len; i++)
        MUST_HOLD((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n');
    buffer_done(&out);
    yaml_tree_free(tree);
    faults_done(&faults);
    return 0;
}
