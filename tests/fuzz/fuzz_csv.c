/* SPDX-License-Identifier: MIT
 *
 * The first line of the input is a header, the second a row under it. Whatever a row says
 * fits a tick: a valid symbol and type, a size of at least zero.
 */
#include "feeder/calendar.h"
#include "feeder/csv.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert(copy != NULL);
    memcpy(copy, bytes, len);
    return copy;
}

static void check_row(const struct csv_header *header, const char *bytes, size_t len)
{
    char *line = copy_of(bytes, len);
    struct row row;
    if (csv_parse_row(header, line, len, &row) == NULL) {
        const struct tick *tick = &row.tick;
        assert(topic_is_symbol(tick->symbol, tick->symbol_len));
        assert(tick->market_len == 0 || topic_is_symbol(tick->market, tick->market_len));
        assert(tick->type < TOPIC_MARKET);
        assert(tick->size.mantissa >= 0);
        assert(tick->time_us >= CALENDAR_MIN_US && tick->time_us <= CALENDAR_MAX_US);
        assert(!row.is_bar || decimal_compare(row.low, row.high) <= 0);
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *stop = size > 0 ? memchr(bytes, '\n', size) : NULL;
    const size_t header_len = stop == NULL ? size : (size_t)(stop - bytes);
    char *line = copy_of(bytes, header_len);
    const struct columns columns = {.given = {{.text = NULL}}};
    struct csv_header header;
    if (csv_parse_header(&columns, line, header_len, &header) == NULL) {
        assert(header.count <= CSV_COLUMNS_MAX);
        if (stop != NULL) {
            check_row(&header, stop + 1, size - header_len - 1);
        }
    }
    free(line);
    return 0;
}
