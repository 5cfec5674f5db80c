/* SPDX-License-Identifier: Apache-2.0 */
/* "sign": as item field and default, what is wrong with it, and that a caller learns
 * nothing of secrets it may not use. */
#include "batch/signing.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static char billing[] = "billing", search[] = "search";
static char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static char orders[] = "orders", orderings[] = "orderings", news[] = "news";
static char *billing_keys[] = {billing}, *search_keys[] = {search};

static struct config_webhook_secret secrets[] = {
    {.name = orders, .secret = secret, .keys = {billing_keys, 1}},
    {.name = orderings, .secret = secret, .keys = {search_keys, 1}},
    {.name = news, .secret = secret, .keys = {billing_keys, 1}},
    {.name = news, .secret = secret, .keys = {billing_keys, 1}},
};

static struct batch *parse_as(const char *caller, const char *text,
                              struct parse_errors *errors)
{
    struct config config = fixture_config();
    config.webhooks.secrets.items = secrets;
    config.webhooks.secrets.count = 4;
    char *copy = strdup(text);
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    struct batch *batch =
        parse_batch(slice_from(copy),
                    &(struct parse_setup){.config = &config, .caller = caller}, errors);
    free(copy);
    return batch;
}

static const struct signing *signing_of(const struct batch *batch, size_t index)
{
    const struct item_options *options = batch->items[index].options;
    return options ? options->signing : NULL;
}

Test(parse_sign, a_request_names_its_secret_and_may_name_the_scheme)
{
    struct parse_errors errors;
    struct batch *batch =
        parse_as("billing",
                 "[{'url':'u','sign':{'secret':'orders'}}, 'u', {'url':'u','sign':"
                 "{'secret':'news','scheme':'standard-webhooks'}}]",
                 &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch);
    cr_expect(slice_is(signing_of(batch, 0)->name, "orders"));
    cr_expect_eq(signing_of(batch, 0)->secret_count, 1);
    cr_expect_str_eq(signing_of(batch, 0)->secrets[0], secret);
    cr_expect_null(batch->items[1].options, "a plain item stays plain");
    cr_expect_eq(signing_of(batch, 2)->secret_count, 2, "one replaces the other");
    batch_free(batch);
}

Test(parse_sign, defaults_sign_all_and_a_request_may_take_another_secret)
{
    struct parse_errors errors;
    struct batch *batch =
        parse_as("billing",
                 "{'defaults':{'sign':{'secret':'orders'}},'requests':['u',{'url':'u',"
                 "'sign':{'secret':'news'}}]}",
                 &errors);
    cr_assert_not_null(batch);
    cr_expect(slice_is(signing_of(batch, 0)->name, "orders"));
    cr_expect(slice_is(signing_of(batch, 1)->name, "news"));
    batch_free(batch);
}

static void expect_error(const char *caller, const char *text, const char *pointer,
                         const char *part)
{
    struct parse_errors errors;
    struct batch *batch = parse_as(caller, text, &errors);
    cr_expect_null(batch, "%s", text);
    cr_expect(fixture_has_error(&errors, pointer, part), "%s", text);
    fixture_print_errors(&errors);
    parse_errors_done(&errors);
}

Test(parse_sign, what_is_wrong_is_said_where_it_is)
{
#define SIGN(value) "[{'url':'u','sign':" value "}]"
    expect_error("billing", SIGN("true"), "/0/sign", "must be {\"secret\": \"NAME\"}");
    expect_error("billing", SIGN("{}"), "/0/sign", "\"secret\" is missing");
    expect_error("billing", SIGN("{'secret':1}"), "/0/sign/secret",
                 "must be the name of a secret");
    expect_error("billing", SIGN("{'secret':'orders','scheme':'github'}"),
                 "/0/sign/scheme", "must be \"standard-webhooks\"");
    expect_error("billing", SIGN("{'secret':'orders','schema':1}"), "/0/sign/schema",
                 "unknown field");
}

Test(parse_sign, only_secrets_of_the_caller_are_suggested)
{
    static const char text[] = "[{'url':'u','sign':{'secret':'orderin'}}]";
    expect_error("billing", text, "/0/sign/secret", "did you mean \"orders\"?");
    expect_error("search", text, "/0/sign/secret", "did you mean \"orderings\"?");
    struct parse_errors errors;
    cr_expect_null(parse_as(NULL, text, &errors));
    cr_expect_null(strstr(errors.list[0].detail, "mean"), "%s", errors.list[0].detail);
    parse_errors_done(&errors);
    expect_error("search", "[{'url':'u','sign':{'secret':'orders'}}]", "/0/sign/secret",
                 "no secret of this name that you may use");
}

Test(parse_sign, headers_of_a_signature_are_the_gateways_but_for_the_id)
{
#define WITH(headers) "[{'url':'u','sign':{'secret':'orders'},'headers':{" headers "}}]"
    struct parse_errors errors;
    struct batch *batch = parse_as("billing", WITH("'Webhook-Id':'evt_1'"), &errors);
    cr_expect_not_null(batch);
    batch_free(batch);
    expect_error("billing", WITH("'webhook-timestamp':'1'"),
                 "/0/headers/webhook-timestamp", "\"sign\" makes this header");
    expect_error("billing", WITH("'webhook-signature':'v1,x'"),
                 "/0/headers/webhook-signature", "\"sign\" makes this header");
    expect_error("billing", WITH("'webhook-id':'a.b'"), "/0/headers/webhook-id",
                 "without dots and braces");
    expect_error("billing", WITH("'webhook-id':['a','b']"), "/0/headers/webhook-id",
                 "one value");
    batch =
        parse_as("billing", "[{'url':'u','headers':{'webhook-timestamp':'1'}}]", &errors);
    cr_expect_not_null(batch, "a request that is not signed may send what it likes");
    batch_free(batch);
}
