/* SPDX-License-Identifier: MIT */
#include "common/feed.h"

#include "common/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_OF_(x)  #x
#define TEXT_OF(x)   TEXT_OF_(x)
#define DEFAULT_TEXT TEXT_OF(FEED_HISTORY_DEFAULT)
#define MAX_TEXT     TEXT_OF(FEED_HISTORY_MAX)
#define EXPIRE_TEXT  TEXT_OF(FEED_HISTORY_EXPIRE_S)
#define BARS_TEXT    TEXT_OF(FEED_BARS_DEFAULT)
#define MOST_BARS    TEXT_OF(FEED_BARS_MAX)
#define BARS_EXPIRE  TEXT_OF(FEED_BARS_EXPIRE_S)
#define LEASE_TEXT   TEXT_OF(FEED_LEASE_EXPIRE_S)

/* XREVRANGE tells the entry before this one for the price of one payload; XINFO STREAM,
 * which knows the last id too, answers with two payloads and ten other fields. XADD never
 * assigns an id at or below the stream's last, whatever the clock says. The bars come
 * last and by pcall: whatever is wrong with their key, the message is published. */
const char feed_library[] =
    "#!lua name=" FEED_LIBRARY_NAME "\n"
    "local default_length, max_length = '" DEFAULT_TEXT "', " MAX_TEXT "\n"
    "local default_bars, max_bars = '" BARS_TEXT "', " MOST_BARS "\n"
    "local good_length, good_bars = default_length, default_bars -- as in the last call\n"
    "local expire_s, bars_expire_s = " EXPIRE_TEXT ", " BARS_EXPIRE "\n"
    "local lease_expire_s = " LEASE_TEXT "\n"
    "\n"
    "local function refuse(why)\n"
    "    return redis.error_reply('ERR " FEED_PUBLISH ": ' .. why)\n"
    "end\n"
    "\n"
    "local function is_whole(text, least, most)\n"
    "    local is_plain = text == '0' or string.find(text, '^[1-9]%d*$')\n"
    "    return is_plain and tonumber(text) >= least and tonumber(text) <= most\n"
    "end\n"
    "\n"
    "local function is_closed(payload)\n"
    "    local at, past = 0, 0\n"
    "    repeat\n"
    "        at, past = string.find(payload, 'closed\"', past + 1, true)\n"
    "        if at and string.byte(payload, at - 1) == 34\n"
    "           and string.find(payload, '^%s*:%s*true', past + 1) then\n"
    "            return true\n"
    "        end\n"
    "    until not at\n"
    "end\n"
    "\n"
    "local function publish(keys, args)\n"
    "    if #keys ~= 1 or #args < 1 or #args > 3 then\n"
    "        return refuse('usage: 1 CHANNEL PAYLOAD [HISTORY-LENGTH [BARS-LENGTH]]')\n"
    "    end\n"
    "    local channel, payload = keys[1], args[1]\n"
    "    local length, bars = args[2] or default_length, args[3] or default_bars\n"
    "    if channel == '' or string.find(channel, '[{}]') then\n"
    "        return refuse('the channel is empty or holds a brace')\n"
    "    end\n"
    "    if string.sub(payload, 1, 1) ~= '{' then\n"
    "        return refuse('the payload is no JSON object: it does not begin with {')\n"
    "    end\n"
    "    if length ~= good_length and not is_whole(length, 1, max_length) then\n"
    "        return refuse('the history length is not a whole number from 1 to '\n"
    "                      .. max_length)\n"
    "    end\n"
    "    if bars ~= good_bars and not is_whole(bars, 0, max_bars) then\n"
    "        return refuse('the bars length is not a whole number from 0 to '\n"
    "                      .. max_bars)\n"
    "    end\n"
    "    good_length, good_bars = length, bars\n"
    "    local key = 'history:{' .. channel .. '}'\n"
    "    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]\n"
    "    local prev = last and last[1] or '0-0'\n"
    "    local id = redis.call('XADD', key, 'MAXLEN', '~', length, '*', 'd', payload)\n"
    "    redis.call('EXPIRE', key, expire_s)\n"
    "    redis.call('PUBLISH', channel, '@' .. id .. ' ' .. prev .. ' ' .. payload)\n"
    "    if bars ~= '0' and is_closed(payload) then\n"
    "        key = key .. ':bars'\n"
    "        local added = redis.pcall('XADD', key, 'MAXLEN', '~', tonumber(bars), '*',\n"
    "                                  'd', payload)\n"
    "        if type(added) == 'string' then\n"
    "            redis.pcall('EXPIRE', key, bars_expire_s)\n"
    "        end\n"
    "    end\n"
    "    return id\n"
    "end\n"
    "\n"
    "local function lease(keys, args)\n"
    "    local token, holder, connection, ms, closed = unpack(args)\n"
    "    if #keys ~= 1 or #args < 4 or #args > 5 or token == ''\n"
    "       or not string.find(ms, '^%d+$') then\n"
    "        return redis.error_reply('ERR " FEED_LEASE ": usage: 1 KEY TOKEN '\n"
    "                                 .. 'HOLDER CONNECTION MS [CLOSED]')\n"
    "    end\n"
    "    local time = redis.call('TIME')\n"
    "    local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "    local was = redis.call('HMGET', keys[1], 'token', 'holder', 'since', 'until',\n"
    "                           'connection')\n"
    "    local ours, over = was[1] == token, tonumber(was[4] or 0) or 0\n"
    "    local left = over > 0 and over - now or 0\n"
    "    if not ours and (left > 0 or tonumber(ms) == 0) then\n"
    "        return {over > 0 and 'elsewhere' or 'free', was[2] or '', was[3] or '0',\n"
    "                left, ''}\n"
    "    end\n"
    "    local verdict = ours and 'kept' or was[1] and 'taken' or 'new'\n"
    "    local since = ours and was[3] or string.format('%.0f', now)\n"
    "    local open = was[5] or ''\n"
    "    if open == '' or open == closed then\n"
    "        open = connection\n"
    "    end\n"
    "    over = tonumber(ms) > 0 and now + ms or 0\n"
    "    redis.call('HSET', keys[1], 'token', token, 'holder', holder, 'since', since,\n"
    "               'until', string.format('%.0f', over), 'connection', open)\n"
    "    redis.call('EXPIRE', keys[1], lease_expire_s)\n"
    "    return {verdict, was[2] or '', since, tonumber(ms),\n"
    "            open ~= connection and open or ''}\n"
    "end\n"
    "\n"
    "redis.register_function('" FEED_PUBLISH "', publish)\n"
    "redis.register_function{function_name = '" FEED_LEASE "', callback = lease,\n"
    "                        flags = {'allow-oom'}}\n";

/* Reads a 64-bit number the way Redis writes it, without a sign or needless zeros. */
static bool parse_number(const char *text, size_t len, uint64_t *out)
{
    if (len == 0 || (text[0] == '0' && len > 1)) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number)) {
            return false;
        }
    }
    *out = number;
    return true;
}

bool feed_id_parse(const char *text, size_t len, struct feed_id *out)
{
    const char *dash = len > 0 ? memchr(text, '-', len) : NULL;
    if (dash == NULL) {
        return false;
    }
    struct feed_id id;
    size_t ms_len = (size_t)(dash - text);
    if (!parse_number(text, ms_len, &id.ms) ||
        !parse_number(dash + 1, len - ms_len - 1, &id.seq)) {
        return false;
    }
    *out = id;
    return true;
}

size_t feed_id_format(char out[FEED_ID_TEXT_MAX + 1], struct feed_id id)
{
    return (size_t)snprintf(out, FEED_ID_TEXT_MAX + 1, "%" PRIu64 "-%" PRIu64, id.ms,
                            id.seq);
}

int feed_id_compare(struct feed_id a, struct feed_id b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    if (a.seq != b.seq) {
        return a.seq < b.seq ? -1 : 1;
    }
    return 0;
}

/* Takes an id and the space behind it off the front of *text. */
static bool take_id(const char **text, size_t *len, struct feed_id *out)
{
    size_t window = *len <= FEED_ID_TEXT_MAX ? *len : FEED_ID_TEXT_MAX + 1;
    const char *space = memchr(*text, ' ', window);
    if (space == NULL || !feed_id_parse(*text, (size_t)(space - *text), out)) {
        return false;
    }
    *len -= (size_t)(space + 1 - *text);
    *text = space + 1;
    return true;
}

enum feed_result feed_parse(const char *bytes, size_t len, struct feed_message *out)
{
    struct feed_message message = {.payload = bytes, .payload_len = len};
    if (len > 0 && bytes[0] == '@') {
        message.sequenced = true;
        message.payload++;
        message.payload_len--;
        if (!take_id(&message.payload, &message.payload_len, &message.id) ||
            !take_id(&message.payload, &message.payload_len, &message.prev) ||
            feed_id_compare(message.prev, message.id) >= 0) {
            return FEED_BAD_ENVELOPE;
        }
    } else if (len == 0 || bytes[0] != '{') {
        return FEED_BAD_ENVELOPE;
    }
    if (message.payload_len == 0 || message.payload[0] != '{' ||
        !json_is_object(message.payload, message.payload_len)) {
        return FEED_BAD_PAYLOAD;
    }
    *out = message;
    return FEED_OK;
}

size_t feed_channel(char out[FEED_CHANNEL_MAX], const char *prefix, const char *topic,
                    size_t len)
{
    const size_t prefix_len = strnlen(prefix, FEED_PREFIX_MAX);
    assert(len <= TOPIC_MAX);
    memcpy(out, prefix, prefix_len);
    memcpy(out + prefix_len, topic, len);
    return prefix_len + len;
}

static size_t write_key(char *out, size_t size, const char *channel, size_t channel_len,
                        const char *end)
{
    static const char start[] = "history:{";
    const size_t start_len = sizeof(start) - 1;
    const size_t end_len = strlen(end);
    if (size <= start_len + end_len || channel_len >= size - start_len - end_len) {
        return 0;
    }
    memcpy(out, start, start_len);
    memcpy(out + start_len, channel, channel_len);
    memcpy(out + start_len + channel_len, end, end_len + 1);
    return start_len + channel_len + end_len;
}

size_t feed_history_key(char *out, size_t size, const char *channel, size_t channel_len)
{
    return write_key(out, size, channel, channel_len, "}");
}

size_t feed_bars_key(char *out, size_t size, const char *channel, size_t channel_len)
{
    return write_key(out, size, channel, channel_len, "}:bars");
}

void feed_history_pattern(char out[FEED_PATTERN_MAX + 1], const char *prefix)
{
    char *at = stpcpy(out, "history:{");
    const size_t len = strnlen(prefix, FEED_PREFIX_MAX);
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[]\\", prefix[i]) != NULL) {
            *at++ = '\\';
        }
        *at++ = prefix[i];
    }
    memcpy(at, "*}", sizeof("*}"));
}

bool feed_history_topic(const char *key, size_t len, const char *prefix,
                        struct topic *out)
{
    static const char start[] = "history:{";
    const size_t start_len = sizeof(start) - 1;
    const size_t prefix_len = strnlen(prefix, FEED_PREFIX_MAX);
    const size_t before = start_len + prefix_len;
    return len > before && memcmp(key, start, start_len) == 0 &&
           memcmp(key + start_len, prefix, prefix_len) == 0 && key[len - 1] == '}' &&
           topic_parse(key + before, len - before - 1, out);
}

size_t feed_lease_key(char out[FEED_LEASE_KEY_MAX + 1], const char *prefix,
                      const char *name)
{
    return (size_t)snprintf(out, FEED_LEASE_KEY_MAX + 1, "chronogate:lease:%.*s{%.*s}",
                            FEED_PREFIX_MAX, prefix, FEED_NAME_MAX, name);
}
