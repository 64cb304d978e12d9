/* SPDX-License-Identifier: MIT
 *
 * Prints the table of settings of one program, as the README shows it.
 */
#include <stdio.h>
#include <string.h>

#include "feeder/config.h"
#include "gateway/config.h"

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "chronogate") == 0) {
        conf_print_markdown(&gateway_config_program, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "chronofeed") == 0) {
        conf_print_markdown(&feeder_config_program, stdout);
        return 0;
    }
    fprintf(stderr, "usage: settings_table chronogate|chronofeed\n");
    return 1;
}
