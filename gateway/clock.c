/* SPDX-License-Identifier: MIT */
#include "gateway/clock.h"

#include "common/loop.h"
#include "gateway/session.h"

void clock_read(struct session_env *env)
{
    env->now_ms = loop_now_ms();
    env->wall_us = loop_wall_us();
}
