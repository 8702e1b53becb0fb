/* Whether amazon.ion can read a value, as a ledger asks of every parameter. */

#pragma once

#include "moments.h"
#include "span.h"

#define MAX_READABLE_DEPTH 32 /* deeper values are left to amazon.ion itself */
#define MAX_READABLE_NUMBER 8 /* octets of a number, the same */

typedef struct {
    const uint8_t *data;
    PyObject *texts; /* the symbols in force: a tuple of str and None */
} Readable;

/* A symbol whose text is known, and can be written. */
static bool is_known_symbol(Readable in, Py_ssize_t id) {
    if (id < 1 || id >= PyTuple_GET_SIZE(in.texts))
        return false;
    PyObject *text = PyTuple_GET_ITEM(in.texts, id);
    if (!PyUnicode_Check(text))
        return false;
    if (PyUnicode_AsUTF8(text) == NULL) { /* lone surrogates */
        PyErr_Clear();
        return false;
    }
    return true;
}

static bool is_text(const uint8_t *octets, Py_ssize_t size) {
    Py_ssize_t at = 0;
    while (at < size && octets[at] < 0x80)
        at++;
    if (at == size)
        return true;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)octets + at, size - at, NULL);
    if (text == NULL)
        PyErr_Clear();
    Py_XDECREF(text);
    return text != NULL;
}

static bool is_readable_int(const uint8_t *body, Py_ssize_t size, bool negative) {
    uint8_t any = 0;
    for (Py_ssize_t i = 0; i < size; i++)
        any |= body[i];
    return size <= MAX_READABLE_NUMBER && (any || !negative) && (!size || body[0]);
}

/* A decimal with an exponent of one octet. */
static bool is_readable_decimal(const uint8_t *body, Py_ssize_t size) {
    return size >= 1 && body[0] & 0x80 && size - 1 <= MAX_READABLE_NUMBER;
}

/* A date, or a time of up to nine digits of a second in UTC or without an offset. */
static bool is_readable_time(const uint8_t *body, Py_ssize_t size) {
    int fields[5] = {1, 1, 0, 0, 0}; /* month, day, hour, minute, second */
    int64_t days, scale = 1;
    if (!is_canonical_time(body, size) || (body[0] != 0x80 && body[0] != 0xC0) ||
        (size <= 5 && body[0] != 0xC0))
        return false;
    for (Py_ssize_t i = 3; i < size && i < 8; i++)
        fields[i - 3] = body[i] & 0x7F;
    if (!days_of((body[1] << 7) | (body[2] & 0x7F), fields[0], fields[1], &days) ||
        fields[2] > 23 || fields[3] > 59 || fields[4] > 59)
        return false;
    if (size <= 8)
        return true;
    int digits = body[8] - 0xC0;
    if (digits < 1 || digits > 9 || size > 13)
        return false;
    int64_t fraction = 0;
    for (Py_ssize_t i = 9; i < size; i++)
        fraction = fraction << 8 | body[i];
    while (digits-- > 0)
        scale *= 10;
    return fraction < scale;
}

static bool is_readable(Readable in, Value value, int depth);

static bool are_readable(Readable in, Value value, int depth) {
    Py_ssize_t at = value.begin, id;
    Value member;
    if (depth >= MAX_READABLE_DEPTH || value.descriptor == 0xD1)
        return false;
    while (at < value.end) {
        if (code_of(value) == STRUCT &&
            (!var_uint(in.data, &at, value.end, &id) || !is_known_symbol(in, id)))
            return false;
        if (!value_at(in.data, at, value.end, &member) || is_padding(member) ||
            !is_readable(in, member, depth + 1))
            return false;
        at = member.end;
    }
    return true;
}

static bool is_readable_annotated(Readable in, Value value, int depth) {
    Py_ssize_t at, end, id;
    Value inner;
    if (!depth || !wrapped_at(in.data, value, &at, &end, &inner))
        return false; /* a top-level value may be a symbol table */
    while (at < end)
        if (!var_uint(in.data, &at, end, &id) || !is_known_symbol(in, id))
            return false;
    return is_readable(in, inner, depth);
}

static bool is_readable(Readable in, Value value, int depth) {
    const uint8_t *body = in.data + value.begin;
    Py_ssize_t size = value.end - value.begin, id;
    int code = code_of(value);
    if (is_null(value))
        return code != ANNOTATION && code != NEGATIVE_INT;
    switch (code) {
    case BOOL:
        return value.descriptor <= 0x11;
    case INT:
    case NEGATIVE_INT:
        return is_readable_int(body, size, code == NEGATIVE_INT);
    case FLOAT:
        return size == 0 || size == 4 || size == 8;
    case DECIMAL:
        return is_readable_decimal(body, size);
    case TIMESTAMP:
        return is_readable_time(body, size);
    case SYMBOL:
        return symbol_id(in.data, value, &id) && is_known_symbol(in, id);
    case STRING:
        return is_text(body, size);
    case CLOB:
    case BLOB:
        return true;
    case LIST:
    case SEXP:
    case STRUCT:
        return are_readable(in, value, depth);
    case ANNOTATION:
        return is_readable_annotated(in, value, depth);
    }
    return false;
}

static PyObject *readable(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span);
    if (texts == NULL)
        return NULL;
    Readable in = {octets_of(span), texts};
    Value value;
    bool found = value_at(in.data, span->start, span->end, &value) && value.end == span->end &&
                 is_readable(in, value, 0);
    Py_DECREF(texts);
    return Py_NewRef(found ? Py_True : Py_None);
}
