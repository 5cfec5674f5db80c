/* SPDX-License-Identifier: Apache-2.0 */
/* config/config.h: files, overrides, environment, secrets. */
#include "base/log.h"
#include "config/config.h"
#include "config/options.h"
#include "support/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct buffer faults;
static char path[64];

static void prepare(void)
{
    buffer_init(&faults, 1 << 16);
}

static void done(void)
{
    buffer_done(&faults);
    if (*path)
        unlink(path);
}

TestSuite(config, .init = prepare, .fini = done);

static const char *write_file(const char *text)
{
    if (!*path) {
        snprintf(path, sizeof path, "/tmp/gatherd-config-XXXXXX");
        close(mkstemp(path));
    }
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
    return path;
}

static const char *faults_text(void)
{
    const char *text = buffer_text(&faults);
    return text ? text : "";
}

static struct config *load_with(const char *text, const struct config_override *overrides,
                                size_t count)
{
    buffer_clear(&faults);
    return config_load(write_file(text), overrides, count, &faults);
}

/* Loads or fails the test; no warning either. */
static struct config *load(const char *text)
{
    struct config *config = load_with(text, NULL, 0);
    cr_assert(config != NULL, "%s", faults_text());
    expect_text(faults_text(), "");
    return config;
}

/* Refused; the faults without the name of the file in front of each line's place. */
static void expect_refusal(const char *text, const char *part)
{
    struct config *config = load_with(text, NULL, 0);
    cr_assert(config == NULL);
    expect_part(faults_text(), part);
}

Test(config, the_defaults_are_those_of_the_contract)
{
    struct config *config = config_defaults();
    cr_assert(config->server.listen.count == 1);
    expect_text(config->server.listen.items[0], "127.0.0.1:8080");
    cr_assert(config->server.workers == 0);
    cr_assert(config->server.max_connections == 10000);
    cr_assert(config->server.request_max_bytes == 4 << 20);
    cr_assert(config->server.head_timeout_ms == 5000);
    cr_assert(config->server.body_timeout_ms == 15000);
    cr_assert(config->server.idle_timeout_ms == 60000);
    cr_assert(config->server.write_timeout_ms == 30000);
    cr_assert(config->server.write_rate_min == 4096);
    cr_assert(config->server.drain_timeout_ms == 20000);
    expect_text(config->server.tls_certificate, "");
    expect_text(config->server.tls_key, "");
    expect_text(config->server.tls_client_ca, "");
    cr_assert(config->ops.listen.count == 0);
    cr_assert(config->auth.mode == AUTH_AUTO && config->auth.keys.count == 0);
    cr_assert(config->batch.max_items == 1000);
    cr_assert(config->batch.deadline_ms == 15000);
    cr_assert(config->batch.max_deadline_ms == 120000);
    cr_assert(config->batch.concurrency == 0);
    cr_assert(config->batch.reply_max_bytes == 64 << 20);
    config_free(config);
}

Test(config, the_defaults_of_the_upstream_side_are_those_of_the_contract)
{
    struct config *config = config_defaults();
    cr_assert(config->fetch.timeout_ms == 10000);
    cr_assert(config->fetch.connect_timeout_ms == 2000);
    cr_assert(config->fetch.first_byte_timeout_ms == 10000);
    cr_assert(config->fetch.idle_timeout_ms == 5000);
    cr_assert(config->fetch.queue_timeout_ms == 0);
    cr_assert(config->fetch.body_max_bytes == 4 << 20);
    cr_assert(config->fetch.headers_max_bytes == 64 << 10);
    cr_assert(config->fetch.max_in_flight == 10000);
    cr_assert(config->fetch.per_origin == 256);
    cr_assert(config->fetch.max_redirects == 5);
    cr_assert(config->fetch.keep_alive_ms == 60000);
    cr_assert(not(config->fetch.http2));
    cr_assert(eq(int, strncmp(config->fetch.user_agent, "gatherd/", 8), 0));
    expect_text(config->fetch.ca_file, "");
    expect_text(config->fetch.proxy, "");
    cr_assert(config->dns.timeout_ms == 2000 && config->dns.cache_max == 10000);
    cr_assert(config->dns.ttl_max_ms == 30000);
    cr_assert(config->egress.schemes.count == 2 && config->egress.ports.count == 3);
    expect_text(config->egress.ports.items[2], "1024-65535");
    expect_text(config->egress.deny_ports.items[0], "unsafe");
    cr_assert(config->egress.private_addresses == POLICY_DENY);
    cr_assert(config->egress.allow.count == 0 && config->egress.deny.count == 0);
    cr_assert(config->memory.reply_budget == 512 << 20);
    cr_assert(config->log.level == LOG_INFO && config->log.format == LOG_JSON);
    cr_assert(config->log.access);
    config_free(config);
}

Test(config, an_empty_file_gives_the_defaults)
{
    struct config *config = load("");
    cr_assert(config->batch.max_items == 1000);
    config_free(config);
    config = load("# nothing\n---\n");
    config_free(config);
    config = load("server:\nfetch: {}\n");
    cr_assert(config->fetch.per_origin == 256);
    config_free(config);
}

Test(config, every_shipped_file_loads_without_a_warning)
{
    static const char *const files[] = {"config/gatherd.yaml", "config/quickstart.yaml",
                                        "config/production.yaml",
                                        "config/container.yaml"};
    for (size_t i = 0; i < 4; i++) {
        buffer_clear(&faults);
        struct config *config = config_load(files[i], NULL, 0, &faults);
        cr_expect(config != NULL, "%s:\n%s", files[i], faults_text());
        cr_expect(faults.len == 0, "%s:\n%s", files[i], faults_text());
        config_free(config);
    }
}

Test(config, the_complete_file_says_nothing_but_the_defaults)
{
    struct config *complete = config_load("config/gatherd.yaml", NULL, 0, &faults);
    struct config *defaults = config_defaults();
    cr_assert(complete != NULL);
    expect_text(complete->fetch.user_agent, defaults->fetch.user_agent);
    cr_assert(complete->memory.reply_budget == defaults->memory.reply_budget);
    cr_assert(complete->fetch.idle_timeout_ms == defaults->fetch.idle_timeout_ms);
    cr_assert(complete->egress.ports.count == defaults->egress.ports.count);
    config_free(complete);
    config_free(defaults);
}

Test(config, values_of_each_type_arrive)
{
    struct config *config =
        load("server: {workers: 3, listen: [\"127.0.0.1:1\", \"unix:/tmp/x\"]}\n"
             "fetch:\n  timeout: 250ms\n  body_max_bytes: 1KiB\n  http2: on\n"
             "  user_agent: me/1\n  proxy: http://u:p@proxy:1\n"
             "egress: {ports: [80, \"1024-2048\"], private_addresses: allow}\n"
             "log: {level: debug, format: text, access: off}\n");
    cr_assert(config->server.workers == 3 && config->server.listen.count == 2);
    expect_text(config->server.listen.items[1], "unix:/tmp/x");
    cr_assert(config->fetch.timeout_ms == 250 && config->fetch.body_max_bytes == 1024);
    cr_assert(config->fetch.http2);
    expect_text(config->fetch.user_agent, "me/1");
    expect_text(config->fetch.proxy, "http://u:p@proxy:1");
    expect_text(config->egress.ports.items[0], "80");
    cr_assert(config->egress.private_addresses == POLICY_ALLOW);
    cr_assert(config->log.level == LOG_DEBUG && config->log.format == LOG_TEXT);
    cr_assert(not(config->log.access));
    config_free(config);
}

Test(config, a_missing_file_is_one_fault)
{
    struct config *config = config_load("/nonexistent/gatherd.yaml", NULL, 0, &faults);
    cr_assert(config == NULL);
    expect_text(faults_text(),
                "/nonexistent/gatherd.yaml: cannot read it: No such file or directory\n");
    buffer_clear(&faults);
    cr_assert(config_load("/tmp", NULL, 0, &faults) == NULL);
    expect_text(faults_text(), "/tmp: cannot read it: Is a directory\n");
}

Test(config, every_fault_is_told_at_once_and_in_order)
{
    struct config *config = load_with("batch:\n  deadline: 5\n  max_itms: 3\n"
                                      "fetch:\n  http2: maybe\nlog: {level: loud}\n",
                                      NULL, 0);
    cr_assert(config == NULL);
    char expected[1024];
    snprintf(expected, sizeof expected,
             "%1$s:2:13: batch.deadline: \"5\" has no unit: put ms, s or m behind it\n"
             "%1$s:3:3: batch.max_itms: unknown key: did you mean batch.max_items?\n"
             "%1$s:5:10: fetch.http2: \"maybe\" is neither on nor off\n"
             "%1$s:6:14: log.level: \"loud\" is not one of error, warning, info, debug\n",
             path);
    expect_text(faults_text(), expected);
}

Test(config, overrides_win_over_the_file_and_the_last_one_wins)
{
    const struct config_override overrides[] = {
        {"batch.max_items", "7"}, {"server.listen", "[\"127.0.0.1:0\", \"unix:/tmp/y\"]"},
        {"batch.max_items", "8"}, {"fetch.user_agent", "two words"},
        {"fetch.proxy", ""},
    };
    struct config *config =
        load_with("batch: {max_items: 5}\nfetch: {proxy: 'http://p:1'}\n", overrides, 5);
    cr_assert(config != NULL, "%s", faults_text());
    cr_assert(config->batch.max_items == 8 && config->server.listen.count == 2);
    expect_text(config->fetch.user_agent, "two words");
    expect_text(config->fetch.proxy, "");
    config_free(config);
}

Test(config, faults_of_overrides_name_the_override)
{
    const struct config_override overrides[] = {
        {"batch.deadlin", "7s"},        {"batch.deadline", "7"},   {"server", "{}"},
        {"server.listen", "[unclosed"}, {"fetch.proxy", "secret"}, {"", "x"}};
    struct config *config = load_with("", overrides, 6);
    cr_assert(config == NULL);
    expect_text(
        faults_text(),
        "--set batch.deadlin=7s: batch.deadlin: unknown key: did you mean "
        "batch.deadline?\n"
        "--set batch.deadline=7: batch.deadline: \"7\" has no unit: put ms, s or m "
        "behind "
        "it\n"
        "--set server={}: server: a section: set the options in it one by one\n"
        "--set server.listen=[unclosed: not YAML: did not find expected ',' or ']'\n"
        "--set fetch.proxy=...: fetch.proxy: write http://host:port (or https, socks5, "
        "socks5h)\n"
        "--set =x: unknown key\n");
}

Test(config, an_override_can_mend_what_contradicts_in_the_file)
{
    const struct config_override override = {"batch.deadline", "5s"};
    struct config *config = load_with("batch: {max_deadline: 10s}\n", &override, 1);
    cr_assert(config != NULL, "%s", faults_text());
    config_free(config);
}

Test(config, the_environment_is_taken_into_any_scalar)
{
    setenv("GATHERD_TEST_PORT", "8099", 1);
    setenv("GATHERD_TEST_ITEMS", "12", 1);
    struct config *config =
        load("server: {listen: [\"127.0.0.1:${GATHERD_TEST_PORT}\"]}\n"
             "batch: {max_items: \"${GATHERD_TEST_ITEMS}\", "
             "concurrency: \"${GATHERD_TEST_NOT_THERE:-4}\"}\n"
             "fetch: {http2: \"${GATHERD_TEST_NOT_THERE:-on}\"}\n");
    expect_text(config->server.listen.items[0], "127.0.0.1:8099");
    cr_assert(config->batch.max_items == 12 && config->batch.concurrency == 4);
    cr_assert(config->fetch.http2);
    config_free(config);
}

Test(config, an_environment_value_is_checked_like_any_other)
{
    setenv("GATHERD_TEST_ITEMS", "many", 1);
    expect_refusal("batch: {max_items: \"${GATHERD_TEST_ITEMS}\"}\n",
                   ":1:20: batch.max_items: \"many\" is not a whole number");
    setenv("GATHERD_TEST_ITEMS", "1]\nfetch: {", 1);
    expect_refusal("batch: {max_items: \"${GATHERD_TEST_ITEMS}\"}\n",
                   "is not a whole number");
}

Test(config, keys_are_read_as_bytes)
{
    struct config *config =
        load("auth:\n  mode: keys\n  keys:\n    - name: billing\n      sha256: "
             "00ff000000000000000000000000000000000000000000000000000000000001\n");
    cr_assert(config->auth.mode == AUTH_KEYS && config->auth.keys.count == 1);
    expect_text(config->auth.keys.items[0].name, "billing");
    cr_assert(config->auth.keys.items[0].sha256[1] == 0xff);
    cr_assert(config->auth.keys.items[0].sha256[31] == 1);
    config_free(config);
}

Test(config, a_hash_may_stand_in_a_file_and_an_open_one_is_warned_of)
{
    char secret[] = "/tmp/gatherd-hash-XXXXXX";
    FILE *file = fdopen(mkstemp(secret), "w");
    fputs("ab00000000000000000000000000000000000000000000000000000000000000\n", file);
    fclose(file);
    char text[256];
    snprintf(text, sizeof text, "auth: {keys: [{name: a, sha256: \"file:%s\"}]}\n",
             secret);
    struct config *config = load(text);
    cr_assert(config->auth.keys.items[0].sha256[0] == 0xab);
    config_free(config);
    cr_assert(chmod(secret, 0644) == 0);
    config = load_with(text, NULL, 0);
    cr_assert(config != NULL);
    expect_part(faults_text(), ":1:33: auth.keys.sha256: warning: every user");
    config_free(config);
    unlink(secret);
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"

Test(config, two_keys_of_one_name_may_be_active)
{
    struct config *config =
        load("auth:\n  keys:\n    - {name: a, id: \"0123456789ab\", sha256: \"" HASH
             "\"}\n    - {name: a, sha256: \"" HASH "\"}\n");
    cr_assert(config->auth.keys.count == 2);
    expect_text(config->auth.keys.items[0].id, "0123456789ab");
    expect_text(config->auth.keys.items[1].id, "");
    config_free(config);
}

Test(config, limits_and_rules_are_read_for_their_keys)
{
    struct config *config =
        load("auth:\n  keys: [{name: a, sha256: \"" HASH "\"}]\n"
             "  limits: [{keys: [a], items_per_second: 5, burst: 10}, {keys: [\"*\"], "
             "max_in_flight: 3, max_items: 2}]\n"
             "egress:\n  mode: report\n  insecure_redirects: allow\n"
             "  rules: [{keys: [a], allow: [\"10.0.0.0/8\"], deny: [b.example], "
             "host_header: allow}]\n");
    const struct config_limit *limits = config->auth.limits.items;
    const struct config_rule *rule = config->egress.rules.items;
    cr_assert(config->auth.limits.count == 2 && config->egress.rules.count == 1);
    cr_expect(limits[0].items_per_second == 5 && limits[0].burst == 10);
    cr_expect(limits[0].max_in_flight == 0 && limits[0].max_items == 0);
    cr_expect(limits[1].max_in_flight == 3 && limits[1].max_items == 2);
    expect_text(limits[1].keys.items[0], "*");
    expect_text(rule->allow.items[0], "10.0.0.0/8");
    expect_text(rule->deny.items[0], "b.example");
    cr_expect(rule->host_header == POLICY_ALLOW);
    cr_expect(config->egress.mode == EGRESS_REPORT);
    cr_expect(config->egress.insecure_redirects == POLICY_ALLOW);
    config_free(config);
}

Test(config, secrets_of_webhooks_are_read_with_the_keys_that_may_use_them)
{
#define WEBHOOK_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    struct config *config =
        load("webhooks:\n  secrets:\n    - {name: orders, secret: " WEBHOOK_SECRET "}\n");
    cr_assert(config->webhooks.secrets.count == 1);
    expect_text(config->webhooks.secrets.items[0].name, "orders");
    expect_text(config->webhooks.secrets.items[0].secret, WEBHOOK_SECRET);
    cr_expect(config->webhooks.secrets.items[0].keys.count == 0);
    config_free(config);
    config =
        load("auth: {keys: [{name: a, sha256: \"" HASH "\"}]}\nwebhooks: {secrets: "
             "[{name: o, secret: " WEBHOOK_SECRET
             ", keys: [a]}, {name: o, secret: " WEBHOOK_SECRET ", keys: [\"*\"]}]}\n");
    cr_assert(config->webhooks.secrets.count == 2);
    expect_text(config->webhooks.secrets.items[0].keys.items[0], "a");
    config_free(config);
}

Test(config, a_list_of_entries_by_override_replaces_the_files_and_has_no_lines)
{
    const struct config_override override = {"auth.limits",
                                             "[{keys: [b], max_items: 2}]"};
    cr_expect(load_with("auth: {keys: [{name: a, sha256: \"" HASH "\"}]}\n", &override,
                        1) == NULL);
    expect_part(faults_text(), "--set auth.limits=...: auth.limits: auth.keys has no ");
    const struct config_override better = {"auth.limits", "[{keys: [a], max_items: 2}]"};
    struct config *config = load_with("auth:\n  keys: [{name: a, sha256: \"" HASH "\"}]\n"
                                      "  limits: [{keys: [a]}, {keys: [\"*\"]}]\n",
                                      &better, 1);
    cr_assert(config != NULL, "%s", faults_text());
    cr_assert(config->auth.limits.count == 1);
    config_free(config);
}

Test(config, entries_about_keys_are_warned_of_where_no_key_is_asked_for)
{
    struct config *config =
        load_with("auth:\n  mode: none\n  keys: [{name: a, sha256: \"" HASH
                  "\"}]\negress:\n  rules: [{keys: [a]}]\n",
                  NULL, 0);
    cr_assert(config != NULL, "%s", faults_text());
    expect_part(faults_text(), "egress.rules: warning: auth.mode is none");
    config_free(config);
}

Test(config, tls_fields_hold_the_content_of_the_files)
{
    static const char pem[] = "-----BEGIN X-----\nAA==\n-----END X-----\n";
    char file[] = "/tmp/gatherd-pem-XXXXXX";
    int fd = mkstemp(file);
    cr_assert(write(fd, pem, sizeof pem - 1) == (ssize_t)sizeof pem - 1);
    cr_assert(fchmod(fd, 0644) == 0);
    close(fd);
    char text[512];
    snprintf(text, sizeof text,
             "server:\n  tls:\n    certificate: %1$s\n    key: %1$s\n"
             "    client_ca: file:%1$s\n",
             file);
    struct config *config = load_with(text, NULL, 0);
    unlink(file);
    cr_assert(config != NULL, "%s", faults_text());
    expect_text(config->server.tls_certificate, pem);
    expect_text(config->server.tls_key, pem);
    expect_text(config->server.tls_client_ca, pem);
    /* Of the three only the key is a secret. */
    expect_part(faults_text(), ":4:10: server.tls.key: warning: every user");
    cr_assert(strchr(faults_text(), '\n') == faults_text() + faults.len - 1);
    config_free(config);
}

Test(config, open_listeners_need_keys_or_the_word_none)
{
    expect_refusal("server: {listen: [\"0.0.0.0:1\"]}\n", "auth.mode: none to run open");
    expect_refusal("server: {listen: [\"fd:3\"]}\n", "auth.mode: none to run open");
    config_free(load("server: {listen: [\"0.0.0.0:1\"]}\nauth: {mode: none}\n"));
    config_free(load("server: {listen: [\"127.0.0.1:1\", \"unix:/x\", \"[::1]:1\"]}\n"));
    config_free(load("ops: {listen: [\"0.0.0.0:1\"]}\n"));
    config_free(load("server: {listen: [\"0.0.0.0:1\"]}\nauth: {keys: [{name: a, sha256: "
                     "\"0000000000000000000000000000000000000000000000000000000000000000"
                     "\"}]}\n"));
}

Test(config, any_free_port_may_be_asked_for_twice)
{
    config_free(load("server: {listen: [\"127.0.0.1:0\", \"127.0.0.1:0\"]}\n"
                     "ops: {listen: [\"127.0.0.1:0\"]}\n"));
}

Test(config, what_cannot_help_is_warned_of)
{
    struct config *config = load_with("memory: {reply_budget: 1MiB}\n", NULL, 0);
    cr_assert(config != NULL);
    expect_part(faults_text(),
                ":1:24: memory.reply_budget: warning: less than batch.reply_max_bytes");
    config_free(config);
    config = load_with("server: {request_max_bytes: 65MiB}\n", NULL, 0);
    cr_assert(config != NULL);
    expect_part(faults_text(), ":1:29: server.request_max_bytes: warning: "
                               "server.request_max_bytes is more than a quarter");
    config_free(config);
    config = load_with("memory: {request_budget: 1MiB}\n", NULL, 0);
    cr_assert(config != NULL);
    expect_part(faults_text(), ":1:26: memory.request_budget: warning: ");
    config_free(config);
}

Test(config, of_two_options_that_contradict_each_other_the_written_one_is_named)
{
    expect_refusal("batch: {max_deadline: 1s}\n",
                   ":1:23: batch.max_deadline: shorter than batch.deadline");
    const struct config_override override = {"batch.max_deadline", "1s"};
    cr_assert(load_with("", &override, 1) == NULL);
    expect_text(faults_text(), "--set batch.max_deadline=1s: batch.max_deadline: shorter "
                               "than batch.deadline\n");
    struct config *config = load_with(
        "batch: {reply_max_bytes: 1GiB}\nmemory: {reply_budget: 1MiB}\n", NULL, 0);
    expect_part(faults_text(),
                ":1:26: batch.reply_max_bytes: warning: more than memory.reply_budget");
    config_free(config);
}

Test(config, freeing_nothing_is_fine)
{
    config_free(NULL);
    struct config *config = config_defaults();
    cr_assert(config != NULL);
    config_free(config);
}
