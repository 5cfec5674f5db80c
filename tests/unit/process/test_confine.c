/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h: what of the configuration's files stays within reach. The child is vfork's,
 * as in test_sandbox.c. */
#include "confine.h"

#include "sandbox_fixture.h"

#include <sys/prctl.h>
#include <sys/resource.h>

TestSuite(confine, .init = make_folders, .fini = remove_folders);

static struct config *configure(bool sandbox)
{
    char listen[256], ca_file[256];
    snprintf(listen, sizeof listen, "[\"127.0.0.1:0\", \"unix:%s/socket\"]", removable);
    snprintf(ca_file, sizeof ca_file, "%s/file", readable);
    const struct config_override overrides[] = {
        {"server.listen", listen},
        {"ops.listen", "[\"unix:/socket\"]"},
        {"fetch.ca_file", ca_file},
        {"process.sandbox", sandbox ? "on" : "off"}};
    struct buffer faults;
    buffer_init(&faults, 4096);
    struct config *config = config_load(NULL, overrides, 4, &faults);
    cr_assert(config != NULL, "%.*s", (int)faults.len, faults.data);
    buffer_done(&faults);
    return config;
}

static void enter_and_look(const struct config *config, const char *config_file)
{
    struct error err = {0};
    if (!confine_process(config, config_file, &err))
        _exit(NOT_ENTERED);
    bool is_right = open(in(readable), O_RDONLY) >= 0 && unlink(in(removable)) == 0 &&
                    open("/proc/self/stat", O_RDONLY) >= 0 && make_process() == EPERM;
    _exit(is_right ? 0 : errno);
}

Test(confine, the_configurations_files_stay_within_reach)
{
    struct config *config = configure(true);
    pid_t child = vfork();
    if (child == 0)
        enter_and_look(config, "gatherd.yaml");
    cr_assert(eq(int, end_of(child), 0));
    config_free(config);
}

static void stay_out(const struct config *config)
{
    struct error err = {0};
    if (!confine_process(config, "gatherd.yaml", &err))
        _exit(NOT_ENTERED);
    _exit(outcome(open(in(outside), O_RDWR) >= 0));
}

Test(confine, nothing_is_taken_away_when_the_sandbox_is_off)
{
    struct config *config = configure(false);
    pid_t child = vfork();
    if (child == 0)
        stay_out(config);
    cr_assert(eq(int, end_of(child), 0));
    config_free(config);
}

static void confine_and_look(const struct config *config, int is_dumpable)
{
    struct rlimit limit;
    confine_memory(config);
    bool is_right = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == is_dumpable &&
                    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                    getrlimit(RLIMIT_CORE, &limit) == 0 &&
                    (is_dumpable || (limit.rlim_cur == 0 && limit.rlim_max == 0));
    _exit(is_right ? 0 : NOT_ENTERED);
}

static int try_memory(bool core_dumps)
{
    struct config *config = configure(false);
    config->process.core_dumps = core_dumps;
    pid_t child = fork();
    if (child == 0)
        confine_and_look(config, core_dumps);
    config_free(config);
    return end_of(child);
}

Test(confine, memory_is_for_nobody_else_unless_asked_for)
{
    cr_assert(eq(int, try_memory(false), 0));
    cr_assert(eq(int, try_memory(true), 0));
}
