/* SPDX-License-Identifier: MIT
 *
 * The first line of the input is a setting, the second a name. A setting that is taken
 * gives each of its names exactly one meaning; one that is not has a reason.
 */
#include "feeder/columns.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct columns *columns)
{
    for (enum column i = 0; i < COLUMNS; i++) {
        if (columns->given[i].text != NULL) {
            assert(columns->given[i].len > 0);
            assert(columns_find(columns, columns->given[i].text, columns->given[i].len) ==
                   i);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    char *stop = memchr(text, '\n', size);
    if (stop != NULL) {
        *stop = '\0';
    }
    struct columns columns;
    char error[COLUMNS_ERROR_MAX];
    if (columns_parse(text, &columns, error)) {
        check_names(&columns);
        const char *name = stop == NULL ? "" : stop + 1;
        assert(columns_find(&columns, name, strlen(name)) <= COLUMNS);
    } else {
        assert(strlen(error) > strlen("--columns: "));
    }
    free(text);
    return 0;
}
