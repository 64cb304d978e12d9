# SPDX-License-Identifier: MIT
"""What bars and markets are, said once more: from the words of bars.h and summary.h, with
Python's decimals and time zones, one tick after the other and everything remembered."""

import datetime
import zoneinfo
from decimal import ROUND_HALF_UP, Decimal

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240}
INTERVALS = [*MINUTES, "1d", "1w", "1M"]


def rounded(number, decimals):
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def percent(change, of):
    return rounded(100 * change / abs(of), 2) if of else Decimal(0)


class Calendar:
    def __init__(self, session):
        self.zone = zoneinfo.ZoneInfo(session)

    def midnight(self, date):
        local = datetime.datetime.combine(date, datetime.time(), self.zone)
        return local.astimezone(UTC)

    def bar(self, interval, time):
        """The beginning and the end of the bar that holds the time."""
        if interval in MINUTES:
            length = datetime.timedelta(minutes=MINUTES[interval])
            start = EPOCH + (time - EPOCH) // length * length
            return start, start + length
        date = time.astimezone(self.zone).date()
        if interval == "1d":
            after = date + datetime.timedelta(days=1)
        elif interval == "1w":
            date -= datetime.timedelta(days=date.weekday())
            after = date + datetime.timedelta(days=7)
        else:
            date = date.replace(day=1)
            after = (date + datetime.timedelta(days=31)).replace(day=1)
        return self.midnight(date), self.midnight(after)


class Bar:
    def __init__(self, start, end):
        self.start, self.end = start, end
        self.ticks = []  # in the order of their times, then as they came
        self.volume = Decimal(0)
        self.previous = None

    def add(self, tick, previous):
        at = len(self.ticks)
        while at > 0 and self.ticks[at - 1].time > tick.time:
            at -= 1
        self.ticks.insert(at, tick)
        if at == len(self.ticks) - 1:
            self.previous = previous
        self.volume += tick.size

    @property
    def open(self):
        return self.ticks[0].price

    @property
    def close(self):
        return self.ticks[-1].price

    def fields(self, clock):
        closed = self.end <= clock
        change = Decimal(0) if self.previous is None else self.close - self.previous
        return {
            "start": self.start,
            "open": self.open,
            "high": max(tick.price for tick in self.ticks),
            "low": min(tick.price for tick in self.ticks),
            "close": self.close,
            "price": self.close,
            "volume": self.volume,
            "trades": len(self.ticks),
            "change": change,
            "change_percent": percent(change, self.previous),
            "closed": closed,
            "timestamp": self.end if closed else self.ticks[-1].time,
        }


class Market:
    def __init__(self):
        self.days = {}  # of each member, its newest day's bar
        self.start = None
        self.base = Decimal(1000)
        self.finals = {}  # each day's index at its end

    def index(self):
        sum_, count = Decimal(0), 0
        for day in self.days.values():
            of = day.open if day.previous is None else day.previous
            stands = day.start < self.start or of <= 0
            sum_ += Decimal(1) if stands else rounded(day.close / of, 9)
            count += 1
        return rounded(self.base * rounded(sum_ / count, 9), 2)

    def before(self, day):
        """To be told before a day's bar changes."""
        if self.start is not None and day.start > self.start:
            self.base = self.index()
        if self.start is None or day.start > self.start:
            self.start = day.start

    def after(self, symbol, day):
        self.days[symbol] = day
        self.finals[self.start] = self.index()

    def fields(self):
        index = self.index()
        trading = [day for day in self.days.values() if day.start == self.start]
        moves = [day.close - (day.open if day.previous is None else day.previous) for day in trading]
        moves += [0] * (len(self.days) - len(trading))
        return {
            "start": self.start,
            "index_value": index,
            "change": index - self.base,
            "change_percent": percent(index - self.base, self.base),
            "volume": sum((day.volume for day in trading), Decimal(0)),
            "advancers": sum(move > 0 for move in moves),
            "decliners": sum(move < 0 for move in moves),
            "unchanged": sum(move == 0 for move in moves),
        }


class Reference:
    """Takes ticks with symbol ("stock.AAPL"), market, time, price and size."""

    def __init__(self, session="UTC", lateness_ms=0):
        self.calendar = Calendar(session)
        self.lateness = datetime.timedelta(milliseconds=lateness_ms)
        self.clock = datetime.datetime.min.replace(tzinfo=UTC)
        self.bars = {}  # of each topic, by their beginnings
        self.markets = {}
        self.late = 0

    def take(self, tick):
        self.clock = max(self.clock, tick.time)
        spans = {interval: self.calendar.bar(interval, tick.time) for interval in INTERVALS}
        if any(end + self.lateness <= self.clock for _, end in spans.values()):
            self.late += 1
            return
        days = self.bars.setdefault(f"{tick.symbol}.1d", {})
        before = [start for start in days if start < spans["1d"][0]]
        previous = days[max(before)].close if before else None
        market = self.markets.setdefault(tick.market, Market()) if tick.market else None
        if market:
            market.before(Bar(*spans["1d"]))
        for interval, (start, end) in spans.items():
            bars = self.bars.setdefault(f"{tick.symbol}.{interval}", {})
            bars.setdefault(start, Bar(start, end)).add(tick, previous)
        following = [start for start in days if start > spans["1d"][0]]
        if following:
            days[min(following)].previous = days[spans["1d"][0]].close
        if market:
            market.after(tick.symbol, days[max(days)])

    def fields(self, topic):
        bars = self.bars[topic]
        return [bars[start].fields(self.clock) for start in sorted(bars)]
