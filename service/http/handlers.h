/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers named by the table of routes. Each answers the exchange or lets it wait.
 */
#pragma once

struct exchange;

void handle_batch_post(struct exchange *exchange);
void handle_batch_get(struct exchange *exchange);
void handle_explain_post(struct exchange *exchange);

void handle_console_page(struct exchange *exchange);
void handle_console_asset(struct exchange *exchange);

void handle_ops_index(struct exchange *exchange);
void handle_ops_health(struct exchange *exchange);
void handle_live_get(struct exchange *exchange);
void handle_reload_post(struct exchange *exchange);
void handle_ops_ready(struct exchange *exchange);
void handle_ops_metrics(struct exchange *exchange);
void handle_ops_problem(struct exchange *exchange);
void handle_ops_openapi(struct exchange *exchange);
