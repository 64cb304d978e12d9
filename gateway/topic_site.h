/* topic_site — answers GET /api/v1/topics: which topics are being fed.
 *
 * SPDX-License-Identifier: MIT
 *
 * At once, with a page of what the catalog knows at that moment.
 */
#ifndef GATEWAY_TOPIC_SITE_H
#define GATEWAY_TOPIC_SITE_H

struct catalog;
struct request;
struct visitor;

/* `allowed_origins` as in the settings. */
void topic_site_answer(struct catalog *catalog, const char *allowed_origins,
                       struct visitor *visitor, const struct request *request);

#endif
