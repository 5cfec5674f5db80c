/* SPDX-License-Identifier: Apache-2.0 */
/* What texts of the configuration must look like, beyond being text: the checks named in
 * the rows of the options table. Pure, except syntax_is_readable_file. A refusal is a
 * phrase that quotes the value and says what to write. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>

/* "host:port", "[v6]:port", "unix:/path", "fd:N" or "fd:NAME"; port 0 asks for a free
 * one.
 */
bool syntax_is_listen(const char *text, struct error *err) MUST_CHECK;
/* "" or "unix:/path". */
bool syntax_is_handover(const char *text, struct error *err) MUST_CHECK;
/* Reached from this machine only: 127.0.0.0/8, ::1, localhost, a unix socket. Of "fd:N"
 * nobody knows before the start, so it is not. `text` has passed syntax_is_listen. */
bool syntax_is_local_listen(const char *text);

/* A name or address for a Host header: no port, no final dot, IPv6 in brackets. */
bool syntax_is_own_host(const char *text, struct error *err) MUST_CHECK;

bool syntax_is_scheme(const char *text, struct error *err) MUST_CHECK; /* http, https */
bool syntax_is_ports(const char *text, struct error *err) MUST_CHECK; /* "80", "1-1023" */
bool syntax_is_deny_ports(const char *text,
                          struct error *err) MUST_CHECK; /* or "unsafe" */

/* An address, a network, a host or "*.suffix", each with or without ":port" or
 * ":first-last" (IPv6 with a port in brackets). The same language as the guard's. */
bool syntax_is_egress_rule(const char *text, struct error *err) MUST_CHECK;

/* "" or "http://[user:password@]host:port", https, socks5 or socks5h. */
bool syntax_is_proxy(const char *text, struct error *err) MUST_CHECK;
/* Printable ASCII, as a header's value must be. */
bool syntax_is_header_text(const char *text, struct error *err) MUST_CHECK;
/* "" or a header's name (RFC 9110 5.6.2) that does not belong to the message, the
 * connection or gatherd. */
bool syntax_is_deadline_header(const char *text, struct error *err) MUST_CHECK;
/* "" or the path of a file that can be opened now. */
bool syntax_is_readable_file(const char *text, struct error *err) MUST_CHECK;
/* 1–64 letters, digits, dots, hyphens and underscores. */
bool syntax_is_key_name(const char *text, struct error *err) MUST_CHECK;
/* Or "*", every key no other entry names. */
bool syntax_is_key_choice(const char *text, struct error *err) MUST_CHECK;
/* 12 lower-case hex digits: what stands behind "gd_" in a key. */
bool syntax_is_key_id(const char *text, struct error *err) MUST_CHECK;
/* "whsec_" and the base64 of 24 to 64 bytes (Standard Webhooks 1.0.0). A refusal does not
 * quote it. */
bool syntax_is_webhook_secret(const char *text, struct error *err) MUST_CHECK;
/* "" or "http://host[:port][/path]", https, without userinfo and fragment. */
bool syntax_is_otlp_endpoint(const char *text, struct error *err) MUST_CHECK;
/* A header's name (RFC 9110 5.6.2) that is not the exporter's own to write. */
bool syntax_is_export_header(const char *text, struct error *err) MUST_CHECK;
/* Holds a PEM block of any kind. */
bool syntax_is_pem(const char *text, struct error *err) MUST_CHECK;
