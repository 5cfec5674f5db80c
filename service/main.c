/* SPDX-License-Identifier: Apache-2.0 */
/* The program's entry; everything is in commands.c and behind it. */
#include "commands.h"

int main(int argc, char **argv)
{
    return commands_run(argc, argv);
}
