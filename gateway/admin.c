/* SPDX-License-Identifier: MIT */
#include "gateway/admin.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/client_list.h"

#define PLAIN   "text/plain; charset=utf-8"
#define JSON    "application/json; charset=utf-8"
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

static void close_page(FILE *file, struct admin_page *answer)
{
    if (fclose(file) != 0) {
        free(answer->body);
        answer->body = NULL;
        answer->len = 0;
    }
}

static struct admin_page metrics_page(const struct admin_view *view)
{
    struct admin_page answer = {.status = 200, .content_type = METRICS};
    FILE *file = open_memstream(&answer.body, &answer.len);
    if (file == NULL) {
        return answer;
    }
    stats_write(view->stats, &view->gauges, file);
    close_page(file, &answer);
    return answer;
}

static bool is_about_clients(const struct request *request)
{
    return strcmp(request->path, "/debug/clients") == 0;
}

size_t admin_clients_wanted(const struct request *request)
{
    size_t wanted = CLIENT_LIST_DEFAULT;
    return is_about_clients(request) &&
                   request_read_number(request, "limit", CLIENT_LIST_MAX, &wanted)
               ? wanted
               : 0;
}

static struct admin_page clients_page(const struct request *request,
                                      const struct admin_view *view)
{
    if (admin_clients_wanted(request) == 0) {
        return page(400, "limit is a number from 1 to 1000\n");
    }
    struct admin_page answer = {.status = 200, .content_type = JSON};
    FILE *file = view->clients == NULL ? NULL : open_memstream(&answer.body, &answer.len);
    if (file != NULL) {
        client_list_write(view->clients, file);
        close_page(file, &answer);
    }
    return answer;
}

struct admin_page admin_answer(const struct request *request,
                               const struct admin_view *view)
{
    const char *path = request->path;
    if (strcmp(path, "/healthz") == 0) {
        return page(200, "alive\n");
    }
    if (strcmp(path, "/readyz") == 0) {
        return ready_page(view);
    }
    if (strcmp(path, "/metrics") == 0) {
        return metrics_page(view);
    }
    if (is_about_clients(request)) {
        return clients_page(request, view);
    }
    return page(404, "not found: try /healthz, /readyz, /metrics or /debug/clients\n");
}
