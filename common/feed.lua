#!lua name=chronogate
-- The contract between feeders and gateways, as functions in Redis: common/feed.h says what they
-- take and answer. SPDX-License-Identifier: MIT
local default_length, max_length = '@FEED_HISTORY_DEFAULT@', @FEED_HISTORY_MAX@
local default_bars, max_bars = '@FEED_BARS_DEFAULT@', @FEED_BARS_MAX@
local expire_s, bars_expire_s = @FEED_HISTORY_EXPIRE_S@, @FEED_BARS_EXPIRE_S@
local lease_expire_s = @FEED_LEASE_EXPIRE_S@

-- Both as in the last call, which is all but always as in this one.
local good_length, good_bars = default_length, default_bars

local function refuse(why)
    return redis.error_reply('ERR chrono_publish: ' .. why)
end

local function is_whole(text, least, most)
    local is_plain = text == '0' or string.find(text, '^[1-9]%d*$')
    return is_plain and tonumber(text) >= least and tonumber(text) <= most
end

-- Is there a "closed" that is true? A pattern for all of it would be tried at each byte.
local function is_closed(payload)
    local at, past = 0, 0
    repeat
        at, past = string.find(payload, 'closed"', past + 1, true)
        if at and string.sub(payload, at - 1, at - 1) == '"'
           and string.find(payload, '^%s*:%s*true', past + 1) then
            return true
        end
    until not at
end

-- Whatever is wrong with this key, the message is published.
local function keep_bar(key, bars, payload)
    local added = redis.pcall('XADD', key, 'MAXLEN', '~', bars, '*', 'd', payload)
    if type(added) == 'string' then
        redis.pcall('EXPIRE', key, bars_expire_s)
    end
end

-- XREVRANGE tells the entry before this one for the price of one payload; XINFO STREAM, which
-- knows the last id too, answers with two payloads and ten other fields. XADD never assigns an
-- id at or below the stream's last, whatever the clock says.
local function publish(keys, args)
    if #keys ~= 1 or #args < 1 or #args > 3 then
        return refuse('usage: 1 CHANNEL PAYLOAD [HISTORY-LENGTH [BARS-LENGTH]]')
    end
    local channel, payload = keys[1], args[1]
    local length, bars = args[2] or default_length, args[3] or default_bars
    if channel == '' or string.find(channel, '[{}]') then
        return refuse('the channel is empty or holds a brace')
    end
    if string.sub(payload, 1, 1) ~= '{' then
        return refuse('the payload is no JSON object: it does not begin with {')
    end
    if length ~= good_length and not is_whole(length, 1, max_length) then
        return refuse('the history length is not a whole number from 1 to ' .. max_length)
    end
    if bars ~= good_bars and not is_whole(bars, 0, max_bars) then
        return refuse('the bars length is not a whole number from 0 to ' .. max_bars)
    end
    good_length, good_bars = length, bars
    local key = 'history:{' .. channel .. '}'
    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    local prev = last and last[1] or '0-0'
    local id = redis.call('XADD', key, 'MAXLEN', '~', length, '*', 'd', payload)
    redis.call('EXPIRE', key, expire_s)
    redis.call('PUBLISH', channel, '@' .. id .. ' ' .. prev .. ' ' .. payload)
    if bars ~= '0' and is_closed(payload) then
        keep_bar(key .. ':bars', bars, payload)
    end
    return id
end

local function lease(keys, args)
    local token, holder, connection, ms, closed = unpack(args)
    if #keys ~= 1 or #args < 4 or #args > 5 or token == ''
       or not string.find(ms, '^%d+$') then
        return redis.error_reply('ERR chrono_lease: usage: 1 KEY TOKEN '
                                 .. 'HOLDER CONNECTION MS [CLOSED]')
    end
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local was = redis.call('HMGET', keys[1], 'token', 'holder', 'since', 'until',
                           'connection')
    local ours, over = was[1] == token, tonumber(was[4] or 0) or 0
    local left = over > 0 and over - now or 0
    if not ours and (left > 0 or tonumber(ms) == 0) then
        return {over > 0 and 'elsewhere' or 'free', was[2] or '', was[3] or '0',
                left, ''}
    end
    local verdict = ours and 'kept' or was[1] and 'taken' or 'new'
    local since = ours and was[3] or string.format('%.0f', now)
    local open = was[5] or ''
    if open == '' or open == closed then
        open = connection
    end
    over = tonumber(ms) > 0 and now + ms or 0
    redis.call('HSET', keys[1], 'token', token, 'holder', holder, 'since', since,
               'until', string.format('%.0f', over), 'connection', open)
    redis.call('EXPIRE', keys[1], lease_expire_s)
    return {verdict, was[2] or '', since, tonumber(ms),
            open ~= connection and open or ''}
end

redis.register_function('chrono_publish', publish)
redis.register_function{function_name = 'chrono_lease', callback = lease,
                        flags = {'allow-oom'}}
