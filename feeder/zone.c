/* SPDX-License-Identifier: MIT */
#include "feeder/zone.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S INT64_C(86400)

/* One per process, as the C library's own. */
static bool is_local;

/* The C library takes everything else for UTC, without a word. */
static bool is_zone_file(const char *path)
{
    char magic[4];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    const bool good = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
                      memcmp(magic, "TZif", sizeof(magic)) == 0;
    fclose(file);
    return good;
}

static bool exists(const char *name)
{
    const char *directory = getenv("TZDIR");
    char path[PATH_MAX];
    if (name[0] == '\0' || name[0] == '/' || name[0] == '.' ||
        strstr(name, "..") != NULL) {
        return false;
    }
    const int len = snprintf(path, sizeof(path), "%s/%s",
                             directory == NULL ? "/usr/share/zoneinfo" : directory, name);
    return len < (int)sizeof(path) && is_zone_file(path);
}

bool zone_use(const char *name)
{
    const bool utc = strcmp(name, "UTC") == 0;
    char value[NAME_MAX];
    const int len = snprintf(value, sizeof(value), ":%s", name);
    if ((!utc && !exists(name)) || len >= (int)sizeof(value) ||
        setenv("TZ", utc ? "UTC0" : value, 1) != 0) {
        return false;
    }
    tzset();
    is_local = !utc;
    return true;
}

bool zone_is_utc(void)
{
    return !is_local;
}

static int64_t floor_divide(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}

/* How far the wall is ahead of UTC. */
static int64_t offset_at(int64_t at_s)
{
    const time_t at = (time_t)at_s;
    struct tm local;
    return is_local && localtime_r(&at, &local) != NULL ? local.tm_gmtoff : 0;
}

/* Between two instants with different offsets: the first with the later one's. */
static int64_t find_change(int64_t before_s, int64_t after_s)
{
    const int64_t offset = offset_at(after_s);
    while (after_s - before_s > 1) {
        const int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (offset_at(middle_s) == offset) {
            after_s = middle_s;
        } else {
            before_s = middle_s;
        }
    }
    return after_s;
}

int64_t zone_day_start(int64_t day)
{
    const int64_t midnight_s = day * DAY_S;
    if (!is_local) {
        return midnight_s;
    }
    const int64_t before = offset_at(midnight_s - DAY_S);
    const int64_t after = offset_at(midnight_s + DAY_S);
    const int64_t first_s = midnight_s - before;
    if (before == after || offset_at(first_s) == before) {
        return first_s;
    }
    const int64_t second_s = midnight_s - after;
    if (offset_at(second_s) == after) {
        return second_s;
    }
    return find_change(midnight_s - DAY_S, midnight_s + DAY_S);
}

int64_t zone_day_of(int64_t at_s)
{
    int64_t day = floor_divide(at_s + offset_at(at_s), DAY_S);
    while (zone_day_start(day) > at_s) {
        day--;
    }
    while (is_local && zone_day_start(day + 1) <= at_s) {
        day++;
    }
    return day;
}
