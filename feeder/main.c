/* chronofeed: builds the parts, wires their callbacks, takes them down in reverse.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/table.h"
#include "feeder/config.h"
#include "feeder/pump.h"
#include "feeder/source.h"

struct program {
    struct loop *loop;
    struct pump *pump;
    struct loop_signal *terminate;
    struct loop_signal *interrupt;
    bool stopping;
    int status;
};

static void on_signal(void *arg, int signo)
{
    struct program *program = arg;
    log_info("signal", log_int("number", signo));
    if (program->stopping) {
        program->status = EXIT_FAILURE;
        loop_stop(program->loop);
        return;
    }
    program->stopping = true;
    pump_stop(program->pump);
}

static void on_done(void *arg)
{
    const struct program *program = arg;
    loop_stop(program->loop);
}

/* It is leaving: a signal that comes now changes nothing. */
static void block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int run(const struct feeder_config *config, const struct source_list *list)
{
    struct program program = {.status = EXIT_FAILURE};
    char error[SOURCE_ERROR_MAX] = "out of memory";
    program.loop = loop_create();
    if (program.loop == NULL) {
        goto failed;
    }
    /* Until then a signal ends it at once: a source may wait for its file for ever. */
    program.pump = pump_create(program.loop, config, list, on_done, &program, error);
    if (program.pump == NULL) {
        goto failed;
    }
    snprintf(error, sizeof(error), "out of memory");
    program.terminate = loop_signal_create(program.loop, SIGTERM, on_signal, &program);
    program.interrupt = loop_signal_create(program.loop, SIGINT, on_signal, &program);
    if (program.terminate == NULL || program.interrupt == NULL) {
        goto failed;
    }
    program.status = EXIT_SUCCESS;
    log_info("feeding", log_str("source", config->source));
    loop_run(program.loop);
    block_signals();
    if (pump_failed(program.pump)) {
        program.status = EXIT_FAILURE;
    }
    goto out;
failed:
    fprintf(stderr, "chronofeed: %s\n", error);
out:
    pump_destroy(program.pump);
    loop_signal_destroy(program.interrupt);
    loop_signal_destroy(program.terminate);
    loop_destroy(program.loop);
    return program.status;
}

int main(int argc, char *argv[])
{
    (void)argc;
    struct feeder_config config;
    struct source_list list;
    char error[CONF_ERROR_MAX];
    enum conf_result result = feeder_config_load(argv, environ, &config, stdout, error);
    if ((result == CONF_RUN || result == CONF_CHECKED) &&
        !source_parse(&config, &list, error)) {
        result = CONF_BAD;
    }
    switch (result) {
    case CONF_RUN:
        break;
    case CONF_CHECKED:
    case CONF_SHOWN:
        return EXIT_SUCCESS;
    case CONF_BAD:
        fprintf(stderr, "chronofeed: %s\n", error);
        return EXIT_FAILURE;
    }
    log_configure((enum log_level)config.log_level, (enum log_format)config.log_format);
    signal(SIGPIPE, SIG_IGN);
    table_draw_key();
    return run(&config, &list);
}
