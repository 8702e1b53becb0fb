/* Hashes that are asked for: of spans, of fields, of two hashes. */

#pragma once

#include "ionhash.h"
#include "span.h"

static PyObject *finished(PyObject *texts, Stack *stack, Sha *sha, bool complete) {
    uint8_t hash[HASH_SIZE];
    Py_DECREF(texts);
    PyMem_Free(stack->hashes);
    if (complete)
        sha_end(sha, hash);
    PyObject *made = complete ? PyBytes_FromStringAndSize((char *)hash, HASH_SIZE) : NULL;
    return answered(made, complete);
}

static PyObject *ion_hash(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span);
    if (texts == NULL)
        return NULL;
    Stack stack = {0};
    Walk walk = {octets_of(span), texts, &stack};
    Value value;
    Sha sha;
    sha_begin(&sha);
    bool complete = value_at(walk.data, span->start, span->end, &value) &&
                    value.end == span->end && hash_value(walk, &sha, value, 0);
    return finished(texts, &stack, &sha, complete);
}

static PyObject *field_hash(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "field_hash takes a name and a span");
        return NULL;
    }
    Span *span = as_span(state, arguments[1]);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span);
    if (texts == NULL)
        return NULL;
    Stack stack = {0};
    Walk walk = {octets_of(span), texts, &stack};
    Value value;
    Sha sha;
    sha_begin(&sha);
    bool complete = add_text(&sha, arguments[0]) &&
                    value_at(walk.data, span->start, span->end, &value) &&
                    value.end == span->end && hash_value(walk, &sha, value, 0);
    return finished(texts, &stack, &sha, complete);
}

/* Whether the left hash is the smaller one: signed octets, from the last to the first. */
static bool is_before(const int8_t *left, const int8_t *right) {
    for (int i = HASH_SIZE - 1; i >= 0; i--)
        if (left[i] != right[i])
            return left[i] < right[i];
    return false;
}

static PyObject *dot(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    for (Py_ssize_t i = 0; i < 2; i++)
        if (count != 2 || !PyBytes_Check(arguments[i]) ||
            PyBytes_GET_SIZE(arguments[i]) != HASH_SIZE)
            Py_RETURN_NONE;
    const char *left = PyBytes_AS_STRING(arguments[0]), *right = PyBytes_AS_STRING(arguments[1]);
    bool in_order = is_before((const int8_t *)left, (const int8_t *)right);
    uint8_t hash[HASH_SIZE];
    Sha sha;
    sha_begin(&sha);
    sha_add(&sha, (const uint8_t *)(in_order ? left : right), HASH_SIZE);
    sha_add(&sha, (const uint8_t *)(in_order ? right : left), HASH_SIZE);
    sha_end(&sha, hash);
    return PyBytes_FromStringAndSize((char *)hash, HASH_SIZE);
}
