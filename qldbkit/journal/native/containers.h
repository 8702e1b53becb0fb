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

/* How `read_struct` reads a field; the same numbers as in qldbkit.journal.kernel. */
enum { READ_BY_CALL, READ_ITSELF, READ_TEXT, READ_NATURAL, READ_HASH, READ_HASHES, READ_BLOB };

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

static PyObject *by_call(State *state, Span *outer, Value value, PyObject *read) {
    PyObject *inner = inner_span(state, outer, value);
    if (inner == NULL)
        return NULL;
    Py_INCREF(read);
    PyObject *made = PyObject_CallOneArg(read, inner);
    Py_DECREF(read);
    Py_DECREF(inner);
    if (made == NULL && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear(); /* Python reads it again, and says which field it was */
    return made;
}

static bool is_hash_size(Py_ssize_t size) { return size == 0 || size == HASH_SIZE; }

/* A list of hashes, as a tuple. */
static PyObject *hash_list(const uint8_t *data, Value list) {
    Value value;
    if (code_of(list) != LIST || is_null(list))
        return NULL;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Py_ssize_t at = list.begin; complete && at < list.end; at = value.end) {
        complete = value_at(data, at, list.end, &value);
        if (!complete || is_padding(value))
            continue;
        PyObject *hash = is_hash_size(value.end - value.begin) ? blob_octets(data, value) : NULL;
        complete = hash != NULL && PyList_Append(found, hash) == 0;
        Py_XDECREF(hash);
    }
    PyObject *hashes = complete ? PyList_AsTuple(found) : NULL;
    Py_XDECREF(found);
    return hashes;
}

/* A field's value by its reader, `(kind, slot, read, nullable)`; NULL to leave it to Python. */
static PyObject *read_member(State *state, Span *outer, Value value, long kind, PyObject *reader) {
    const uint8_t *data = octets_of(outer);
    if (is_null(value) && PyTuple_GET_ITEM(reader, 3) == Py_True && code_of(value) != ANNOTATION)
        return Py_NewRef(Py_None);
    switch (kind) {
    case READ_BY_CALL:
        return by_call(state, outer, value, PyTuple_GET_ITEM(reader, 2));
    case READ_ITSELF:
        return inner_span(state, outer, value);
    case READ_TEXT:
        return string_text(data, value);
    case READ_NATURAL:
        return natural_number(data, value);
    case READ_HASH:
        return is_hash_size(value.end - value.begin) ? blob_octets(data, value) : NULL;
    case READ_HASHES:
        return hash_list(data, value);
    case READ_BLOB:
        return blob_octets(data, value);
    }
    return NULL;
}

/* Read a field into its place in `values`; False to leave the struct to Python. */
static bool read_into(State *state, Span *outer, PyObject *values, Value value, PyObject *reader,
                      bool exact, uint64_t *seen) {
    if (!PyTuple_Check(reader) || PyTuple_GET_SIZE(reader) != 4)
        return false;
    long kind = PyLong_AsLong(PyTuple_GET_ITEM(reader, 0));
    Py_ssize_t slot = PyLong_AsSsize_t(PyTuple_GET_ITEM(reader, 1));
    if (PyErr_Occurred() || slot < 0 || slot >= 64 || slot >= PyList_GET_SIZE(values))
        return false;
    uint64_t bit = UINT64_C(1) << slot;
    if (exact && *seen & bit)
        return false;
    *seen |= bit;
    PyObject *made = read_member(state, outer, value, kind, reader);
    return made != NULL && PyList_SetItem(values, slot, made) == 0;
}

static PyObject *read_struct(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 5 || !PyDict_Check(arguments[1]) || !PyList_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "read_struct takes a span, readers, values and two more");
        return NULL;
    }
    Span *span = as_span(state, arguments[0]);
    unsigned long long needed = PyLong_AsUnsignedLongLong(arguments[3]);
    if (span == NULL || PyErr_Occurred())
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    bool exact = arguments[4] == Py_True;
    PyObject *texts = texts_of(state, span);
    PyObject *values = PyList_GetSlice(arguments[2], 0, PyList_GET_SIZE(arguments[2]));
    bool complete = texts != NULL && values != NULL;
    uint64_t seen = 0;
    Py_ssize_t at = value.begin, id;
    while (complete && at < value.end) {
        complete = field_at(octets_of(span), &at, value.end, &id, &member);
        if (!complete || is_padding(member))
            continue;
        PyObject *name = field_name(state, texts, id);
        PyObject *reader = name ? PyDict_GetItemWithError(arguments[1], name) : NULL;
        if (reader != NULL)
            complete = read_into(state, span, values, member, reader, exact, &seen);
        else
            complete = name != NULL && !exact && code_of(member) != ANNOTATION && !PyErr_Occurred();
    }
    Py_XDECREF(texts);
    return answered(values, complete && (seen & needed) == needed);
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
