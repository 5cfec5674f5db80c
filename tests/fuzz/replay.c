/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer over every file of a folder: REPLAY FOLDER. Fails when there is none. */
#include "fuzzer.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20 };

static void replay(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    MUST_HOLD(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* Exactly sized, so that a sanitizer sees a read behind the end. */
    uint8_t *exact = malloc(size ? size : 1);
    MUST_HOLD(exact != NULL);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    MUST_HOLD(argc == 2);
    DIR *folder = opendir(argv[1]);
    MUST_HOLD(folder != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        replay(path);
        count++;
    }
    closedir(folder);
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
