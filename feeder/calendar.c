/* SPDX-License-Identifier: MIT */
#include "feeder/calendar.h"

#include <assert.h>

#include "feeder/zone.h"

struct date {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;   /* 1..31 */
};

static int64_t floor_to(int64_t value, int64_t unit)
{
    const int64_t rest = value % unit;
    return rest < 0 ? value - rest - unit : value - rest;
}

/* Both conversions count years from March, so that the leap day is a year's last, in eras
 * of 400 years = 146097 days. Day 0 is 1970-01-01, which is day 719468 of such a count.
 */
static int64_t days_from_date(struct date date)
{
    const int64_t year = date.month > 2 ? date.year : date.year - 1;
    const int64_t era = floor_to(year, 400) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t month = (date.month + 9) % 12;
    const int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - 719468;
}

static struct date date_from_days(int64_t days)
{
    const int64_t day = days + 719468;
    const int64_t era = floor_to(day, 146097) / 146097;
    const int64_t of_era = day - era * 146097;
    const int64_t year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    const int64_t month = (5 * of_year + 2) / 153;
    return (struct date){.year = year + era * 400 + (month >= 10),
                         .month = month < 10 ? month + 3 : month - 9,
                         .day = of_year - (153 * month + 2) / 5 + 1};
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    const struct date first = {.year = year, .month = month, .day = 1};
    const struct date next = {
        .year = year + month / 12, .month = month % 12 + 1, .day = 1};
    return days_from_date(next) - days_from_date(first);
}

struct reader {
    const char *at;
    const char *end;
};

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c) {
        return false;
    }
    reader->at++;
    return true;
}

/* Exactly `count` digits that make a number of min..max. */
static bool take_number(struct reader *reader, int count, int64_t min, int64_t max,
                        int64_t *out)
{
    int64_t value = 0;
    if (reader->end - reader->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        const char c = *reader->at++;
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *out = value;
    return value >= min && value <= max;
}

static bool take_date(struct reader *reader, int64_t *out_us)
{
    struct date date;
    if (!take_number(reader, 4, 1, 9999, &date.year) || !take(reader, '-') ||
        !take_number(reader, 2, 1, 12, &date.month) || !take(reader, '-') ||
        !take_number(reader, 2, 1, days_in_month(date.year, date.month), &date.day)) {
        return false;
    }
    *out_us = days_from_date(date) * CALENDAR_DAY_US;
    return true;
}

/* The digits after a second's dot, at least one. */
static bool take_fraction(struct reader *reader, int64_t *out_us)
{
    const char *const start = reader->at;
    int64_t unit = CALENDAR_SECOND_US / 10;
    *out_us = 0;
    for (; reader->at != reader->end && *reader->at >= '0' && *reader->at <= '9';
         reader->at++) {
        *out_us += (*reader->at - '0') * unit;
        unit /= 10;
    }
    return reader->at != start;
}

static bool take_clock(struct reader *reader, int64_t *out_us)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    int64_t fraction = 0;
    if (!take_number(reader, 2, 0, 23, &hour) || !take(reader, ':') ||
        !take_number(reader, 2, 0, 59, &minute)) {
        return false;
    }
    if (take(reader, ':')) {
        if (!take_number(reader, 2, 0, 59, &second) ||
            (take(reader, '.') && !take_fraction(reader, &fraction))) {
            return false;
        }
    }
    *out_us = ((hour * 60 + minute) * 60 + second) * CALENDAR_SECOND_US + fraction;
    return true;
}

/* How far the zone's clock is ahead of UTC; nothing is UTC. */
static bool take_zone(struct reader *reader, int64_t *out_us)
{
    *out_us = 0;
    if (reader->at == reader->end || take(reader, 'Z')) {
        return true;
    }
    const bool west = take(reader, '-');
    int64_t hours;
    int64_t minutes;
    if ((!west && !take(reader, '+')) || !take_number(reader, 2, 0, 23, &hours) ||
        !take(reader, ':') || !take_number(reader, 2, 0, 59, &minutes)) {
        return false;
    }
    *out_us = (hours * 60 + minutes) * 60 * CALENDAR_SECOND_US * (west ? -1 : 1);
    return true;
}

bool calendar_parse(const char *text, size_t len, int64_t *out_us)
{
    struct reader reader = {.at = text, .end = text + len};
    int64_t date_us;
    int64_t clock_us = 0;
    int64_t zone_us = 0;
    if (!take_date(&reader, &date_us)) {
        return false;
    }
    if (reader.at != reader.end) {
        if ((!take(&reader, 'T') && !take(&reader, ' ')) ||
            !take_clock(&reader, &clock_us) || !take_zone(&reader, &zone_us)) {
            return false;
        }
    }
    const int64_t at_us = date_us + clock_us - zone_us;
    if (reader.at != reader.end || at_us < CALENDAR_MIN_US || at_us > CALENDAR_MAX_US) {
        return false;
    }
    *out_us = at_us;
    return true;
}

/* 20240131 */
static bool take_day_number(const char *text, size_t len, int64_t *out_us)
{
    struct reader reader = {.at = text, .end = text + len};
    struct date date;
    if (len != 8 || !take_number(&reader, 4, 1900, 2099, &date.year) ||
        !take_number(&reader, 2, 1, 12, &date.month) ||
        !take_number(&reader, 2, 1, days_in_month(date.year, date.month), &date.day)) {
        return false;
    }
    *out_us = days_from_date(date) * CALENDAR_DAY_US;
    return true;
}

/* Digits below 10^19, at least one. */
static bool take_whole(struct reader *reader, uint64_t *out)
{
    const char *const start = reader->at;
    *out = 0;
    for (; reader->at != reader->end && *reader->at >= '0' && *reader->at <= '9';
         reader->at++) {
        if (*out >= UINT64_C(1000000000000000000)) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(*reader->at - '0');
    }
    return reader->at != start;
}

/* The microseconds of a number of seconds, or of whatever it is too large for. */
static int64_t scale_count(uint64_t whole, int64_t millionths)
{
    const int64_t count = (int64_t)(whole > INT64_MAX ? INT64_MAX : whole);
    if (whole < UINT64_C(100000000000)) {
        return count * CALENDAR_SECOND_US + millionths;
    }
    if (whole < UINT64_C(100000000000000)) {
        return count * 1000 + millionths / 1000;
    }
    return whole < UINT64_C(100000000000000000) ? count : (int64_t)(whole / 1000);
}

bool calendar_parse_stamp(const char *text, size_t len, int64_t *out_us)
{
    if (calendar_parse(text, len, out_us) || take_day_number(text, len, out_us)) {
        return true;
    }
    struct reader reader = {.at = text, .end = text + len};
    const bool negative = take(&reader, '-');
    uint64_t whole;
    int64_t millionths = 0;
    if (!take_whole(&reader, &whole) ||
        (take(&reader, '.') && !take_fraction(&reader, &millionths)) ||
        reader.at != reader.end) {
        return false;
    }
    const int64_t at_us = scale_count(whole, millionths) * (negative ? -1 : 1);
    if (at_us < CALENDAR_MIN_US || at_us > CALENDAR_MAX_US) {
        return false;
    }
    *out_us = at_us;
    return true;
}

static char *put_number(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

static char *put(char *at, char c)
{
    *at = c;
    return at + 1;
}

size_t calendar_format_second(char out[CALENDAR_TEXT_MAX + 1], int64_t at_us)
{
    assert(at_us >= CALENDAR_MIN_US && at_us <= CALENDAR_MAX_US);
    const int64_t day_us = floor_to(at_us, CALENDAR_DAY_US);
    const struct date date = date_from_days(day_us / CALENDAR_DAY_US);
    const int64_t second = (at_us - day_us) / CALENDAR_SECOND_US;
    char *at = put_number(out, date.year, 4);
    at = put_number(put(at, '-'), date.month, 2);
    at = put_number(put(at, '-'), date.day, 2);
    at = put_number(put(at, 'T'), second / 3600, 2);
    at = put_number(put(at, ':'), second / 60 % 60, 2);
    at = put_number(put(at, ':'), second % 60, 2);
    *at = '\0';
    return (size_t)(at - out);
}

size_t calendar_format(char out[CALENDAR_TEXT_MAX + 1], int64_t at_us)
{
    char *at = out + calendar_format_second(out, at_us);
    at = put_number(put(at, '.'), at_us - floor_to(at_us, CALENDAR_SECOND_US), 6);
    *at = '\0';
    return (size_t)(at - out);
}

/* Of the intervals that are the same everywhere. */
static const int64_t lengths_us[TOPIC_1D] = {
    [TOPIC_1M] = 60 * CALENDAR_SECOND_US,   [TOPIC_5M] = 300 * CALENDAR_SECOND_US,
    [TOPIC_15M] = 900 * CALENDAR_SECOND_US, [TOPIC_30M] = 1800 * CALENDAR_SECOND_US,
    [TOPIC_1H] = 3600 * CALENDAR_SECOND_US, [TOPIC_4H] = 14400 * CALENDAR_SECOND_US,
};

/* Day 0 was a Thursday, three days after a Monday. */
static int64_t monday_of(int64_t day)
{
    return floor_to(day + 3, 7) - 3;
}

int64_t calendar_bar_start(enum topic_interval interval, int64_t at_us)
{
    assert(interval < TOPIC_INTERVALS);
    if (interval < TOPIC_1D) {
        return floor_to(at_us, lengths_us[interval]);
    }
    int64_t day = zone_day_of(floor_to(at_us, CALENDAR_SECOND_US) / CALENDAR_SECOND_US);
    if (interval == TOPIC_1W) {
        day = monday_of(day);
    } else if (interval == TOPIC_1MO) {
        day -= date_from_days(day).day - 1;
    }
    const int64_t start_us = zone_day_start(day) * CALENDAR_SECOND_US;
    return start_us < CALENDAR_MIN_US ? CALENDAR_MIN_US : start_us;
}

int64_t calendar_bar_end(enum topic_interval interval, int64_t start_us)
{
    assert(interval < TOPIC_INTERVALS);
    if (interval < TOPIC_1D) {
        return start_us + lengths_us[interval];
    }
    int64_t day = zone_day_of(start_us / CALENDAR_SECOND_US);
    if (interval == TOPIC_1D) {
        day += 1;
    } else if (interval == TOPIC_1W) {
        day = monday_of(day) + 7;
    } else {
        const struct date date = date_from_days(day);
        day += days_in_month(date.year, date.month) - date.day + 1;
    }
    return zone_day_start(day) * CALENDAR_SECOND_US;
}
