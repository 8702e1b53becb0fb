/* Hashes that are asked for: of spans and fields, and QLDB's of two hashes and of many. */

#pragma once

#include "ionhash.h"
#include "span.h"

/* The Ion hash of a span, or of a field of that name; False where it is left to Python, or for an
 * error. */
static bool hashed(State *state, PyObject *name, PyObject *argument, uint8_t *hash) {
    Span *span = as_span(state, argument);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span);
    if (texts == NULL)
        return false;
    Stack stack = {0};
    Walk walk = {octets_of(span), texts, &stack};
    Value value;
    Sha sha;
    sha_begin(&sha);
    bool complete = (name == NULL || add_text(&sha, name)) &&
                    value_at(walk.data, span->start, span->end, &value) &&
                    value.end == span->end && hash_value(walk, &sha, value, 0);
    if (complete)
        sha_end(&sha, hash);
    Py_DECREF(texts);
    PyMem_Free(stack.hashes);
    return complete;
}

static PyObject *octets_or_none(const uint8_t *hash, bool complete) {
    PyObject *made = complete ? PyBytes_FromStringAndSize((const char *)hash, HASH_SIZE) : NULL;
    return answered(made, complete);
}

static PyObject *ion_hash(PyObject *self, PyObject *argument) {
    uint8_t hash[HASH_SIZE];
    bool complete = hashed(PyModule_GetState(self), NULL, argument, hash);
    return octets_or_none(hash, complete);
}

static PyObject *field_hash(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    uint8_t hash[HASH_SIZE];
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "field_hash takes a name and a span");
        return NULL;
    }
    bool complete = hashed(PyModule_GetState(self), arguments[0], arguments[1], hash);
    return octets_or_none(hash, complete);
}

/* Whether the left hash is the smaller one: signed octets, from the last to the first. */
static bool is_before(const uint8_t *left, const uint8_t *right) {
    for (int i = HASH_SIZE - 1; i >= 0; i--)
        if (left[i] != right[i])
            return (int8_t)left[i] < (int8_t)right[i];
    return false;
}

/* QLDB's `dot` of two hashes, also into one of them. */
static void combine(const uint8_t *left, const uint8_t *right, uint8_t *hash) {
    bool in_order = is_before(left, right);
    Sha sha;
    sha_begin(&sha);
    sha_add(&sha, in_order ? left : right, HASH_SIZE);
    sha_add(&sha, in_order ? right : left, HASH_SIZE);
    sha_end(&sha, hash);
}

/* A hash of the usual size; NULL for anything else. */
static const uint8_t *hash_in(PyObject *object) {
    if (!PyBytes_Check(object) || PyBytes_GET_SIZE(object) != HASH_SIZE)
        return NULL;
    return (const uint8_t *)PyBytes_AS_STRING(object);
}

static PyObject *dot(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    uint8_t hash[HASH_SIZE];
    const uint8_t *left = count == 2 ? hash_in(arguments[0]) : NULL;
    const uint8_t *right = left == NULL ? NULL : hash_in(arguments[1]);
    if (right != NULL)
        combine(left, right, hash);
    return octets_or_none(hash, right != NULL);
}

static PyObject *revision_hash(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    uint8_t metadata[HASH_SIZE], data[HASH_SIZE];
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "revision_hash takes two spans");
        return NULL;
    }
    bool complete = hashed(state, NULL, arguments[0], metadata) &&
                    hashed(state, NULL, arguments[1], data);
    if (complete)
        combine(metadata, data, data);
    return octets_or_none(data, complete);
}

/* The level of a tree above `count` hashes, in their place: how many there are in it. */
static Py_ssize_t next_level(uint8_t (*hashes)[HASH_SIZE], Py_ssize_t count) {
    for (Py_ssize_t i = 0; i + 1 < count; i += 2)
        combine(hashes[i], hashes[i + 1], hashes[i / 2]);
    if (count % 2)
        memmove(hashes[count / 2], hashes[count - 1], HASH_SIZE);
    return (count + 1) / 2;
}

static PyObject *merkle_root(PyObject *self, PyObject *argument) {
    (void)self;
    PyObject *sequence = PySequence_Fast(argument, "a sequence of hashes was expected");
    if (sequence == NULL)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence), read = 0;
    uint8_t(*hashes)[HASH_SIZE] = PyMem_Malloc((count ? (size_t)count : 1) * HASH_SIZE);
    for (; hashes != NULL && read < count; read++) {
        const uint8_t *hash = hash_in(PySequence_Fast_GET_ITEM(sequence, read));
        if (hash == NULL)
            break;
        memcpy(hashes[read], hash, HASH_SIZE);
    }
    Py_DECREF(sequence);
    bool complete = hashes != NULL && count > 0 && read == count;
    while (complete && count > 1)
        count = next_level(hashes, count);
    PyObject *root = octets_or_none(complete ? hashes[0] : NULL, complete);
    PyMem_Free(hashes);
    return root;
}
