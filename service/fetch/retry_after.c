/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the forms of Retry-After by hand: strptime follows the locale and takes more than
 * the grammar. */
#include "fetch/retry_after.h"

#include <stddef.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
};

struct date {
    int year, month, day; /* month from 1 */
    int hour, minute, second;
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const long_days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

/* --------------------------------------------------------------------- reading */

static bool take(struct reader *reader, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* Exactly `count` digits. */
static bool take_number(struct reader *reader, int count, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9')
            return false;
        number = number * 10 + (*reader->at++ - '0');
    }
    *ret_number = number;
    return true;
}

/* One of `words`; its place in the list, from 1, or 0. */
static int take_word(struct reader *reader, const char *const words[], int count)
{
    for (int i = 0; i < count; i++) {
        if (take(reader, words[i]))
            return i + 1;
    }
    return 0;
}

static bool take_month(struct reader *reader, struct date *date)
{
    date->month = take_word(reader, months, 12);
    return date->month > 0;
}

static bool take_time(struct reader *reader, struct date *date)
{
    return take_number(reader, 2, &date->hour) && take(reader, ":") &&
           take_number(reader, 2, &date->minute) && take(reader, ":") &&
           take_number(reader, 2, &date->second);
}

/* ------------------------------------------------------------------- the forms
 * The name of the day is not held against the date: it adds nothing. */

static bool read_imf(struct reader reader, struct date *date)
{
    return take_word(&reader, days, 7) && take(&reader, ", ") &&
           take_number(&reader, 2, &date->day) && take(&reader, " ") &&
           take_month(&reader, date) && take(&reader, " ") &&
           take_number(&reader, 4, &date->year) && take(&reader, " ") &&
           take_time(&reader, date) && take(&reader, " GMT") && reader.at == reader.end;
}

static bool read_rfc850(struct reader reader, struct date *date)
{
    return take_word(&reader, long_days, 7) && take(&reader, ", ") &&
           take_number(&reader, 2, &date->day) && take(&reader, "-") &&
           take_month(&reader, date) && take(&reader, "-") &&
           take_number(&reader, 2, &date->year) && take(&reader, " ") &&
           take_time(&reader, date) && take(&reader, " GMT") && reader.at == reader.end;
}

static bool read_asctime(struct reader reader, struct date *date)
{
    return take_word(&reader, days, 7) && take(&reader, " ") &&
           take_month(&reader, date) && take(&reader, " ") &&
           (take(&reader, " ") ? take_number(&reader, 1, &date->day)
                               : take_number(&reader, 2, &date->day)) &&
           take(&reader, " ") && take_time(&reader, date) && take(&reader, " ") &&
           take_number(&reader, 4, &date->year) && reader.at == reader.end;
}

/* --------------------------------------------------------------------- dates */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int month, int year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* A second of 60 is a leap second. */
static bool is_sound(const struct date *date)
{
    return date->day >= 1 && date->day <= days_in(date->month, date->year) &&
           date->hour <= 23 && date->minute <= 59 && date->second <= 60;
}

/* Since 1970-01-01; the Gregorian calendar also before it was made. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t years = year - (month <= 2); /* years begin in March: leap days come last */
    int64_t since_march = (153 * ((month + 9) % 12) + 2) / 5;
    return years * 365 + years / 4 - years / 100 + years / 400 + since_march + day - 1 -
           719468;
}

static int64_t seconds_of(const struct date *date)
{
    return days_since_1970(date->year, date->month, date->day) * 86400 +
           date->hour * 3600 + date->minute * 60 + date->second;
}

/* Two digits mean the last year that ends in them and is not more than 50 years ahead. */
static void complete_year(struct date *date, int64_t now_s)
{
    int this_year = (int)(1970 + now_s / 31556952); /* the mean Gregorian year */
    date->year += this_year / 100 * 100 + 100;
    while (date->year > this_year + 50)
        date->year -= 100;
}

static bool read_date(struct reader reader, int64_t now_s, int64_t *ret_at_s)
{
    struct date date;
    if (read_rfc850(reader, &date))
        complete_year(&date, now_s);
    else if (!read_imf(reader, &date) && !read_asctime(reader, &date))
        return false;
    if (!is_sound(&date))
        return false;
    *ret_at_s = seconds_of(&date);
    return true;
}

/* ------------------------------------------------------------------- seconds */

/* Digits, and perhaps a point and digits; stops counting when it is absurd anyway. */
static bool read_seconds(struct reader reader, uint64_t *ret_wait_ms)
{
    uint64_t wait_ms = 0;
    uint64_t unit = 1000; /* of the next digit; 0: below a millisecond */
    bool has_point = false, has_digit = false;
    for (; reader.at < reader.end; reader.at++) {
        if (*reader.at == '.' && has_digit && !has_point) {
            has_point = true;
            has_digit = false;
            continue;
        }
        if (*reader.at < '0' || *reader.at > '9')
            return false;
        uint64_t digit = (uint64_t)(*reader.at - '0');
        has_digit = true;
        if (has_point)
            wait_ms += digit * (unit /= 10);
        else if (wait_ms <= (uint64_t)RETRY_AFTER_ABSURD_S * 1000)
            wait_ms = wait_ms * 10 + digit * 1000;
    }
    *ret_wait_ms = wait_ms;
    return has_digit;
}

/* ----------------------------------------------------------------------------- */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

bool retry_after_parse(struct slice value, int64_t now_s, uint64_t max_ms,
                       uint64_t *ret_wait_ms)
{
    struct reader reader = {.at = value.data, .end = value.data + value.len};
    while (reader.at < reader.end && is_space(*reader.at))
        reader.at++;
    while (reader.at < reader.end && is_space(reader.end[-1]))
        reader.end--;
    uint64_t wait_ms = 0;
    int64_t at_s;
    if (!read_seconds(reader, &wait_ms)) {
        if (!read_date(reader, now_s, &at_s))
            return false;
        if (at_s > now_s)
            wait_ms = (uint64_t)(at_s - now_s) * 1000;
    }
    if (wait_ms > (uint64_t)RETRY_AFTER_ABSURD_S * 1000)
        return false;
    *ret_wait_ms = wait_ms < max_ms ? wait_ms : max_ms;
    return true;
}
