/* SPDX-License-Identifier: MIT */
#include "gateway/admin.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN   "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

static struct admin_page page(unsigned status, const char *text)
{
    char *body = strdup(text);
    return (struct admin_page){.status = status,
                               .content_type = PLAIN,
                               .body = body,
                               .len = body == NULL ? 0 : strlen(body)};
}

static struct admin_page ready_page(const struct admin_view *view)
{
    if (view->gauges.draining != 0) {
        return page(503, "not ready: draining\n");
    }
    if (view->gauges.redis_connected == 0) {
        return page(503, "not ready: no connection to Redis\n");
    }
    return page(200, "ready\n");
}

static struct admin_page metrics_page(const struct admin_view *view)
{
    struct admin_page answer = {.status = 200, .content_type = METRICS};
    FILE *file = open_memstream(&answer.body, &answer.len);
    if (file == NULL) {
        return answer;
    }
    stats_write(view->stats, &view->gauges, file);
    if (fclose(file) != 0) {
        free(answer.body);
        answer.body = NULL;
    }
    return answer;
}

struct admin_page admin_answer(const char *path, const struct admin_view *view)
{
    if (strcmp(path, "/healthz") == 0) {
        return page(200, "alive\n");
    }
    if (strcmp(path, "/readyz") == 0) {
        return ready_page(view);
    }
    if (strcmp(path, "/metrics") == 0) {
        return metrics_page(view);
    }
    return page(404, "not found: try /healthz, /readyz or /metrics\n");
}
