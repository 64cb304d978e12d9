/* file — a whole file in memory, unpacked if it is a gzip archive.
 *
 * SPDX-License-Identifier: MIT
 *
 * An archive is known by its first two bytes (RFC 1952), not by its name; several one
 * after the other are one, as gzip has it.
 */
#ifndef FEEDER_FILE_H
#define FEEDER_FILE_H

#include <stddef.h>

/* Sets *out to the bytes, to be freed. Returns NULL, or why they can't be had: one line
 * that lives until the next call of strerror(). More than `max` unpacked bytes are such a
 * reason, and so is an archive that is damaged or cut off. */
const char *file_read(const char *path, size_t max, char **out, size_t *out_len);

#endif
