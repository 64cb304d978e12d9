/* SPDX-License-Identifier: MIT */
#include "gateway/console.h"

#include <string.h>

const struct console_file *console_find(const char *path)
{
    for (const struct console_file *file = console_files; file->path != NULL; file++) {
        if (strcmp(file->path, path) == 0) {
            return file;
        }
    }
    return NULL;
}
