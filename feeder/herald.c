/* SPDX-License-Identifier: MIT */
#include "feeder/herald.h"

#include <stdarg.h>
#include <stdio.h>

#define SAID_MAX       10 /* bounded notices in */
#define SAID_MS        10000
#define LOSSES_MS      10000 /* between two reports of missed trades; */
#define LOSSES_SOON_MS 1000  /* the first waits for what else is missed */
#define LOSSES_LINES   10
#define DETAIL_MAX     400

void herald_say(const struct herald *herald, bool bad, const char *what,
                const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    herald->sink->on_notice(herald->arg, bad, what, detail);
}

bool herald_may_say(struct herald *herald, uint64_t now_ms)
{
    if (now_ms - herald->span_ms >= SAID_MS) {
        herald->span_ms = now_ms;
        herald->said = 0;
        if (herald->unsaid > 0) {
            herald_say(herald, true, "notices left out", "%u about what the venue sent",
                       herald->unsaid);
            herald->unsaid = 0;
        }
    }
    if (herald->said < SAID_MAX) {
        herald->said++;
        return true;
    }
    herald->unsaid++;
    return false;
}

void herald_note_loss(struct herald *herald, uint64_t now_ms)
{
    if (herald->losses++ == 0 && herald->losses_ms < now_ms + LOSSES_SOON_MS) {
        herald->losses_ms = now_ms + LOSSES_SOON_MS;
    }
}

void herald_report_losses(struct herald *herald, struct roster *roster, uint64_t now_ms)
{
    if (herald->losses == 0 || now_ms < herald->losses_ms) {
        return;
    }
    unsigned lines = 0;
    uint64_t symbols = 0;
    uint64_t trades = 0;
    for (size_t i = 0; i < roster_count(roster); i++) {
        struct roster_symbol *symbol = roster_at(roster, i);
        if (symbol->missed == 0) {
            continue;
        }
        if (lines++ < LOSSES_LINES) {
            herald_say(herald, true, "trades missed",
                       "%s: %llu between ids %llu and %llu", symbol->text,
                       (unsigned long long)symbol->missed,
                       (unsigned long long)symbol->missed_from,
                       (unsigned long long)symbol->missed_to);
        } else {
            symbols++;
            trades += symbol->missed;
        }
        symbol->missed = 0;
    }
    if (symbols > 0) {
        herald_say(herald, true, "trades missed", "%llu of %llu further symbols",
                   (unsigned long long)trades, (unsigned long long)symbols);
    }
    herald->losses = 0;
    herald->losses_ms = now_ms + LOSSES_MS;
}

void herald_report_quiet(const struct herald *herald, struct roster *roster,
                         struct roster_part part)
{
    char names[HERALD_SHOWN] = "";
    size_t used = 0;
    size_t count = 0;
    for (size_t i = part.begin; i < part.end; i++) {
        struct roster_symbol *symbol = roster_at(roster, i);
        if (symbol->last_id != 0 || symbol->reported) {
            continue;
        }
        symbol->reported = true;
        count++;
        if (used + symbol->len + 3 < sizeof(names)) {
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     used == 0 ? "" : ", ", symbol->text);
        }
    }
    if (count > 0) {
        herald_say(herald, true, "no trade yet", "of %zu symbols: %s; does %s have them?",
                   count, names, herald->venue);
    }
}
