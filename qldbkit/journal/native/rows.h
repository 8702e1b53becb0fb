/* Rows in PostgreSQL's binary formats, as qldbkit.replay.views.postgresql.copying has them: each
 * field is its length, in four octets, and its octets; the length of null is -1. */

#pragma once

#include "buffer.h"
#include "json.h"
#include "moments.h"
#include "symbols.h"

#define MAX_COLUMNS 32
#define SINCE_2000 INT64_C(946684800000000) /* microseconds from 1970, where times begin */
#define LENGTH_SIZE 4
#define HEAD_SIZE 20 /* of an array */

/* How a column's values are encoded; the same numbers as in qldbkit.journal.kernel. */
enum { ROW_TEXT, ROW_BIGINT, ROW_INTEGER, ROW_JSONB, ROW_TIME, ROW_BYTES, ROW_BOOLEAN };

static void put_big_endian(char *to, uint64_t number, int octets) {
    for (int i = octets; i-- > 0; number >>= 8)
        to[i] = (char)(number & 0xFF);
}

/* Room for a field of so many octets, behind its length; NULL where there is none. */
static char *add_field(Buffer *row, size_t size) {
    char *to = size < INT32_MAX ? room_in(row, LENGTH_SIZE + size) : NULL;
    if (to == NULL)
        return NULL;
    put_big_endian(to, size, LENGTH_SIZE);
    row->size += LENGTH_SIZE + size;
    return to + LENGTH_SIZE;
}

static bool null_field(Buffer *row) {
    char *to = room_in(row, LENGTH_SIZE);
    if (to == NULL)
        return false;
    put_big_endian(to, UINT64_MAX, LENGTH_SIZE);
    row->size += LENGTH_SIZE;
    return true;
}

static bool octets_field(Buffer *row, const char *octets, Py_ssize_t size) {
    char *to = add_field(row, (size_t)size);
    if (to != NULL)
        memcpy(to, octets, (size_t)size);
    return to != NULL;
}

static bool number_field(Buffer *row, int64_t number, int octets) {
    char *to = add_field(row, (size_t)octets);
    if (to != NULL)
        put_big_endian(to, (uint64_t)number, octets);
    return to != NULL;
}

static bool text_field(Buffer *row, PyObject *value) {
    Py_ssize_t size;
    const char *octets = PyUnicode_CheckExact(value) ? PyUnicode_AsUTF8AndSize(value, &size) : NULL;
    return octets != NULL && octets_field(row, octets, size);
}

static bool int_field(Buffer *row, PyObject *value, int octets) {
    int overflow = 1;
    int64_t number = PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : 0;
    return !overflow && (octets == 8 || (number >= INT32_MIN && number <= INT32_MAX)) &&
           number_field(row, number, octets);
}

static bool time_field(Buffer *row, Span *time) {
    int64_t number;
    return time != NULL && microseconds_of(time, &number) &&
           number_field(row, number - SINCE_2000, 8);
}

/* A document as jsonb: the version of its format, and the text. */
static bool document_field(State *state, Buffer *row, Span *document) {
    size_t begin = row->size;
    char *version = add_field(row, 1);
    if (version == NULL || document == NULL)
        return false;
    *version = 1;
    size_t text = row->size;
    if (!write_document(state, document, row) || row->size - begin > INT32_MAX ||
        !is_utf8(row->octets + text, (Py_ssize_t)(row->size - text)))
        return false;
    put_big_endian(row->octets + begin, row->size - begin - LENGTH_SIZE, LENGTH_SIZE);
    return true;
}

static bool alone_field(State *state, Buffer *row, Span *value) {
    Alone alone;
    char *to = measure_alone(state, value, &alone) ? add_field(row, alone.size) : NULL;
    if (to != NULL)
        write_alone((uint8_t *)to, &alone);
    Py_XDECREF(alone.texts);
    return to != NULL;
}

static bool bytes_field(State *state, Buffer *row, PyObject *value, Span *span) {
    if (span != NULL)
        return alone_field(state, row, span);
    return PyBytes_CheckExact(value) &&
           octets_field(row, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
}

/* Add a value; False where Python has to encode it, or to say why it cannot. */
static bool add_value(State *state, Buffer *row, PyObject *value, int kind) {
    if (value == Py_None)
        return null_field(row);
    Span *span = PyObject_TypeCheck(value, state->span) ? as_span(state, value) : NULL;
    switch (kind) {
    case ROW_TEXT:
        return text_field(row, value);
    case ROW_BIGINT:
        return int_field(row, value, 8);
    case ROW_INTEGER:
        return int_field(row, value, 4);
    case ROW_JSONB:
        return document_field(state, row, span);
    case ROW_TIME:
        return time_field(row, span);
    case ROW_BYTES:
        return bytes_field(state, row, value, span);
    case ROW_BOOLEAN:
        return PyBool_Check(value) && number_field(row, value == Py_True, 1);
    }
    return false;
}

static PyObject *row(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 2 || !PyBytes_Check(arguments[0]) || !PyTuple_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "row takes the columns' kinds and their values");
        return NULL;
    }
    Py_ssize_t columns = PyBytes_GET_SIZE(arguments[0]);
    const char *kinds = PyBytes_AS_STRING(arguments[0]);
    Buffer fields = {NULL, 0, 0};
    bool complete = columns == PyTuple_GET_SIZE(arguments[1]);
    for (Py_ssize_t i = 0; complete && i < columns; i++)
        complete = add_value(state, &fields, PyTuple_GET_ITEM(arguments[1], i), kinds[i]);
    PyObject *made = complete ? PyBytes_FromStringAndSize(fields.octets, (Py_ssize_t)fields.size)
                              : NULL;
    PyMem_Free(fields.octets);
    if (!complete)
        PyErr_Clear(); /* Python encodes it, or says what is wrong */
    return answered(made, made != NULL);
}

/* How many octets the field that stands at `at` takes; 0 where it does not end before `end`. */
static Py_ssize_t field_size(const uint8_t *at, const uint8_t *end) {
    if (end - at < 4)
        return 0;
    uint32_t size = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    if (size == UINT32_MAX)
        return 4;
    return size <= INT32_MAX && size <= end - at - 4 ? 4 + (Py_ssize_t)size : 0;
}

/* Add up what a row's fields take in their columns, or, with `to`, copy them there. */
static bool take_apart(PyObject *row, Py_ssize_t columns, Py_ssize_t *sizes, char **to) {
    if (!PyBytes_CheckExact(row))
        return false;
    const uint8_t *at = (const uint8_t *)PyBytes_AS_STRING(row), *end = at + PyBytes_GET_SIZE(row);
    for (Py_ssize_t i = 0; i < columns; i++) {
        Py_ssize_t size = field_size(at, end);
        if (!size)
            return false;
        if (to != NULL) {
            memcpy(to[i], at, (size_t)size);
            to[i] += size;
        } else {
            sizes[i] += size;
        }
        at += size;
    }
    return at == end;
}

/* Begin an array of one dimension, in which there may be nulls, of so many elements of a type. */
static char *write_head(char *to, uint32_t type, Py_ssize_t count) {
    const uint32_t head[] = {1, 1, type, (uint32_t)count, 1};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++, to += 4)
        put_big_endian(to, head[i], 4);
    return to;
}

/* An array for each column that has its head, and room for fields of these sizes. */
static PyObject *begun_arrays(const Py_ssize_t *sizes, PyObject *types, Py_ssize_t count, char **to) {
    Py_ssize_t columns = PyTuple_GET_SIZE(types);
    PyObject *found = PyList_New(columns);
    for (Py_ssize_t i = 0; found != NULL && i < columns; i++) {
        unsigned long type = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(types, i));
        PyObject *array =
            PyErr_Occurred() ? NULL : PyBytes_FromStringAndSize(NULL, HEAD_SIZE + sizes[i]);
        if (array == NULL) {
            Py_CLEAR(found);
            break;
        }
        to[i] = write_head(PyBytes_AS_STRING(array), (uint32_t)type, count);
        PyList_SET_ITEM(found, i, array);
    }
    return found;
}

static PyObject *row_arrays(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    if (count != 2 || !PyList_Check(arguments[0]) || !PyTuple_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "row_arrays takes a list of rows and their columns' types");
        return NULL;
    }
    PyObject *rows = arguments[0];
    Py_ssize_t columns = PyTuple_GET_SIZE(arguments[1]), sizes[MAX_COLUMNS] = {0};
    char *to[MAX_COLUMNS];
    if (columns > MAX_COLUMNS)
        Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++)
        if (!take_apart(PyList_GET_ITEM(rows, i), columns, sizes, NULL))
            Py_RETURN_NONE;
    PyObject *found = begun_arrays(sizes, arguments[1], PyList_GET_SIZE(rows), to);
    for (Py_ssize_t i = 0; found != NULL && i < PyList_GET_SIZE(rows); i++)
        take_apart(PyList_GET_ITEM(rows, i), columns, sizes, to);
    return found;
}
