/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: what of the file system, and of other processes, can still be reached. */
#pragma once

#include "sandbox.h"

/* sandbox_files_restrict: see sandbox_enter. *ret_abi is the version of Landlock in
 * force, 0 where there is none, which is no failure. Binds the calling thread and those
 * it starts later; needs no_new_privs. */
bool sandbox_files_restrict(const struct sandbox_setup *setup, int *ret_abi,
                            struct error *err) MUST_CHECK;
