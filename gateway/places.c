/* SPDX-License-Identifier: MIT */
#include "gateway/places.h"

static size_t at_most(size_t number, size_t bound)
{
    return number < bound ? number : bound;
}

bool places_share_out(size_t files, struct places *out)
{
    if (files < PLACES_FILES_MIN) {
        return false;
    }
    const size_t others = at_most(files / 4, PLACES_OTHERS_MAX);
    out->visitors = at_most(files / 8, PLACES_VISITORS_MAX);
    out->pages = at_most(files / 16, PLACES_PAGES_MAX);
    out->clients = files - others - out->visitors - 2 * out->pages;
    return true;
}
