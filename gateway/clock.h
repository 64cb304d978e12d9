/* clock — reads the time for everybody.
 *
 * SPDX-License-Identifier: MIT
 *
 * Sessions and the hub read no clock; whoever calls into them sets the time first.
 */
#ifndef GATEWAY_CLOCK_H
#define GATEWAY_CLOCK_H

struct session_env;

/* Sets env->now_ms and env->wall_us. */
void clock_read(struct session_env *env);

#endif
