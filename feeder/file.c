/* SPDX-License-Identifier: MIT */
#include "feeder/file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK 65536
#define GZIP  (16 + MAX_WBITS) /* what zlib calls it */

struct reading {
    FILE *file;
    size_t max;
    char *text;
    size_t len;
    size_t room;
    size_t chunk_len;
    unsigned char chunk[CHUNK];
};

static const char *fill(struct reading *reading)
{
    reading->chunk_len = fread(reading->chunk, 1, CHUNK, reading->file);
    return ferror(reading->file) ? strerror(errno) : NULL;
}

/* Room for one byte more at least; with the one behind `max` the text is too long. */
static const char *make_room(struct reading *reading)
{
    if (reading->len > reading->max) {
        return "longer than --max-file-bytes allows";
    }
    if (reading->len < reading->room) {
        return NULL;
    }
    size_t wanted = reading->room == 0 ? CHUNK : 2 * reading->room;
    if (wanted > reading->max + 1) {
        wanted = reading->max + 1;
    }
    char *grown = realloc(reading->text, wanted);
    if (grown == NULL) {
        return "out of memory";
    }
    reading->text = grown;
    reading->room = wanted;
    return NULL;
}

static const char *read_plain(struct reading *reading)
{
    const char *why = NULL;
    while (why == NULL && reading->chunk_len > 0) {
        for (size_t used = 0; why == NULL && used < reading->chunk_len;) {
            why = make_room(reading);
            if (why == NULL) {
                const size_t left = reading->chunk_len - used;
                const size_t room = reading->room - reading->len;
                const size_t part = left < room ? left : room;
                memcpy(reading->text + reading->len, reading->chunk + used, part);
                reading->len += part;
                used += part;
            }
        }
        if (why == NULL) {
            why = fill(reading);
        }
    }
    return why == NULL ? make_room(reading) : why;
}

/* Unpacks once, as far as input and room go. Returns NULL or what is wrong. */
static const char *unpack(struct reading *reading, z_stream *stream, bool *ended)
{
    const char *why = make_room(reading);
    if (why != NULL) {
        return why;
    }
    if (*ended && inflateReset(stream) != Z_OK) {
        return "out of memory";
    }
    const size_t room = reading->room - reading->len;
    const uInt offered = room < UINT_MAX ? (uInt)room : UINT_MAX;
    stream->next_out = (Bytef *)reading->text + reading->len;
    stream->avail_out = offered;
    const int result = inflate(stream, Z_NO_FLUSH);
    reading->len += offered - stream->avail_out;
    *ended = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR) {
        return "out of memory";
    }
    return *ended || result == Z_OK || result == Z_BUF_ERROR
               ? NULL
               : "the gzip archive is damaged";
}

static const char *read_archive(struct reading *reading)
{
    z_stream stream = {.next_in = reading->chunk};
    if (inflateInit2(&stream, GZIP) != Z_OK) {
        return "out of memory";
    }
    stream.avail_in = (uInt)reading->chunk_len;
    bool ended = false;
    const char *why = NULL;
    while (why == NULL) {
        /* Without room left, there may be more behind an input that is used up. */
        if (stream.avail_in == 0 && (ended || stream.avail_out > 0)) {
            why = fill(reading);
            stream.next_in = reading->chunk;
            stream.avail_in = (uInt)reading->chunk_len;
            if (why != NULL || reading->chunk_len == 0) {
                break;
            }
        }
        why = unpack(reading, &stream, &ended);
    }
    inflateEnd(&stream);
    if (why == NULL && !ended) {
        return "the gzip archive is cut off";
    }
    return why == NULL ? make_room(reading) : why;
}

const char *file_read(const char *path, size_t max, char **out, size_t *out_len)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL) {
        return "out of memory";
    }
    reading->max = max;
    reading->file = fopen(path, "rb");
    const char *why = reading->file == NULL ? strerror(errno) : fill(reading);
    if (why == NULL) {
        const bool packed = reading->chunk_len >= 2 && reading->chunk[0] == 0x1f &&
                            reading->chunk[1] == 0x8b;
        why = packed ? read_archive(reading) : read_plain(reading);
    }
    if (why == NULL) {
        *out = reading->text;
        *out_len = reading->len;
    } else {
        free(reading->text);
    }
    if (reading->file != NULL) {
        fclose(reading->file);
    }
    free(reading);
    return why;
}
