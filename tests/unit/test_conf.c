/* SPDX-License-Identifier: MIT */
#include "common/conf.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct values {
    const char *name;
    const char *redis;
    const char *listen;
    int64_t pause_ms;
    int64_t max_bytes;
    double rate;
    bool loud;
    int level;
    int64_t clients;
};

#define FIELD(field) offsetof(struct values, field)

static const struct conf_setting settings[] = {
    {.name = "name",
     .type = CONF_STRING,
     .offset = FIELD(name),
     .fallback = "",
     .help = "What it calls itself"},
    {.name = "redis",
     .type = CONF_URL,
     .offset = FIELD(redis),
     .fallback = "redis://127.0.0.1:6379",
     .help = "Where Redis is"},
    {.name = "listen",
     .type = CONF_ADDRESS,
     .offset = FIELD(listen),
     .fallback = "0.0.0.0:8000",
     .help = "Where clients connect"},
    {.name = "max-pause",
     .type = CONF_INT,
     .offset = FIELD(pause_ms),
     .unit = "ms",
     .min = -5,
     .max = 60000,
     .fallback = "250",
     .help = "The longest pause, which has a sentence so long that it does not fit into "
             "one line of the help and must go on in the next"},
    {.name = "max-bytes",
     .type = CONF_BYTES,
     .offset = FIELD(max_bytes),
     .unit = "bytes",
     .min = 1024,
     .max = INT64_C(64) << 20,
     .fallback = "64k",
     .help = "The largest message"},
    {.name = "rate",
     .type = CONF_NUMBER,
     .offset = FIELD(rate),
     .unit = "per second",
     .min = 0,
     .max = 100,
     .fallback = "2.5",
     .help = "How often"},
    {.name = "loud",
     .type = CONF_BOOL,
     .offset = FIELD(loud),
     .fallback = "false",
     .help = "Say more"},
    {.name = "log-level",
     .type = CONF_CHOICE,
     .offset = FIELD(level),
     .fallback = "info",
     .choices = "debug|info|warn|error",
     .help = "What is worth a line"},
    {.name = "max-clients-of-one-address",
     .type = CONF_INT,
     .offset = FIELD(clients),
     .max = 1000,
     .fallback = "0",
     .help = "Clients from one address, 0 for any number"},
};

static const struct conf_program program = {
    .name = "prog",
    .env_prefix = "PROG_",
    .version = "1.2.3",
    .summary = "Tries settings.",
    .settings = settings,
    .count = COUNT(settings),
};

/* What the last load left. */
static struct values values;
static char error[CONF_ERROR_MAX];
static char shown[16384];

/* Both texts are words parted by spaces; a `~` in a word stands for a space. */
static enum conf_result load(const char *arguments, const char *environment)
{
    static char words[2][1024]; /* the values point into it */
    char *lists[2][32] = {{NULL}};
    const char *texts[2] = {arguments, environment};
    for (size_t list = 0; list < 2; list++) {
        size_t count = 0;
        snprintf(words[list], sizeof(words[list]), "%s%s", list == 0 ? "prog " : "",
                 texts[list]);
        char *rest = words[list];
        for (char *word; (word = strsep(&rest, " ")) != NULL;) {
            if (*word != '\0') {
                lists[list][count++] = word;
            }
            for (char *c = word; (c = strchr(c, '~')) != NULL;) {
                *c = ' ';
            }
        }
    }
    FILE *file = fmemopen(shown, sizeof(shown), "w");
    ck_assert_ptr_nonnull(file);
    error[0] = '\0';
    shown[0] = '\0';
    enum conf_result result =
        conf_load(&program, lists[0], lists[1], &values, file, error);
    fclose(file);
    return result;
}

static void load_well(const char *arguments, const char *environment)
{
    ck_assert_msg(load(arguments, environment) == CONF_RUN, "%s", error);
}

/* Refused with exactly this line, or one that holds it if it does not begin with "prog".
 */
static void load_badly(const char *arguments, const char *environment, const char *line)
{
    ck_assert_msg(load(arguments, environment) == CONF_BAD, "accepted: %s %s", arguments,
                  environment);
    if (strncmp(line, "prog", 4) == 0) {
        ck_assert_str_eq(error, line);
    }
    ck_assert_msg(strstr(error, line) != NULL, "%s", error);
    ck_assert_ptr_null(strchr(error, '\n'));
}

START_TEST(without_words_the_defaults_hold)
{
    load_well("", "");
    ck_assert_str_eq(values.name, "");
    ck_assert_str_eq(values.redis, "redis://127.0.0.1:6379");
    ck_assert_str_eq(values.listen, "0.0.0.0:8000");
    ck_assert_int_eq(values.pause_ms, 250);
    ck_assert_int_eq(values.max_bytes, 65536);
    ck_assert_double_eq(values.rate, 2.5);
    ck_assert(!values.loud);
    ck_assert_int_eq(values.level, 1);
}
END_TEST

START_TEST(an_option_takes_its_value_after_a_space_or_an_equals_sign)
{
    load_well("--name a --max-pause=7 --redis redis://h --listen=[::1]:0", "");
    ck_assert_str_eq(values.name, "a");
    ck_assert_int_eq(values.pause_ms, 7);
    ck_assert_str_eq(values.redis, "redis://h");
    ck_assert_str_eq(values.listen, "[::1]:0");
    load_well("--name=a=b", "");
    ck_assert_str_eq(values.name, "a=b");
    load_well("--name=", "");
    ck_assert_str_eq(values.name, "");
}
END_TEST

START_TEST(an_argument_beats_the_environment_which_beats_the_default)
{
    load_well("--max-pause 1", "PROG_MAX_PAUSE=2 PROG_RATE=3 PATH=/bin PROGRAM=x");
    ck_assert_int_eq(values.pause_ms, 1);
    ck_assert_double_eq(values.rate, 3);
    ck_assert_int_eq(values.max_bytes, 65536);
}
END_TEST

START_TEST(the_last_of_several_arguments_holds)
{
    load_well("--max-pause 1 --max-pause 2", "");
    ck_assert_int_eq(values.pause_ms, 2);
}
END_TEST

START_TEST(a_variable_set_to_nothing_is_not_set)
{
    load_well("", "PROG_MAX_PAUSE= PROG_LISTEN= PROG_UNKNOWN=");
    ck_assert_int_eq(values.pause_ms, 250);
}
END_TEST

START_TEST(a_value_may_be_negative)
{
    load_well("--max-pause -5", "");
    ck_assert_int_eq(values.pause_ms, -5);
}
END_TEST

START_TEST(a_number_outside_its_range_is_refused_with_range_and_unit)
{
    load_well("--max-pause 60000", "");
    load_badly("--max-pause 60001", "",
               "prog: --max-pause: \"60001\" is not a whole number from -5 to 60000 ms "
               "(for example 250)");
    load_badly("--max-pause -6", "", "-5 to 60000 ms");
    load_badly("--max-pause 99999999999999999999", "", "-5 to 60000 ms");
}
END_TEST

START_TEST(the_source_of_a_bad_value_is_named)
{
    load_badly("", "PROG_MAX_PAUSE=soon", "PROG_MAX_PAUSE: \"soon\" is not a whole");
    load_badly("--max-pause=soon", "", "--max-pause: \"soon\" is not a whole");
}
END_TEST

START_TEST(a_whole_number_has_digits_only)
{
    static const char *const bad[] = {"",   "+1", "1.0", "1e3", "0x10", "1~",
                                      "~1", "-",  "1k",  "1_0", "ten",  "--1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char argument[64];
        snprintf(argument, sizeof(argument), "--max-pause=%s", bad[i]);
        load_badly(argument, "", "is not a whole number");
    }
}
END_TEST

START_TEST(a_size_may_have_k_m_or_g)
{
    load_well("--max-bytes 2000", "");
    ck_assert_int_eq(values.max_bytes, 2000);
    load_well("--max-bytes 2k", "");
    ck_assert_int_eq(values.max_bytes, 2048);
    load_well("--max-bytes 3M", "");
    ck_assert_int_eq(values.max_bytes, 3 << 20);
    load_badly(
        "--max-bytes 1g", "",
        "prog: --max-bytes: \"1g\" is not a size from 1k to 64m (for example 64k)");
    load_badly("--max-bytes 1023", "", "1k to 64m");
    load_badly("--max-bytes 9007199254740993k", "", "1k to 64m");
    load_badly("--max-bytes 2kb", "", "1k to 64m");
    load_badly("--max-bytes 2t", "", "1k to 64m");
    load_badly("--max-bytes k", "", "1k to 64m");
}
END_TEST

START_TEST(a_number_may_have_a_fraction)
{
    load_well("--rate .5", "");
    ck_assert_double_eq(values.rate, 0.5);
    load_well("--rate 1e2", "");
    ck_assert_double_eq(values.rate, 100);
    load_badly("--rate 100.1", "",
               "prog: --rate: \"100.1\" is not a number from 0 to 100 per second "
               "(for example 2.5)");
    static const char *const bad[] = {"",    "nan", "inf",   "0x1", "1~", "~1",
                                      "1,5", "-1",  "1e999", "e",   ".",  "1.2.3"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char argument[64];
        snprintf(argument, sizeof(argument), "--rate=%s", bad[i]);
        load_badly(argument, "", "is not a number");
    }
}
END_TEST

START_TEST(a_switch_alone_means_true)
{
    load_well("--loud", "");
    ck_assert(values.loud);
    load_well("--loud=off", "PROG_LOUD=1");
    ck_assert(!values.loud);
    load_badly("--loud maybe", "", "unexpected argument \"maybe\"");
}
END_TEST

START_TEST(a_switch_knows_eight_words)
{
    static const char *const words[] = {"0",  "1",   "false", "TRUE",
                                        "No", "yes", "off",   "On"};
    for (size_t i = 0; i < COUNT(words); i++) {
        char variable[64];
        snprintf(variable, sizeof(variable), "PROG_LOUD=%s", words[i]);
        load_well("", variable);
        ck_assert_int_eq(values.loud, i % 2 == 1);
    }
    load_badly("--loud=2", "",
               "prog: --loud: \"2\" is not true or false (for example false)");
}
END_TEST

START_TEST(a_choice_is_the_place_of_its_word)
{
    load_well("--log-level debug", "");
    ck_assert_int_eq(values.level, 0);
    load_well("--log-level error", "");
    ck_assert_int_eq(values.level, 3);
    load_badly("--log-level loud", "",
               "prog: --log-level: \"loud\" is not one of debug, info, warn, error "
               "(for example info)");
    load_badly("--log-level=", "", "is not one of");
    load_badly("--log-level inf", "", "is not one of");
    load_badly("--log-level INFO", "", "is not one of");
    load_badly("--log-level info|warn", "", "is not one of");
}
END_TEST

START_TEST(an_address_is_a_numeric_host_and_a_port_or_off)
{
    load_well("--listen off", "");
    load_well("--listen 127.0.0.1:0", "");
    load_well("--listen [fe80::1]:65535", "");
    load_badly("--listen foo", "",
               "prog: --listen: \"foo\" is not HOST:PORT with a numeric host, nor off "
               "(for example 0.0.0.0:8000)");
    load_badly("--listen=", "", "is not HOST:PORT");
    load_badly("--listen Off", "", "is not HOST:PORT");
}
END_TEST

START_TEST(a_url_has_a_scheme_and_something_behind_it)
{
    load_well("--redis unix:///run/redis.sock", "");
    load_badly("--redis localhost:6379", "",
               "prog: --redis: \"localhost:6379\" is not a URL "
               "(for example redis://127.0.0.1:6379)");
    load_badly("--redis redis://", "", "is not a URL");
    load_badly("--redis ://h", "", "is not a URL");
    load_badly("--redis=", "", "is not a URL");
    load_badly("--redis redis://h\n", "", "is not a URL");
}
END_TEST

START_TEST(text_stays_on_one_line)
{
    load_well("--name \xE8\x82\xA1~x", "");
    ck_assert_str_eq(values.name, "\xE8\x82\xA1 x");
    load_badly("--name a\nb", "", "\"a\\nb\" is not text without control characters");
}
END_TEST

START_TEST(an_unknown_option_is_refused_with_the_nearest_name)
{
    load_badly("--lisen 1.2.3.4:5", "",
               "prog: --lisen: there is no such setting; did you mean --listen "
               "(PROG_LISTEN)? See --help");
    load_badly("--redis-url=redis://h", "", "did you mean --redis ");
    load_badly("--log debug", "", "did you mean --log-level ");
    load_badly("-listen 1.2.3.4:5", "", "did you mean --listen ");
    load_badly("--frobnicate", "",
               "prog: --frobnicate: there is no such setting; --help lists them");
    load_badly("--", "", "prog: --: there is no such setting; --help lists them");
    load_badly("-x", "", "prog: -x: there is no such setting; --help lists them");
}
END_TEST

START_TEST(an_unexpected_argument_is_refused)
{
    load_badly("status", "",
               "prog: unexpected argument \"status\"; settings are written --name value");
}
END_TEST

START_TEST(a_missing_value_is_noticed)
{
    load_badly("--listen", "", "prog: --listen: its value is missing; see --help");
    load_badly("--listen --name x", "",
               "prog: --listen: its value is missing; see --help");
    load_well("--name=--listen", "");
    ck_assert_str_eq(values.name, "--listen");
}
END_TEST

START_TEST(a_mistyped_variable_is_refused)
{
    load_badly("", "PROG_LISTN=1.2.3.4:5",
               "prog: PROG_LISTN: there is no such setting; did you mean --listen "
               "(PROG_LISTEN)? See --help");
    load_badly("", "PROG_listen=1.2.3.4:5", "PROG_listen: there is no such setting");
    load_badly("", "PROG_REDIS_URL=redis://h", "did you mean --redis (PROG_REDIS)?");
    load_badly("", "PROG_WHATEVER=1", "--help lists them");
    load_badly("", "PROG_LOG-LEVEL=warn", "PROG_LOG-LEVEL: there is no such setting");
}
END_TEST

START_TEST(service_links_of_an_orchestrator_are_left_alone)
{
    load_well("", "PROG_SERVICE_HOST=10.0.0.9 PROG_SERVICE_PORT=8000 "
                  "PROG_SERVICE_PORT_API=8000 PROG_PORT=tcp://10.0.0.9:8000 "
                  "PROG_PORT_8000_TCP=tcp://10.0.0.9:8000 PROG_PORT_8000_TCP_PROTO=tcp "
                  "PROG_PORT_8000_TCP_PORT=8000 PROG_PORT_8000_TCP_ADDR=10.0.0.9 "
                  "PROG_REDIS_PORT=tcp://10.0.0.8:6379 PROG_REDIS_SERVICE_HOST=10.0.0.8 "
                  "PROG_REDIS_PORT_6379_TCP=tcp://10.0.0.8:6379 "
                  "PROG_A_SERVICE_WITH_A_NAME_OF_SIXTY_THREE_LETTERS_AT_MOST_AS_ALLOWED_"
                  "PORT_8000_TCP_ADDR=10.0.0.7");
    load_badly("", "PROG_PORT=8000", "PROG_PORT: there is no such setting");
}
END_TEST

START_TEST(passwords_are_masked_wherever_they_might_show)
{
    ck_assert_int_eq(load("--redis redis://u:s3cret@h:1/2 --print-config", ""),
                     CONF_SHOWN);
    ck_assert_ptr_nonnull(strstr(shown, "\nredis=redis://u:***@h:1/2\n"));
    static const char *const arguments[] = {
        "--listen redis://u:s3cret@h", "--redis u:s3cret@h",
        "--redis ://s3cret@h",         "--max-pause redis://s3cret@",
        "redis://u:pass@s3cret@h:1",   "--loud=unix://:s3cret@/x",
    };
    for (size_t i = 0; i < COUNT(arguments); i++) {
        load_badly(arguments[i], "", "***@");
        ck_assert_ptr_null(strstr(error, "s3cret"));
    }
}
END_TEST

START_TEST(a_hostile_value_is_escaped_and_cut)
{
    load_badly("--listen \x1B[31m\xFF", "", "\"\\u001b[31m\xEF\xBF\xBD\"");
    char argument[1000] = "--listen=";
    memset(argument + 9, '\x01', sizeof(argument) - 10);
    load_badly(argument, "", "\\u0001");
    memset(argument + 9, 'x', sizeof(argument) - 10);
    load_badly(argument, "", "is not HOST:PORT");
    ck_assert_uint_lt(strlen(error), 200);
    load_badly("--a\nb", "", "prog: --a?b: there is no such setting; --help lists them");
    memset(argument, '-', 2);
    memset(argument + 2, 'x', 7);
    load_badly(argument, "", "--help lists them");
    char variable[sizeof(argument) + 8];
    snprintf(variable, sizeof(variable), "PROG_%s=1", argument);
    load_badly("", variable, "--help lists them");
}
END_TEST

START_TEST(dash_n_checks_and_does_not_run)
{
    ck_assert_int_eq(load("-n", ""), CONF_CHECKED);
    ck_assert_int_eq(load("-n --listen foo", ""), CONF_BAD);
    ck_assert_int_eq(load("--max-pause 3 -n", ""), CONF_CHECKED);
}
END_TEST

START_TEST(what_print_config_shows_is_what_it_was_given)
{
    const char *given = "--name=a~b --redis=redis://h --listen=[::1]:1 --max-pause=-5 "
                        "--max-bytes=3m --rate=0.1 --loud=true --log-level=error "
                        "--max-clients-of-one-address=9";
    char again[512];
    ck_assert_int_eq(load("--print-config", ""), CONF_SHOWN);
    ck_assert_str_eq(shown, "name=\nredis=redis://127.0.0.1:6379\nlisten=0.0.0.0:8000\n"
                            "max-pause=250\nmax-bytes=64k\nrate=2.5\nloud=false\n"
                            "log-level=info\nmax-clients-of-one-address=0\n");
    snprintf(again, sizeof(again), "%s --print-config", given);
    ck_assert_int_eq(load(again, ""), CONF_SHOWN);
    size_t len = 0;
    for (const char *line = shown; *line != '\0'; line += strcspn(line, "\n") + 1) {
        len += (size_t)snprintf(again + len, sizeof(again) - len, "%s--%.*s",
                                len > 0 ? " " : "", (int)strcspn(line, "\n"), line);
    }
    for (char *c = again; (c = strstr(c, "a b")) != NULL;) {
        c[1] = '~';
    }
    ck_assert_str_eq(again, given);
    ck_assert_int_eq(
        load("--print-config --max-bytes 1025 --rate=0.30000000000000004", ""),
        CONF_SHOWN);
    ck_assert_ptr_nonnull(strstr(shown, "max-bytes=1025\nrate=0.30000000000000004\n"));
}
END_TEST

START_TEST(print_config_of_a_bad_configuration_is_an_error)
{
    load_badly("--print-config --listen foo", "", "is not HOST:PORT");
    ck_assert_str_eq(shown, "");
}
END_TEST

START_TEST(help_works_whatever_else_is_wrong)
{
    ck_assert_int_eq(load("--nonsense --help", "PROG_LISTEN=foo"), CONF_SHOWN);
    ck_assert_int_eq(load("-h", ""), CONF_SHOWN);
    ck_assert_int_eq(strncmp(shown, "Usage: prog ", 12), 0);
    ck_assert_ptr_nonnull(strstr(shown, "Tries settings."));
}
END_TEST

/* Each run of spaces and newlines in what was shown becomes one space. */
static void unwrap(void)
{
    size_t len = 0;
    for (const char *c = shown; *c != '\0'; c++) {
        bool space = *c == ' ' || *c == '\n';
        if (!space || (len > 0 && shown[len - 1] != ' ')) {
            shown[len++] = (char)(space ? ' ' : *c);
        }
    }
    shown[len] = '\0';
}

START_TEST(help_says_everything_about_a_setting)
{
    load("--help", "");
    unwrap();
    ck_assert_ptr_nonnull(strstr(shown, "--max-pause NUMBER"));
    ck_assert_ptr_nonnull(strstr(shown, "[default 250; -5 to 60000 ms; PROG_MAX_PAUSE]"));
    ck_assert_ptr_nonnull(strstr(shown, "[default 64k; 1k to 64m; PROG_MAX_BYTES]"));
    ck_assert_ptr_nonnull(strstr(shown, "debug, info, warn, error"));
    ck_assert_ptr_nonnull(strstr(shown, "[default none; PROG_NAME]"));
    ck_assert_ptr_nonnull(strstr(shown, "-n "));
    ck_assert_ptr_nonnull(strstr(shown, "--print-config "));
}
END_TEST

START_TEST(help_gives_a_long_option_a_line_of_its_own)
{
    load("--help", "");
    ck_assert_ptr_nonnull(strstr(shown, "\n  --max-clients-of-one-address NUMBER\n    "));
}
END_TEST

START_TEST(help_is_at_most_90_columns_wide)
{
    load("--help", "");
    for (const char *line = shown; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\n");
        ck_assert_uint_le(len, 90);
        ck_assert_msg(len == 0 || line[len - 1] != ' ', "%.*s", (int)len, line);
    }
}
END_TEST

START_TEST(version_is_name_and_number)
{
    ck_assert_int_eq(load("--version", ""), CONF_SHOWN);
    ck_assert_str_eq(shown, "prog 1.2.3\n");
}
END_TEST

START_TEST(the_table_for_the_readme_has_a_row_for_each_setting)
{
    FILE *file = fmemopen(shown, sizeof(shown), "w");
    ck_assert_ptr_nonnull(file);
    conf_print_markdown(&program, file);
    fclose(file);
    size_t lines = 0;
    for (const char *line = shown; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t bars = 0;
        for (const char *c = line; *c != '\n'; c++) {
            bars += *c == '|';
        }
        ck_assert_uint_eq(bars, 5);
        lines++;
    }
    ck_assert_uint_eq(lines, COUNT(settings) + 2);
    ck_assert_ptr_nonnull(strstr(shown, "\n| `--max-bytes` | `64k` | 1k to 64m | "
                                        "The largest message |\n"));
    ck_assert_ptr_nonnull(strstr(shown, "\n| `--name` |  |  | What it calls itself |\n"));
}
END_TEST

START_TEST(a_default_that_is_no_value_is_our_mistake)
{
    static const struct conf_setting bad = {.name = "rate",
                                            .type = CONF_NUMBER,
                                            .max = 1,
                                            .fallback = "2",
                                            .help = "How often"};
    struct conf_program mistake = program;
    char *nothing[] = {NULL};
    mistake.settings = &bad;
    mistake.count = 1;
    conf_load(&mistake, nothing, nothing, &values, stdout, error);
}
END_TEST

START_TEST(an_address_comes_apart)
{
    char host[CONF_HOST_BYTES];
    uint16_t port;
    ck_assert(conf_split_address("127.0.0.1:8000", host, &port));
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_uint_eq(port, 8000);
    ck_assert(conf_split_address("[::]:0", host, &port));
    ck_assert_str_eq(host, "::");
    ck_assert_uint_eq(port, 0);
    ck_assert(conf_split_address("[2001:db8::ffff:1.2.3.4]:65535", host, &port));
    ck_assert_str_eq(host, "2001:db8::ffff:1.2.3.4");
    ck_assert_uint_eq(port, 65535);
}
END_TEST

START_TEST(what_is_no_address_leaves_the_output_untouched)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:1x",
        "1.2.3.4: 1",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "256.1.1.1:80",
        "localhost:80",
        "::1:80",
        "[::1]",
        "[::1]:",
        "[::1]80",
        "[1.2.3.4]:80",
        "[]:80",
        "[::1:80",
        "[::1]:80:80",
        "[fe80::1%eth0]:80",
        "off",
        "1111111111111111111111111111111111111111111111111111111111111111111111111:80",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char host[CONF_HOST_BYTES] = "untouched";
        uint16_t port = 7;
        ck_assert_msg(!conf_split_address(bad[i], host, &port), "accepted: %s", bad[i]);
        ck_assert_str_eq(host, "untouched");
        ck_assert_uint_eq(port, 7);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf");
    TCase *tcase = tcase_create("conf");
    tcase_add_test(tcase, without_words_the_defaults_hold);
    tcase_add_test(tcase, an_option_takes_its_value_after_a_space_or_an_equals_sign);
    tcase_add_test(tcase, an_argument_beats_the_environment_which_beats_the_default);
    tcase_add_test(tcase, the_last_of_several_arguments_holds);
    tcase_add_test(tcase, a_variable_set_to_nothing_is_not_set);
    tcase_add_test(tcase, a_value_may_be_negative);
    tcase_add_test(tcase, a_number_outside_its_range_is_refused_with_range_and_unit);
    tcase_add_test(tcase, the_source_of_a_bad_value_is_named);
    tcase_add_test(tcase, a_whole_number_has_digits_only);
    tcase_add_test(tcase, a_size_may_have_k_m_or_g);
    tcase_add_test(tcase, a_number_may_have_a_fraction);
    tcase_add_test(tcase, a_switch_alone_means_true);
    tcase_add_test(tcase, a_switch_knows_eight_words);
    tcase_add_test(tcase, a_choice_is_the_place_of_its_word);
    tcase_add_test(tcase, an_address_is_a_numeric_host_and_a_port_or_off);
    tcase_add_test(tcase, a_url_has_a_scheme_and_something_behind_it);
    tcase_add_test(tcase, text_stays_on_one_line);
    tcase_add_test(tcase, an_unknown_option_is_refused_with_the_nearest_name);
    tcase_add_test(tcase, an_unexpected_argument_is_refused);
    tcase_add_test(tcase, a_missing_value_is_noticed);
    tcase_add_test(tcase, a_mistyped_variable_is_refused);
    tcase_add_test(tcase, service_links_of_an_orchestrator_are_left_alone);
    tcase_add_test(tcase, passwords_are_masked_wherever_they_might_show);
    tcase_add_test(tcase, a_hostile_value_is_escaped_and_cut);
    tcase_add_test(tcase, dash_n_checks_and_does_not_run);
    tcase_add_test(tcase, what_print_config_shows_is_what_it_was_given);
    tcase_add_test(tcase, print_config_of_a_bad_configuration_is_an_error);
    tcase_add_test(tcase, help_works_whatever_else_is_wrong);
    tcase_add_test(tcase, help_says_everything_about_a_setting);
    tcase_add_test(tcase, help_gives_a_long_option_a_line_of_its_own);
    tcase_add_test(tcase, help_is_at_most_90_columns_wide);
    tcase_add_test(tcase, version_is_name_and_number);
    tcase_add_test(tcase, the_table_for_the_readme_has_a_row_for_each_setting);
    tcase_add_test_raise_signal(tcase, a_default_that_is_no_value_is_our_mistake,
                                SIGABRT);
    tcase_add_test(tcase, an_address_comes_apart);
    tcase_add_test(tcase, what_is_no_address_leaves_the_output_untouched);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
