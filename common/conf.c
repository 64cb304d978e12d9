/* SPDX-License-Identifier: MIT */
#include "common/conf.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define NAME_BYTES  64 /* for a setting's name or its environment variable's */
#define HELP_WIDTH  90
#define HELP_INDENT 34

/* One conf_load() under way. */
struct load {
    const struct conf_program *program;
    void *out; /* the program's struct */
    char *error;
};

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

/* `source` is where the text is from: an option or an environment variable. */
static bool set_value(const struct load *load, const struct conf_setting *row,
                      const char *source, const char *text)
{
    if (conf_row_parse(row, text, load->out)) {
        return true;
    }
    char echo[CONF_ECHO_BYTES];
    char range[CONF_RANGE_BYTES];
    conf_row_echo(echo, text);
    conf_row_range(range, row);
    bool has_example = *row->fallback != '\0';
    return complain(load, "%s: %s is not %s%s%s%s%s", source, echo, conf_row_kind(row),
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
    char echo[CONF_ECHO_BYTES];
    size_t len = strcspn(text, "=");
    snprintf(option, sizeof(option), "%.*s", (int)len, text);
    if (!starts_with(option, "-")) {
        conf_row_echo(echo, text);
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
        bool good = conf_row_parse(row, row->fallback, load->out);
        assert(good);
    }
}

static void print_config(const struct load *load, FILE *file)
{
    for (size_t i = 0; i < load->program->count; i++) {
        const struct conf_setting *row = &load->program->settings[i];
        char buffer[CONF_VALUE_BYTES];
        const char *value = conf_row_format(buffer, row, load->out);
        const char *secret = value;
        size_t secret_len = conf_row_secret(value, &secret);
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
    char range[CONF_RANGE_BYTES];
    char note[512];
    snprintf(option, sizeof(option), "--%s%s", row->name, values[row->type]);
    format_variable(variable, program, row);
    conf_row_range(range, row);
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
        char range[CONF_RANGE_BYTES];
        conf_row_range(range, row);
        fprintf(file, "| `--%s` | %s%s%s | %s | %s |\n", row->name, quotes, row->fallback,
                quotes, range, row->help);
    }
}
