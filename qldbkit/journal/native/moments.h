/* Timestamps as microseconds. */

#pragma once

#include "ionhash.h"
#include "span.h"

/* Days from 1970-01-01, by Howard Hinnant's `days_from_civil`; False where there is no such day. */
static bool days_of(int year, int month, int day, int64_t *days) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (leap && month == 2))
        return false;
    int shifted = month > 2 ? year : year - 1, era = shifted / 400, of_era = shifted - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    *days = era * INT64_C(146097) + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return true;
}

/* A fraction of a second of up to nine digits, in microseconds; those beyond are cut. */
static bool fraction_of(const uint8_t *body, Py_ssize_t size, int64_t *microseconds) {
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    int digits = size ? body[0] - 0xC0 : 0;
    *microseconds = 0;
    if (digits < 0 || digits > 9 || size > 5 || (size && !digits))
        return false;
    for (Py_ssize_t i = 1; i < size; i++)
        *microseconds = *microseconds << 8 | body[i];
    *microseconds = digits > 6 ? *microseconds / powers[digits - 6]
                               : *microseconds * powers[6 - digits];
    return true;
}

/* A time in microseconds since 1970; False to leave it to Python. */
static bool microseconds_of(Span *span, int64_t *microseconds) {
    Value value;
    if (!value_of(span, &value) || code_of(value) != TIMESTAMP || is_null(value) ||
        span->body != span->start)
        return false;
    const uint8_t *body = octets_of(span) + value.begin;
    Py_ssize_t size = value.end - value.begin, read = size < 8 ? size : 8;
    int fields[5] = {1, 1, 0, 0, 0}; /* month, day, hour, minute, second */
    int64_t days, fraction;
    if (!is_canonical_time(body, size))
        return false;
    for (Py_ssize_t i = 3; i < read; i++)
        fields[i - 3] = body[i] & 0x7F;
    if (!days_of((body[1] << 7) | (body[2] & 0x7F), fields[0], fields[1], &days) ||
        !fraction_of(body + read, size - read, &fraction))
        return false;
    int64_t seconds = ((days * 24 + fields[2]) * 60 + fields[3]) * 60 + fields[4];
    *microseconds = seconds * 1000000 + fraction;
    return true;
}

static PyObject *microseconds(PyObject *self, PyObject *argument) {
    Span *span = as_span(PyModule_GetState(self), argument);
    int64_t found;
    if (span == NULL)
        return NULL;
    if (!microseconds_of(span, &found))
        Py_RETURN_NONE;
    return PyLong_FromLongLong(found);
}
