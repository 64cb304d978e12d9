/* usage — what this process takes of its machine, and how much memory it may take.
 *
 * SPDX-License-Identifier: MIT
 *
 * Read when somebody asks. In a control group with a limit, as in a container or a unit
 * with MemoryMax=, that limit counts, and against it everything that the kernel counts:
 * sockets' buffers, too. https://docs.kernel.org/admin-guide/cgroup-v2.html (Memory)
 */
#ifndef GATEWAY_USAGE_H
#define GATEWAY_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t resident_bytes;
    uint64_t memory_bytes; /* what counts against the limit */
    uint64_t memory_limit_bytes;
    uint64_t cpu_ms;
};

/* What cannot be read is 0; without a limit that is the machine's memory. */
void usage_read(struct usage *out);

#endif
