/* SPDX-License-Identifier: MIT */
#include "common/conf.h"

#include "common/json.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES  64  /* for a setting's name or its environment variable's */
#define VALUE_BYTES 32  /* for a number or a word of a choice */
#define RANGE_BYTES 160 /* for "1 to 9 ms" or the words of a choice */
#define ECHO_MAX    80  /* bytes of a bad value that an error repeats */
#define ECHO_BYTES  (JSON_QUOTED_MAX(ECHO_MAX) + 1)
#define HELP_WIDTH  90
#define HELP_INDENT 34

/* One conf_load() under way. */
struct load {
    const struct conf_program *program;
    char *out; /* the program's struct */
    char *error;
};

/* Returns the place after the number, or NULL if there is none or it is too large. */
static const char *parse_integer(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (!isdigit((unsigned char)*digits)) {
        return NULL;
    }
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 ? end : NULL;
}

/* Of CONF_BYTES a k, m or g may follow the number. */
static bool parse_int(const struct conf_setting *row, const char *text, int64_t *out)
{
    static const char suffixes[] = "kmg";
    const char *end = parse_integer(text, out);
    if (end != NULL && *end != '\0' && row->type == CONF_BYTES) {
        const char *suffix = strchr(suffixes, *end | 0x20);
        int step = suffix != NULL ? (int)(suffix - suffixes) + 1 : 0;
        if (step == 0 || __builtin_mul_overflow(*out, INT64_C(1) << (10 * step), out)) {
            return false;
        }
        end++;
    }
    return end != NULL && *end == '\0' && *out >= row->min && *out <= row->max;
}

static bool parse_number(const struct conf_setting *row, const char *text, double *out)
{
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return false; /* strtod() also takes hexadecimal, infinities and spaces */
    }
    char *end;
    *out = strtod(text, &end);
    return *end == '\0' && *out >= (double)row->min && *out <= (double)row->max;
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const words[] = {"0",  "1",   "false", "true",
                                        "no", "yes", "off",   "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool parse_choice(const char *choices, const char *text, int *out)
{
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t word = strcspn(choices, "|");
        if (word == len && memcmp(choices, text, len) == 0) {
            *out = i;
            return true;
        }
        if (choices[word] == '\0') {
            return false;
        }
        choices += word + 1;
    }
}

bool conf_split_address(const char *text, char host[CONF_HOST_BYTES], uint16_t *out_port)
{
    bool bracket = *text == '[';
    const char *start = bracket ? text + 1 : text;
    const char *end = strchr(start, bracket ? ']' : ':');
    if (end == NULL || end - start >= CONF_HOST_BYTES) {
        return false;
    }
    const char *colon = bracket ? end + 1 : end;
    char copy[CONF_HOST_BYTES] = "";
    struct in6_addr address;
    memcpy(copy, start, (size_t)(end - start));
    if (*colon != ':' || inet_pton(bracket ? AF_INET6 : AF_INET, copy, &address) != 1) {
        return false;
    }
    int64_t port;
    end = parse_integer(colon + 1, &port);
    if (end == NULL || *end != '\0' || port < 0 || port > UINT16_MAX) {
        return false;
    }
    memcpy(host, copy, sizeof(copy));
    *out_port = (uint16_t)port;
    return true;
}

/* Returns true for what can be printed on a line of its own. */
static bool is_line(const char *text)
{
    while (*text != '\0' && !iscntrl((unsigned char)*text)) {
        text++;
    }
    return *text == '\0';
}

static bool is_address(const char *text)
{
    char host[CONF_HOST_BYTES];
    uint16_t port;
    return strcmp(text, "off") == 0 || conf_split_address(text, host, &port);
}

/* A URL may be empty where none is the default. */
static bool is_url(const struct conf_setting *row, const char *text)
{
    const char *colon = strstr(text, "://");
    return (*text == '\0' && *row->fallback == '\0') ||
           (is_line(text) && colon != NULL && colon != text && colon[3] != '\0');
}

/* Sets the row's field if the text is a value for it, and returns whether it is. */
static bool parse_value(const struct conf_setting *row, const char *text, char *out)
{
    void *field = out + row->offset;
    bool good = false;
    switch (row->type) {
    case CONF_INT:
    case CONF_BYTES:
        return parse_int(row, text, field);
    case CONF_NUMBER:
        return parse_number(row, text, field);
    case CONF_BOOL:
        return parse_bool(text, field);
    case CONF_CHOICE:
        return parse_choice(row->choices, text, field);
    case CONF_STRING:
        good = is_line(text);
        break;
    case CONF_URL:
        good = is_url(row, text);
        break;
    case CONF_ADDRESS:
        good = is_address(text);
        break;
    }
    memcpy(field, &text, sizeof(text));
    return good;
}

/* Finds the password of a URL, or what may be one. Returns its length, 0 if there is
 * none. */
static size_t find_secret(const char *url, const char **out_start)
{
    const char *scheme = strstr(url, "://");
    const char *login = scheme != NULL ? scheme + 3 : url;
    const char *end = strrchr(login, '@');
    const char *colon = end != NULL ? memchr(login, ':', (size_t)(end - login)) : NULL;
    if (end == NULL || (colon == NULL && scheme == NULL)) {
        return 0;
    }
    *out_start = colon != NULL ? colon + 1 : login;
    return (size_t)(end - *out_start);
}

/* Writes the beginning of the text in quotes, harmless to a terminal, secrets masked. */
static void quote(char out[ECHO_BYTES], const char *text)
{
    char masked[ECHO_MAX + 8];
    const char *secret = text;
    size_t secret_len = find_secret(text, &secret);
    if (secret_len > 0) {
        snprintf(masked, sizeof(masked), "%.*s***%s", (int)(secret - text), text,
                 secret + secret_len);
        text = masked;
    }
    size_t len = json_cut(text, strlen(text), ECHO_MAX);
    out[json_quote(out, text, len)] = '\0';
}

static void format_bytes(char out[VALUE_BYTES], int64_t bytes)
{
    int step = 0;
    while (step < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        step++;
    }
    static const char *const suffixes[] = {"", "k", "m", "g"};
    snprintf(out, VALUE_BYTES, "%" PRId64 "%s", bytes, suffixes[step]);
}

/* The shortest text that reads back as the same number. */
static void format_number(char out[VALUE_BYTES], double number)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, VALUE_BYTES, "%.*g", digits, number);
        if (strtod(out, NULL) == number) {
            return;
        }
    }
}

static void format_choice(char out[VALUE_BYTES], const char *choices, int place)
{
    while (place-- > 0) {
        choices += strcspn(choices, "|") + 1;
    }
    snprintf(out, VALUE_BYTES, "%.*s", (int)strcspn(choices, "|"), choices);
}

/* "1 to 9 ms", "1k to 1m", "debug, info, warn, error"; nothing for the other types. */
static void format_range(char out[RANGE_BYTES], const struct conf_setting *row)
{
    char min[VALUE_BYTES];
    char max[VALUE_BYTES];
    const char *unit = row->unit != NULL ? row->unit : "";
    out[0] = '\0';
    if (row->type == CONF_INT || row->type == CONF_NUMBER) {
        snprintf(out, RANGE_BYTES, "%" PRId64 " to %" PRId64 "%s%s", row->min, row->max,
                 *unit != '\0' ? " " : "", unit);
    } else if (row->type == CONF_BYTES) {
        format_bytes(min, row->min);
        format_bytes(max, row->max);
        snprintf(out, RANGE_BYTES, "%s to %s", min, max);
    } else if (row->type == CONF_CHOICE) {
        size_t len = 0;
        for (const char *word = row->choices; *word != '\0' && len < RANGE_BYTES;) {
            size_t word_len = strcspn(word, "|");
            len += (size_t)snprintf(out + len, RANGE_BYTES - len, "%s%.*s",
                                    len > 0 ? ", " : "", (int)word_len, word);
            word += word_len + (word[word_len] == '|' ? 1 : 0);
        }
    }
}

/* Writes the one line of a failed load, without control characters. Returns false. */
__attribute__((format(printf, 2, 3))) static bool complain(const struct load *load,
                                                           const char *format, ...)
{
    int len = snprintf(load->error, CONF_ERROR_MAX, "%s: ", load->program->name);
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): errs when given many files */
    vsnprintf(load->error + len, CONF_ERROR_MAX - (size_t)len, format, args);
    va_end(args);
    for (char *c = load->error; *c != '\0'; c++) {
        *c = iscntrl((unsigned char)*c) ? '?' : *c;
    }
    return false;
}

/* What a value is, as said in `"foo" is not …`; the range follows. */
static const char *const kinds[] = {
    [CONF_STRING] = "text without control characters",
    [CONF_URL] = "a URL",
    [CONF_ADDRESS] = "HOST:PORT with a numeric host, nor off",
    [CONF_INT] = "a whole number from ",
    [CONF_BYTES] = "a size from ",
    [CONF_NUMBER] = "a number from ",
    [CONF_BOOL] = "true or false",
    [CONF_CHOICE] = "one of ",
};

/* `source` is where the text is from: an option or an environment variable. */
static bool set_value(const struct load *load, const struct conf_setting *row,
                      const char *source, const char *text)
{
    if (parse_value(row, text, load->out)) {
        return true;
    }
    char echo[ECHO_BYTES];
    char range[RANGE_BYTES];
    quote(echo, text);
    format_range(range, row);
    bool has_example = *row->fallback != '\0';
    return complain(load, "%s: %s is not %s%s%s%s%s", source, echo, kinds[row->type],
                    range, has_example ? " (for example " : "", row->fallback,
                    has_example ? ")" : "");
}

static const struct conf_setting *find_row(const struct conf_program *program,
                                           const char *name)
{
    for (size_t i = 0; i < program->count; i++) {
        if (strcmp(program->settings[i].name, name) == 0) {
            return &program->settings[i];
        }
    }
    return NULL;
}

/* How many letters must be added, removed or changed to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_BYTES];
    size_t b_len = strnlen(b, NAME_BYTES - 1);
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t shift = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[b_len];
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Returns the setting whose name was probably meant, or NULL. */
static const struct conf_setting *find_nearest(const struct conf_program *program,
                                               const char *name)
{
    const struct conf_setting *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        bool extends = starts_with(name, row->name) || starts_with(row->name, name);
        size_t steps = extends && strlen(name) > 2 ? 1 : distance(name, row->name);
        if (steps < best) {
            best = steps;
            nearest = row;
        }
    }
    return nearest;
}

static void format_variable(char out[NAME_BYTES], const struct conf_program *program,
                            const struct conf_setting *row)
{
    size_t prefix = strlen(program->env_prefix);
    int len = snprintf(out, NAME_BYTES, "%s%s", program->env_prefix, row->name);
    assert(len < NAME_BYTES);
    for (char *c = out + prefix; *c != '\0'; c++) {
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    }
}

/* Orchestrators put the addresses of services into the environment, and those of one that
 * is named like the program look like settings: CHRONOGATE_PORT=tcp://10.0.0.9:8000.
 * kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
static bool is_service_link(const char *name, const char *value)
{
    size_t len = strlen(name);
    const char *port = strstr(name, "PORT_");
    return strstr(name, "SERVICE_HOST") != NULL || strstr(name, "SERVICE_PORT") != NULL ||
           (port != NULL && isdigit((unsigned char)port[5])) ||
           (len >= 4 && strcmp(name + len - 4, "PORT") == 0 &&
            strstr(value, "://") != NULL);
}

static bool complain_unknown(const struct load *load, const char *source,
                             const char *option)
{
    const struct conf_setting *meant = find_nearest(load->program, option);
    if (meant == NULL) {
        return complain(load, "%s: there is no such setting; --help lists them", source);
    }
    char variable[NAME_BYTES];
    format_variable(variable, load->program, meant);
    return complain(load,
                    "%s: there is no such setting; did you mean --%s (%s)? See --help",
                    source, meant->name, variable);
}

static bool load_variable(const struct load *load, const char *variable)
{
    const struct conf_program *program = load->program;
    const char *value = strchrnul(variable, '=');
    char name[4 * NAME_BYTES];
    snprintf(name, sizeof(name), "%.*s", (int)(value - variable), variable);
    if (*value == '\0' || *++value == '\0') {
        return true;
    }
    for (size_t i = 0; i < program->count; i++) {
        char known[NAME_BYTES];
        format_variable(known, program, &program->settings[i]);
        if (strcmp(name, known) == 0) {
            return set_value(load, &program->settings[i], name, value);
        }
    }
    if (is_service_link(name, value)) {
        return true;
    }
    char option[NAME_BYTES] = "";
    const char *own = name + strlen(program->env_prefix);
    for (size_t i = 0; own[i] != '\0' && i < sizeof(option) - 1; i++) {
        option[i] = (char)(own[i] == '_' ? '-' : tolower((unsigned char)own[i]));
    }
    return complain_unknown(load, name, option);
}

static bool load_environment(const struct load *load, char *const envp[])
{
    for (; *envp != NULL; envp++) {
        if (starts_with(*envp, load->program->env_prefix) &&
            !load_variable(load, *envp)) {
            return false;
        }
    }
    return true;
}

/* Reads the option at **arg and its value, which may be the next argument, and moves *arg
 * to the last one read. */
static bool load_option(const struct load *load, char *const **arg)
{
    const char *text = **arg;
    char option[NAME_BYTES];
    char echo[ECHO_BYTES];
    size_t len = strcspn(text, "=");
    snprintf(option, sizeof(option), "%.*s", (int)len, text);
    if (!starts_with(option, "-")) {
        quote(echo, text);
        return complain(load, "unexpected argument %s; settings are written --name value",
                        echo);
    }
    const struct conf_setting *row =
        starts_with(option, "--") ? find_row(load->program, option + 2) : NULL;
    if (row == NULL) {
        return complain_unknown(load, option, option + strspn(option, "-"));
    }
    if (text[len] == '=') {
        return set_value(load, row, option, text + len + 1);
    }
    if (row->type == CONF_BOOL) {
        return set_value(load, row, option, "true");
    }
    const char *next = *(*arg + 1);
    if (next == NULL || starts_with(next, "--")) {
        return complain(load, "%s: its value is missing; see --help", option);
    }
    ++*arg;
    return set_value(load, row, option, next);
}

static bool load_arguments(const struct load *load, char *const *argv, bool *out_check,
                           bool *out_print)
{
    for (char *const *arg = argv; *arg != NULL; arg++) {
        if (strcmp(*arg, "-n") == 0) {
            *out_check = true;
        } else if (strcmp(*arg, "--print-config") == 0) {
            *out_print = true;
        } else if (!load_option(load, &arg)) {
            return false;
        }
    }
    return true;
}

static void load_defaults(const struct load *load)
{
    for (size_t i = 0; i < load->program->count; i++) {
        const struct conf_setting *row = &load->program->settings[i];
        bool good = parse_value(row, row->fallback, load->out);
        assert(good);
    }
}

/* Returns the row's value as text: its own, or written to `buffer`. */
static const char *format_value(char buffer[VALUE_BYTES], const struct conf_setting *row,
                                const void *field)
{
    switch (row->type) {
    case CONF_INT:
        snprintf(buffer, VALUE_BYTES, "%" PRId64, *(const int64_t *)field);
        return buffer;
    case CONF_BYTES:
        format_bytes(buffer, *(const int64_t *)field);
        return buffer;
    case CONF_NUMBER:
        format_number(buffer, *(const double *)field);
        return buffer;
    case CONF_BOOL:
        return *(const bool *)field ? "true" : "false";
    case CONF_CHOICE:
        format_choice(buffer, row->choices, *(const int *)field);
        return buffer;
    case CONF_STRING:
    case CONF_URL:
    case CONF_ADDRESS:
        break;
    }
    return *(const char *const *)field;
}

static void print_config(const struct load *load, FILE *file)
{
    for (size_t i = 0; i < load->program->count; i++) {
        const struct conf_setting *row = &load->program->settings[i];
        char buffer[VALUE_BYTES];
        const char *value = format_value(buffer, row, load->out + row->offset);
        const char *secret = value;
        size_t secret_len = find_secret(value, &secret);
        fprintf(file, "%s=%.*s%s%s\n", row->name, (int)(secret - value), value,
                secret_len > 0 ? "***" : "", secret + secret_len);
    }
}

/* Goes on at HELP_INDENT and ends the line. */
static void print_wrapped(FILE *file, const char *text)
{
    int column = 0;
    while (*text != '\0') {
        int word = (int)strcspn(text, " ");
        if (column > 0 && HELP_INDENT + column + 1 + word > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_INDENT, "");
            column = 0;
        }
        column += fprintf(file, "%s%.*s", column > 0 ? " " : "", word, text);
        text += word + (int)strspn(text + word, " ");
    }
    fputc('\n', file);
}

/* An entry of --help: the option, and beside it or below it what it does. */
static void print_entry(FILE *file, const char *option, const char *help)
{
    int column = fprintf(file, "  %s", option);
    if (column + 2 > HELP_INDENT) {
        fputc('\n', file);
        column = 0;
    }
    fprintf(file, "%*s", HELP_INDENT - column, "");
    print_wrapped(file, help);
}

static void print_row(FILE *file, const struct conf_program *program,
                      const struct conf_setting *row)
{
    static const char *const values[] = {
        [CONF_STRING] = " TEXT",  [CONF_URL] = " URL",     [CONF_ADDRESS] = " HOST:PORT",
        [CONF_INT] = " NUMBER",   [CONF_BYTES] = " SIZE",  [CONF_NUMBER] = " NUMBER",
        [CONF_BOOL] = "[=false]", [CONF_CHOICE] = " WORD",
    };
    char option[2 * NAME_BYTES];
    char variable[NAME_BYTES];
    char range[RANGE_BYTES];
    char note[512];
    snprintf(option, sizeof(option), "--%s%s", row->name, values[row->type]);
    format_variable(variable, program, row);
    format_range(range, row);
    snprintf(note, sizeof(note), "[default %s%s%s; %s]",
             *row->fallback != '\0' ? row->fallback : "none", *range != '\0' ? "; " : "",
             range, variable);
    print_entry(file, option, row->help);
    fprintf(file, "%*s", HELP_INDENT, "");
    print_wrapped(file, note);
}

static void print_help(FILE *file, const struct conf_program *program)
{
    fprintf(file, "Usage: %s [OPTION]...\n%s\n\n", program->name, program->summary);
    for (size_t i = 0; i < program->count; i++) {
        print_row(file, program, &program->settings[i]);
    }
    fputc('\n', file);
    print_entry(file, "-n", "Check the configuration and exit");
    print_entry(file, "--print-config",
                "Show the configuration, passwords masked, and exit");
    print_entry(file, "--version", "Show the version and exit");
    print_entry(file, "-h, --help", "Show this and exit");
    fputs("\nAn option beats its environment variable, which beats the default.\n"
          "A SIZE is in bytes; k, m or g after it mean KiB, MiB or GiB.\n",
          file);
}

/* Returns true if one of the options was given that need no configuration. */
static bool show_help(const struct conf_program *program, char *const *argv, FILE *shown)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0) {
            print_help(shown, program);
            return true;
        }
        if (strcmp(*argv, "--version") == 0) {
            fprintf(shown, "%s %s\n", program->name, program->version);
            return true;
        }
    }
    return false;
}

enum conf_result conf_load(const struct conf_program *program, char *const argv[],
                           char *const envp[], void *out, FILE *shown,
                           char error[CONF_ERROR_MAX])
{
    struct load load = {.program = program, .out = out};
    load.error = error;
    bool check = false;
    bool print = false;
    argv += *argv != NULL ? 1 : 0;
    load_defaults(&load);
    if (show_help(program, argv, shown)) {
        return CONF_SHOWN;
    }
    if (!load_environment(&load, envp) || !load_arguments(&load, argv, &check, &print)) {
        return CONF_BAD;
    }
    if (print) {
        print_config(&load, shown);
        return CONF_SHOWN;
    }
    return check ? CONF_CHECKED : CONF_RUN;
}

void conf_print_markdown(const struct conf_program *program, FILE *file)
{
    fputs("| Setting | Default | Range | Meaning |\n|---|---|---|---|\n", file);
    for (size_t i = 0; i < program->count; i++) {
        const struct conf_setting *row = &program->settings[i];
        const char *quotes = *row->fallback != '\0' ? "`" : "";
        char range[RANGE_BYTES];
        format_range(range, row);
        fprintf(file, "| `--%s` | %s%s%s | %s | %s |\n", row->name, quotes, row->fallback,
                quotes, range, row->help);
    }
}
