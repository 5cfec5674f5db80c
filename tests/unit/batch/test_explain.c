/* SPDX-License-Identifier: Apache-2.0 */
/* What an explanation says of each kind of item, and that it stays within its bounds. */
#include "batch/explain.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>

static struct config config;
static struct budget replies;

static char http[] = "http", https[] = "https", port[] = "80", secure[] = "443";
static char none[] = "unsafe", denied[] = "denied.example", internal[] = "10.0.0.0/8";
static char orders[] = "orders", secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static char *schemes[] = {http, https}, *ports[] = {port, secure}, *unsafe[] = {none},
            *deny[] = {denied}, *allow[] = {internal};
static struct config_webhook_secret secrets[] = {{.name = orders, .secret = secret}};

static void setup(void)
{
    config = fixture_config();
    config.fetch.first_byte_timeout_ms = 3000;
    config.fetch.idle_timeout_ms = 4000;
    config.fetch.retries = 1;
    config.egress.schemes = (struct config_strings){schemes, 2};
    config.egress.ports = (struct config_strings){ports, 2};
    config.egress.deny_ports = (struct config_strings){unsafe, 1};
    config.egress.deny = (struct config_strings){deny, 1};
    config.egress.allow = (struct config_strings){allow, 1};
    config.webhooks.secrets.items = secrets;
    config.webhooks.secrets.count = 1;
    replies = (struct budget){.max = 1 << 20};
}
TestSuite(explain, .init = setup);

static struct batch *parse(const char *text)
{
    struct parse_errors errors;
    char *copy = strdup(text);
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    struct batch *batch =
        parse_batch(slice_from(copy), &(struct parse_setup){.config = &config}, &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch);
    free(copy);
    return batch;
}

static enum explain_result explain(struct batch *batch, struct buffer *out)
{
    struct error err;
    struct guard *guard = guard_new(&config, NULL, &err);
    cr_assert_not_null(guard);
    const struct explain_setup with = {
        .config = &config, .guard = guard, .replies = &replies};
    enum explain_result result = explain_batch(&with, batch, out);
    guard_free(guard);
    return result;
}

static json_t *explained(const char *text)
{
    struct batch *batch = parse(text);
    struct buffer out;
    cr_assert_eq(explain(batch, &out), EXPLAIN_DONE);
    cr_expect_eq(budget_held(&replies), out.len);
    json_error_t error;
    json_t *document = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(document, "%s\n%.*s", error.text, (int)out.len, out.data);
    budget_give(&replies, out.len);
    buffer_done(&out);
    batch_free(batch);
    return document;
}

/* The member at `path` ("limits/timeoutMs", "alternatives/0/policy") as compact JSON with
 * ' for "; "" where there is none. */
static const char *at(json_t *value, const char *path)
{
    static char text[8192];
    char copy[128];
    char *rest = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name; (name = strsep(&rest, "/"));)
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
    size_t len =
        value ? json_dumpb(value, text, sizeof text - 1, JSON_COMPACT | JSON_ENCODE_ANY)
              : 0;
    text[len] = '\0';
    for (char *quote = text; *quote; quote++)
        *quote = *quote == '"' ? '\'' : *quote;
    return text;
}

static void expect_items(json_t *document, const char *const (*rows)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(at(json_object_get(document, "items"), rows[i][0]), rows[i][1],
                         "%s", rows[i][0]);
    json_decref(document);
}
#define EXPECT_ITEMS(document, rows)                                                     \
    expect_items(document, rows, sizeof(rows) / sizeof *(rows))

Test(explain, the_policy_says_what_it_would_and_by_which_rule)
{
    static const char *const rows[][2] = {
        {"0/policy",
         "{'verdict':'allowed','detail':'by its name; its addresses are judged "
         "when it is looked up','rule':'egress.schemes, egress.ports'}"},
        {"1/policy/code", "'blocked_url'"},
        {"1/policy/rule", "'egress.deny'"},
        {"2/policy/code", "'blocked_address'"},
        {"2/policy/rule", "'egress.private_addresses: deny'"},
        {"3/policy", "{'verdict':'allowed','rule':'egress.allow'}"},
        {"4/policy", "{'verdict':'refused','code':'bad_url','detail':'the URL must begin "
                     "with http:// or https://'}"},
        {"4/curl", ""},
        {"5/policy/rule", "'egress.ports, egress.deny_ports'"},
    };
    json_t *document = explained(
        "['http://a.example/', 'http://denied.example/', 'http://192.168.0.1/', "
        "'http://10.1.1.1/', 'not-a-url', 'http://a.example:8080/']");
    EXPECT_ITEMS(document, rows);
}

Test(explain, on_trial_it_says_what_would_be_refused)
{
    static const char *const rows[][2] = {
        {"0/policy/verdict", "'allowed'"},
        {"0/policy/detail", "'egress.mode is report: enforced, it would be refused: the "
                            "host is denied by egress.deny'"},
        {"0/policy/rule", "'egress.deny'"},
    };
    config.egress.mode = EGRESS_REPORT;
    json_t *document = explained("['http://denied.example/']");
    cr_expect_str_eq(at(document, "batch/egressMode"), "'report'");
    EXPECT_ITEMS(document, rows);
}

Test(explain, limits_are_those_it_gets_and_what_was_lowered_is_said)
{
    static const char *const rows[][2] = {
        {"0/limits",
         "{'timeoutMs':10000,'connectTimeoutMs':2000,'firstByteTimeoutMs':3000,"
         "'idleTimeoutMs':4000,'redirects':0,'maxBodyBytes':4194304,"
         "'lowered':[]}"},
        {"1/limits/timeoutMs", "10000"},
        {"1/limits/redirects", "5"},
        {"1/limits/lowered",
         "['timeoutMs','connectTimeoutMs','redirects','maxBodyBytes']"},
        {"2/limits/timeoutMs", "1"},
        {"2/limits/lowered", "[]"},
    };
    json_t *document = explained(
        "['http://a/', {'url':'http://a/','timeoutMs':60000,'connectTimeoutMs':5000,"
        "'redirects':20,'maxBodyBytes':99999999}, {'url':'http://a/','timeoutMs':1}]");
    EXPECT_ITEMS(document, rows);
    config.fetch.queue_timeout_ms = 7;
    document = explained("['http://a/']");
    cr_expect_str_eq(at(document, "items/0/limits/queueTimeoutMs"), "7");
    json_decref(document);
}

Test(explain, the_batch_has_its_deadline_and_concurrency)
{
    json_t *document = explained("['http://a/', 'http://a/']");
    cr_expect_str_eq(at(document, "batch"),
                     "{'items':2,'deadlineMs':15000,'lowered':[],'until':'all',"
                     "'failFast':false,'egressMode':'enforce'}");
    json_decref(document);
    config.batch.concurrency = 7;
    document = explained("{'urls':['http://a/'],'deadlineMs':500000,'concurrency':9,"
                         "'until':{'ok':1},'failFast':true}");
    cr_expect_str_eq(at(document, "batch"),
                     "{'items':1,'deadlineMs':120000,'concurrency':7,'lowered':"
                     "['deadlineMs','concurrency'],'until':{'ok':1},'failFast':true,"
                     "'egressMode':'enforce'}");
    json_decref(document);
    document = explained("{'urls':['http://a/'],'concurrency':9,'until':'firstDone'}");
    cr_expect_str_eq(at(document, "batch/lowered"), "['concurrency']");
    cr_expect_str_eq(at(document, "batch/until"), "'firstDone'");
    json_decref(document);
}

Test(explain, what_an_item_asks_for_is_told_as_it_was_understood)
{
    static const char *const rows[][2] = {
        {"0/retries", "1"},
        {"0/optional", "true"},
        {"0/hedgeAfterMs", "50"},
        {"0/alternatives/0/policy/code", "'blocked_url'"},
        {"0/alternatives/1/policy/verdict", "'allowed'"},
        {"0/expect", "{'status':[200,'4xx'],'contentType':'text/*','maxBodyBytes':9,"
                     "'bodyContains':'x'}"},
        {"0/fallback", "{'status':203,'bodyBytes':4}"},
        {"0/coalesce", "true"},
        {"1/retries", "0"},
        {"1/bodyBytes", "7"},
        {"1/sign", "{'secret':'orders','scheme':'standard-webhooks','signatures':1}"},
        {"1/coalesce", ""},
        {"2/retries", "3"},
        {"2/sharedBody", "true"},
        {"2/bodyBytes", "1"},
        {"4/coalesce", ""},
    };
    json_t *document = explained(
        "{'sharedBody':1,'coalesce':true,'requests':[{'url':'http://a/','optional':true,"
        "'hedgeAfterMs':50,'alternatives':['http://denied.example/','http://b/"
        "'],'expect':"
        "{'status':[200,'4xx'],'contentType':'text/"
        "*','maxBodyBytes':9,'bodyContains':'x'},"
        "'fallback':{'status':203,'body':'none'}},{'url':'http://a/','method':'POST',"
        "'body':{'a':1},'sign':{'secret':'orders'}},{'url':'http://a/','method':'POST',"
        "'body':{'$shared':true},'retries':3,'idempotencyKey':'k'},{'url':'http://a/',"
        "'expect':{'maxBodyBytes':1}},{'url':'http://a/','method':'DELETE'}]}");
    json_t *last = json_array_get(json_object_get(document, "items"), 3);
    cr_expect_str_eq(at(last, "expect"), "{'status':[],'maxBodyBytes':1}");
    EXPECT_ITEMS(document, rows);
}

Test(explain, the_command_line_is_there_with_secrets_masked)
{
    json_t *document =
        explained("[{'url':'http://a/?token=abc','headers':{'authorization':'abc'}}]");
    const char *curl = at(document, "items/0/curl");
    cr_expect_not_null(strstr(curl, "curl --silent"));
    cr_expect_null(strstr(curl, "abc"), "%s", curl);
    json_decref(document);
}

Test(explain, what_is_too_long_for_a_line_has_none)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "['http://a/");
    for (size_t i = 0; i < 300 << 10; i++)
        buffer_append_byte(&text, 'x');
    buffer_append_text(&text, "','http://a/']");
    json_t *document = explained(buffer_text(&text));
    cr_expect_str_eq(at(document, "items/0/curl"), "");
    cr_expect_str_neq(at(document, "items/1/curl"), "", "the next one has");
    json_decref(document);
    buffer_done(&text);
}

Test(explain, it_ends_at_the_ceilings_and_charges_nothing_then)
{
    struct batch *batch = parse("['http://a/', 'http://a/', 'http://a/']");
    struct buffer out;
    config.batch.reply_max_bytes = 1500;
    cr_expect_eq(explain(batch, &out), EXPLAIN_TOO_LARGE);
    cr_expect(out.len == 0 && budget_held(&replies) == 0);
    config.batch.reply_max_bytes = 1 << 20;
    for (replies.max = 0; replies.max < 4000; replies.max += 7) {
        enum explain_result result = explain(batch, &out);
        cr_assert_neq(result, EXPLAIN_TOO_LARGE);
        cr_assert_eq(budget_held(&replies), out.len);
        cr_assert_eq(result == EXPLAIN_DONE, out.len > 0);
        budget_give(&replies, out.len);
        buffer_done(&out);
    }
    batch_free(batch);
}

Test(explain, small_answers_are_told)
{
    static const char *const rows[][2] = {
        {"0/select", "['/a','/b/0']"},     {"0/bodyMode", ""},
        {"0/responseHeaders", "['etag']"}, {"1/bodyMode", "'sha256'"},
        {"1/responseHeaders", ""},         {"2/bodyMode", "{'firstBytes':9}"},
        {"2/responseHeaders", "[]"},
    };
    json_t *document = explained(
        "[{'url':'http://a/','select':['/a','/b/0'],'responseHeaders':['etag']},"
        "{'url':'http://a/','bodyMode':'sha256'},{'url':'http://a/','bodyMode':"
        "{'firstBytes':9},'responseHeaders':[]}]");
    EXPECT_ITEMS(document, rows);
}

Test(explain, who_waits_for_whom_is_told_by_id_and_level)
{
    static const char *const rows[][2] = {
        {"0/dependsOn", "['b','a']"},
        {"0/level", "2"},
        {"1/dependsOn", "['a']"},
        {"1/level", "1"},
        {"2/dependsOn", "[]"},
        {"2/level", "0"},
        {"3/dependsOn", ""},
        {"3/level", ""},
        {"0/policy/verdict", "'allowed'"},
        {"4/policy",
         "{'verdict':'unknown','detail':'the URL comes of another reply and is "
         "judged when it is known'}"},
        {"4/curl", ""},
        {"5/policy/code", "'blocked_url'"},
        {"5/policy/rule", "'egress.deny'"},
    };
    json_t *document = explained(
        "[{'url':'http://x/{{ b.status }}','id':'c','dependsOn':['a']},"
        "{'url':'http://x/?{{a.body.q}}','id':'b'},{'url':'http://x/','id':'a'},"
        "'http://x/',{'url':'{{a.body.u}}'},{'url':'http://denied.example/"
        "{{a.status}}'}]");
    EXPECT_ITEMS(document, rows);
}

Test(explain, an_item_that_is_sent_for_each_of_many_says_how_often_at_most)
{
    static const char *const rows[][2] = {
        {"1/forEach", "{'max':7}"},
        {"1/dependsOn", "['a']"},
        {"0/forEach", ""},
    };
    json_t *document =
        explained("[{'url':'http://x/','id':'a'},{'url':'http://x/{{item}}',"
                  "'forEach':'{{a.body.l}}','max':7}]");
    EXPECT_ITEMS(document, rows);
}
