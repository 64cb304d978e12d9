/* SPDX-License-Identifier: MIT */
#include "gateway/shelf.h"

#include <utlist.h>

static void count_tail(struct shelf *shelf, struct shelf_place *place)
{
    shelf->tail_bytes += place->sequence->tail.bytes - place->tail_bytes;
    place->tail_bytes = place->sequence->tail.bytes;
}

static void drop_tail(struct shelf *shelf, struct shelf_place *place)
{
    if (place->used_ms != 0) {
        DL_DELETE(shelf->tails, place);
        place->used_ms = 0;
        sequence_drop_tail(place->sequence);
        count_tail(shelf, place);
    }
}

void shelf_tick(struct shelf *shelf, uint64_t now_ms)
{
    shelf->now_ms = now_ms;
    while (shelf->tails != NULL && shelf->tails->used_ms + shelf->keep_ms <= now_ms) {
        if (shelf->tails->busy) {
            shelf_use(shelf, shelf->tails); /* somebody waits for what is being read */
        } else {
            drop_tail(shelf, shelf->tails);
        }
    }
}

void shelf_use(struct shelf *shelf, struct shelf_place *place)
{
    if (place->used_ms != 0) {
        DL_DELETE(shelf->tails, place);
    }
    DL_APPEND(shelf->tails, place);
    place->used_ms = shelf->now_ms + 1;
    sequence_keep_tail(place->sequence);
}

void shelf_bound_tails(struct shelf *shelf, struct shelf_place *place)
{
    if (place->used_ms == 0) {
        return;
    }
    count_tail(shelf, place);
    struct shelf_place *at = shelf->tails;
    while (shelf->tail_bytes > shelf->max_bytes && at->next != NULL) {
        struct shelf_place *next = at->next;
        if (!at->busy) {
            drop_tail(shelf, at);
        }
        at = next;
    }
}

void shelf_count_held(struct shelf *shelf, struct shelf_place *place)
{
    shelf->held_bytes += place->sequence->held.bytes - place->held_bytes;
    place->held_bytes = place->sequence->held.bytes;
}

void shelf_bound_held(struct shelf *shelf, struct shelf_place *place)
{
    shelf_count_held(shelf, place);
    if (shelf->held_bytes > shelf->max_bytes) {
        sequence_drop_held(place->sequence);
        shelf_count_held(shelf, place);
    }
}

void shelf_clear(struct shelf *shelf, struct shelf_place *place)
{
    drop_tail(shelf, place);
    shelf->held_bytes -= place->held_bytes;
    place->held_bytes = 0;
}
