/* Rows in PostgreSQL's binary formats, as qldbkit.replay.views.postgresql.copying has them: each
 * field is its length, in four octets, and its octets; the length of null is -1. */

#pragma once

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_COLUMNS 32
#define SINCE_2000 INT64_C(946684800000000) /* microseconds from 1970, where times begin */

/* How a column's values are encoded; the same numbers as in qldbkit.journal.kernel. */
enum { ROW_TEXT, ROW_BIGINT, ROW_INTEGER, ROW_JSONB, ROW_TIME, ROW_BYTES, ROW_BOOLEAN };

typedef struct {
    const char *octets; /* NULL for null */
    Py_ssize_t size;
    char own[8]; /* the octets of a number */
    bool versioned; /* whether the version of jsonb's format stands before them */
} Field;

static void put_big_endian(char *to, uint64_t number, int octets) {
    for (int i = octets; i-- > 0; number >>= 8)
        to[i] = (char)(number & 0xFF);
}

static bool number_field(Field *field, int64_t number, int octets) {
    put_big_endian(field->own, (uint64_t)number, octets);
    field->octets = field->own;
    field->size = octets;
    return true;
}

static bool text_field(Field *field, PyObject *value) {
    field->octets = PyUnicode_CheckExact(value) ? PyUnicode_AsUTF8AndSize(value, &field->size) : NULL;
    return field->octets != NULL;
}

static bool bytes_field(Field *field, PyObject *value) {
    if (!PyBytes_CheckExact(value))
        return false;
    field->octets = PyBytes_AS_STRING(value);
    field->size = PyBytes_GET_SIZE(value);
    return true;
}

static bool int_field(Field *field, PyObject *value, int kind) {
    int overflow = 0;
    int64_t number = PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : 0;
    if (!PyLong_CheckExact(value) || overflow)
        return false;
    if (kind == ROW_INTEGER)
        return number >= INT32_MIN && number <= INT32_MAX && number_field(field, number, 4);
    if (kind == ROW_BIGINT)
        return number_field(field, number, 8);
    return number >= INT64_MIN + SINCE_2000 && number_field(field, number - SINCE_2000, 8);
}

/* A value as a field; False where Python has to encode it, or to say why it cannot. */
static bool field_of(Field *field, PyObject *value, int kind) {
    field->octets = NULL;
    field->size = 0;
    field->versioned = kind == ROW_JSONB && value != Py_None;
    if (value == Py_None)
        return true;
    switch (kind) {
    case ROW_TEXT:
    case ROW_JSONB:
        return text_field(field, value);
    case ROW_BIGINT:
    case ROW_INTEGER:
    case ROW_TIME:
        return int_field(field, value, kind);
    case ROW_BYTES:
        return bytes_field(field, value);
    case ROW_BOOLEAN:
        return PyBool_Check(value) && number_field(field, value == Py_True, 1);
    }
    return false;
}

static char *write_field(char *to, const Field *field) {
    put_big_endian(to, field->octets ? (uint64_t)(field->size + field->versioned) : UINT64_MAX, 4);
    to += 4;
    if (field->versioned)
        *to++ = 1;
    if (field->size)
        memcpy(to, field->octets, (size_t)field->size);
    return to + field->size;
}

static PyObject *row(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    if (count != 2 || !PyBytes_Check(arguments[0]) || !PyTuple_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "row takes the columns' kinds and their values");
        return NULL;
    }
    Field fields[MAX_COLUMNS];
    Py_ssize_t columns = PyBytes_GET_SIZE(arguments[0]), size = 0;
    const char *kinds = PyBytes_AS_STRING(arguments[0]);
    if (columns > MAX_COLUMNS || columns != PyTuple_GET_SIZE(arguments[1]))
        Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < columns; i++) {
        if (!field_of(&fields[i], PyTuple_GET_ITEM(arguments[1], i), kinds[i]) ||
            fields[i].size >= INT32_MAX) {
            PyErr_Clear();
            Py_RETURN_NONE;
        }
        size += 4 + fields[i].versioned + fields[i].size;
    }
    PyObject *made = PyBytes_FromStringAndSize(NULL, size);
    char *to = made == NULL ? NULL : PyBytes_AS_STRING(made);
    for (Py_ssize_t i = 0; made != NULL && i < columns; i++)
        to = write_field(to, &fields[i]);
    return made;
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

/* Bytes of each size, to be filled. */
static PyObject *empty_columns(Py_ssize_t columns, const Py_ssize_t *sizes, char **to) {
    PyObject *found = PyList_New(columns);
    for (Py_ssize_t i = 0; found != NULL && i < columns; i++) {
        PyObject *column = PyBytes_FromStringAndSize(NULL, sizes[i]);
        if (column == NULL) {
            Py_CLEAR(found);
            break;
        }
        to[i] = PyBytes_AS_STRING(column);
        PyList_SET_ITEM(found, i, column);
    }
    return found;
}

static PyObject *row_columns(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    if (count != 2 || !PyList_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "row_columns takes a list of rows and their columns");
        return NULL;
    }
    Py_ssize_t columns = PyLong_AsSsize_t(arguments[1]), sizes[MAX_COLUMNS] = {0};
    char *to[MAX_COLUMNS];
    if (PyErr_Occurred())
        return NULL;
    if (columns < 0 || columns > MAX_COLUMNS)
        Py_RETURN_NONE;
    PyObject *rows = arguments[0];
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++)
        if (!take_apart(PyList_GET_ITEM(rows, i), columns, sizes, NULL))
            Py_RETURN_NONE;
    PyObject *found = empty_columns(columns, sizes, to);
    for (Py_ssize_t i = 0; found != NULL && i < PyList_GET_SIZE(rows); i++)
        take_apart(PyList_GET_ITEM(rows, i), columns, sizes, to);
    return found;
}
