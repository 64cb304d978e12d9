/* SPDX-License-Identifier: MIT
 *
 * Whatever a venue sends, the trades that come out have a positive price, an id and a
 * time that can be printed, and texts of events end. The first byte chooses the venue.
 */
#include "feeder/calendar.h"
#include "feeder/venue.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(struct decimal value)
{
    char text[DECIMAL_TEXT_MAX + 1];
    struct decimal again;
    const size_t len = decimal_format(text, value);
    assert(decimal_parse(text, len, &again));
    assert(decimal_compare(value, again) == 0);
}

static void on_trade(void *arg, const struct venue_trade *trade)
{
    char text[CALENDAR_TEXT_MAX + 1];
    ++*(size_t *)arg;
    assert(trade->symbol_len > 0 && trade->symbol_len == strlen(trade->symbol));
    assert(trade->id > 0 && trade->id < INT64_MAX);
    assert(trade->price.mantissa > 0 && trade->size.mantissa >= 0);
    check_number(trade->price);
    check_number(trade->size);
    assert(trade->time_us >= CALENDAR_MIN_US && trade->time_us <= CALENDAR_MAX_US);
    calendar_format(text, trade->time_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const struct venue *venue = venue_get((enum venue_name)(data[0] % 3));
    struct venue_reader *reader = venue_reader_create(venue);
    assert(reader != NULL);
    struct venue_event event;
    size_t trades = 0;
    venue_read(reader, (const char *)data + 1, size - 1, on_trade, &trades, &event);
    assert(trades == 0 || event.kind == VENUE_TRADES);
    assert(event.symbol_len <= strlen(event.symbol));
    assert(event.batch >= 0);
    assert(event.kind != VENUE_STATUS || event.text[0] != '\0');
    venue_reader_destroy(reader);
    return 0;
}
