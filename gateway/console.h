/* console — the files of the web page, built into the program.
 *
 * SPDX-License-Identifier: MIT
 *
 * The table is written by the build from the folder console/ beside this file.
 */
#ifndef GATEWAY_CONSOLE_H
#define GATEWAY_CONSOLE_H

#include <stddef.h>

struct console_file {
    const char *path; /* as in the URL: "/websocket-test" */
    const char *content_type;
    const char *etag; /* changes with the content; quotes included */
    const char *bytes;
    size_t len;
};

/* Returns NULL if there is no such file. */
const struct console_file *console_find(const char *path);

/* Made by the build; ends with a NULL path. */
extern const struct console_file console_files[];

#endif
