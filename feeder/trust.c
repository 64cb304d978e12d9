/* SPDX-License-Identifier: MIT */
#include "feeder/trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number_at(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

const char *trust_explain(const char *text)
{
    static const struct {
        int number;
        const char *fragment;
        const char *words;
    } troubles[] = {
        {9, "not yet valid", "is not yet valid"},
        {10, "expired", "has expired"},
        {18, "self-signed", "is signed by itself"},
        {19, "self signed", "is of an authority that is not trusted"},
        {20, "local issuer", "is of an authority that is not trusted"},
        {21, "verify the first", "is of an authority that is not trusted"},
        {62, "ostname mismatch", "is for another host"},
    };
    const char *found = strstr(text, "X509_V_ERR = ");
    const int number = found == NULL ? 0 : number_at(found + strlen("X509_V_ERR = "));
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        if (number == troubles[i].number || strstr(text, troubles[i].fragment) != NULL) {
            return troubles[i].words;
        }
    }
    return NULL;
}

bool trust_check_file(const char *path, char *error, size_t room)
{
    char line[128];
    bool found = false;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, room, "--ca-file %.128s: %s", path, strerror(errno));
        return false;
    }
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        found = strncmp(line, "-----BEGIN ", 11) == 0 &&
                strstr(line, "CERTIFICATE-----") != NULL;
    }
    fclose(file);
    if (!found) {
        snprintf(error, room, "--ca-file %.128s: no certificate in it", path);
    }
    return found;
}
