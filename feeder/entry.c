/* SPDX-License-Identifier: MIT */
#include "feeder/entry.h"

#include <string.h>

#include "common/bus.h"

bool entry_read_id(const struct bus_reply *reply, struct feed_id *out)
{
    size_t len;
    if (bus_reply_kind(reply) != BUS_REPLY_TEXT) {
        return false;
    }
    const char *text = bus_reply_text(reply, &len);
    return feed_id_parse(text, len, out);
}

bool entry_read(const struct bus_reply *reply, struct entry *out)
{
    if (bus_reply_kind(reply) != BUS_REPLY_LIST || bus_reply_count(reply) != 2 ||
        !entry_read_id(bus_reply_item(reply, 0), &out->id)) {
        return false;
    }
    out->payload = NULL;
    out->payload_len = 0;
    const struct bus_reply *fields = bus_reply_item(reply, 1);
    if (bus_reply_kind(fields) == BUS_REPLY_LIST && bus_reply_count(fields) == 2) {
        const struct bus_reply *name = bus_reply_item(fields, 0);
        const struct bus_reply *value = bus_reply_item(fields, 1);
        size_t len;
        if (bus_reply_kind(name) == BUS_REPLY_TEXT &&
            strcmp(bus_reply_text(name, &len), "d") == 0 &&
            bus_reply_kind(value) == BUS_REPLY_TEXT) {
            out->payload = bus_reply_text(value, &out->payload_len);
        }
    }
    return true;
}
