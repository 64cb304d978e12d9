/* SPDX-License-Identifier: MIT */
#include "feeder/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/dns.h>
#include <event2/util.h>

#include "common/loop.h"

#define ADDRESSES_MAX 8
#define TIMEOUT_S     "2" /* for one name server */

struct resolver {
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request; /* while it is under way */
    resolver_done_fn on_done;
    void *arg;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t count;
    size_t next;
};

static void on_resolved(int result, struct evutil_addrinfo *list, void *arg)
{
    if (result == EVUTIL_EAI_CANCEL) {
        return; /* the resolver may be gone */
    }
    struct resolver *resolver = arg;
    resolver->request = NULL;
    for (const struct evutil_addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (resolver->count < ADDRESSES_MAX &&
            getnameinfo(at->ai_addr, at->ai_addrlen, resolver->addresses[resolver->count],
                        INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0) {
            resolver->count++;
        }
    }
    if (list != NULL) {
        evutil_freeaddrinfo(list);
    }
    resolver->on_done(resolver->arg,
                      resolver->count == 0 ? evutil_gai_strerror(result) : NULL);
}

struct resolver *resolver_create(struct loop *loop, const char *host,
                                 resolver_done_fn on_done, void *arg)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL) {
        return NULL;
    }
    resolver->on_done = on_done;
    resolver->arg = arg;
    resolver->dns = evdns_base_new(loop_base(loop), EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                        EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (resolver->dns == NULL) {
        free(resolver);
        return NULL;
    }
    evdns_base_set_option(resolver->dns, "timeout:", TIMEOUT_S);
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    /* NULL when on_resolved() has been called already. */
    resolver->request =
        evdns_getaddrinfo(resolver->dns, host, NULL, &hints, on_resolved, resolver);
    return resolver;
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    if (resolver->request != NULL) {
        evdns_getaddrinfo_cancel(resolver->request);
    }
    evdns_base_free(resolver->dns, 0);
    free(resolver);
}

const char *resolver_next(struct resolver *resolver)
{
    return resolver->next < resolver->count ? resolver->addresses[resolver->next++]
                                            : NULL;
}
