/* SPDX-License-Identifier: MIT
 *
 * Whatever an object says, with our names or with a venue's, fits a tick: a valid symbol
 * and type, an instant of the calendar, a size of at least zero.
 */
#include "feeder/calendar.h"
#include "feeder/ndjson.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *setting, const char *line, size_t len)
{
    struct columns columns;
    char error[COLUMNS_ERROR_MAX];
    struct row row;
    assert(columns_parse(setting, &columns, error));
    if (ndjson_parse_row(&columns, line, len, &row) != NULL) {
        return;
    }
    const struct tick *tick = &row.tick;
    assert(topic_is_symbol(tick->symbol, tick->symbol_len));
    assert(tick->market_len == 0 || topic_is_symbol(tick->market, tick->market_len));
    assert(tick->type < TOPIC_MARKET);
    assert(tick->size.mantissa >= 0);
    assert(tick->time_us >= CALENDAR_MIN_US && tick->time_us <= CALENDAR_MAX_US);
    assert(!row.is_bar || decimal_compare(row.low, row.high) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check("", (const char *)data, size);
    check("symbol=s,time=T,price=p,size=q,id=t", (const char *)data, size);
    return 0;
}
