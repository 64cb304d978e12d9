/* SPDX-License-Identifier: MIT */
#include "feeder/refusal.h"

#include <stddef.h>
#include <string.h>

static const struct refusal refusals[] = {
    {"OOM", "Redis is out of memory: raise maxmemory or shorten the histories", false},
    {"READONLY", "this Redis is a read-only replica: point --redis at the primary",
     false},
    {"NOPERM", "the Redis account lacks a permission; FEEDS.md lists what it needs",
     true},
    {"ERR The user executing the script can't run", /* of a function's commands */
     "the Redis account lacks a permission; FEEDS.md lists what it needs", true},
    {"ERR unknown command", "this Redis is too old: it must be 7 or newer", true},
    {"ERR Function not found", NULL, false},
    {"NOAUTH", "this Redis wants a password: give it in --redis", false},
    {"LOADING", NULL, false},
    {"BUSY", NULL, false},
    {"MASTERDOWN", NULL, false},
    {"CLUSTERDOWN", NULL, false},
    {"MOVED", "this is a node of a Redis Cluster that does not own the topic's slot",
     false},
    {"MISCONF", NULL, false},
    {"NOREPLICAS", NULL, false},
    {"TRYAGAIN", NULL, false},
};

const struct refusal *refusal_find(const char *text)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (strncmp(text, refusals[i].code, strlen(refusals[i].code)) == 0) {
            return &refusals[i];
        }
    }
    return NULL;
}
