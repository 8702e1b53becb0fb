/* What structs and lists hold, and plain values. */

#pragma once

#include "sha256.h"
#include "span.h"

static bool add_pair(State *state, Span *span, PyObject *texts, PyObject *found, Py_ssize_t id,
                     Value value) {
    PyObject *name = field_name(state, texts, id);
    PyObject *inner = name == NULL ? NULL : inner_span(state, span, value);
    PyObject *pair = inner == NULL ? NULL : PyTuple_Pack(2, name, inner);
    Py_XDECREF(inner);
    bool added = pair != NULL && PyList_Append(found, pair) == 0;
    Py_XDECREF(pair);
    return added;
}

static PyObject *fields(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    PyObject *texts = texts_of(state, span), *found = PyList_New(0);
    bool complete = texts != NULL && found != NULL;
    Py_ssize_t at = value.begin, name;
    while (complete && at < value.end)
        complete = field_at(octets_of(span), &at, value.end, &name, &member) &&
                   (is_padding(member) || add_pair(state, span, texts, found, name, member));
    Py_XDECREF(texts);
    return answered(found, complete);
}

static PyObject *written_fields(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    const char *data = PyBytes_AS_STRING(span->data);
    PyObject *texts = texts_of(state, span), *found = PyList_New(0);
    bool complete = texts != NULL && found != NULL;
    Py_ssize_t at = value.begin, begin = at, id;
    for (; complete && at < value.end; begin = at) {
        complete = field_at(octets_of(span), &at, value.end, &id, &member) && !is_padding(member);
        PyObject *name = complete ? field_name(state, texts, id) : NULL;
        PyObject *pair = name ? Py_BuildValue("Oy#", name, data + begin, at - begin) : NULL;
        complete = pair != NULL && PyList_Append(found, pair) == 0;
        Py_XDECREF(pair);
    }
    Py_XDECREF(texts);
    return answered(found, complete);
}

static PyObject *natural_number(const uint8_t *data, Value value) {
    long long number = 0;
    if (code_of(value) != INT || is_null(value) || value.end - value.begin > 7)
        return NULL;
    for (Py_ssize_t at = value.begin; at < value.end; at++)
        number = number << 8 | data[at];
    return PyLong_FromLongLong(number);
}

static PyObject *blob_octets(const uint8_t *data, Value value) {
    if (code_of(value) != BLOB || is_null(value))
        return NULL;
    return PyBytes_FromStringAndSize((const char *)data + value.begin, value.end - value.begin);
}

static PyObject *string_text(const uint8_t *data, Value value) {
    if (code_of(value) != STRING || is_null(value))
        return NULL;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)data + value.begin,
                                          value.end - value.begin, NULL);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return text;
}

static PyObject *elements(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || (code_of(value) != LIST && code_of(value) != SEXP) ||
        is_null(value))
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Py_ssize_t at = value.begin; complete && at < value.end; at = member.end) {
        complete = value_at(octets_of(span), at, value.end, &member);
        if (!complete || is_padding(member))
            continue;
        PyObject *inner = inner_span(state, span, member);
        complete = inner != NULL && PyList_Append(found, inner) == 0;
        Py_XDECREF(inner);
    }
    return answered(found, complete);
}

static PyObject *scalar(PyObject *self, PyObject *argument,
                        PyObject *(*read)(const uint8_t *data, Value value)) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value;
    PyObject *found = value_of(span, &value) ? read(octets_of(span), value) : NULL;
    return answered(found, found != NULL);
}

static PyObject *text(PyObject *self, PyObject *span) { return scalar(self, span, string_text); }
static PyObject *integer(PyObject *self, PyObject *span) {
    return scalar(self, span, natural_number);
}
static PyObject *blob(PyObject *self, PyObject *span) { return scalar(self, span, blob_octets); }
