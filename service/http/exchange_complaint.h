/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a request that libmicrohttpd complains about before we are asked. The
 * worker's thread, inside MHD_run. */
#pragma once

struct front;

/* exchange_refuse_length answers the request MHD is about to refuse for its length,
 * exchange_refuse_cookies the one whose cookies do not fit into its memory. */
void exchange_refuse_length(struct front *front);
void exchange_refuse_cookies(struct front *front);
/* exchange_leave_to_library: what MHD has complained about so far it answers itself. */
void exchange_leave_to_library(struct front *front);
