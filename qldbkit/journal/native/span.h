/* The span: where a value stands in binary Ion, as Python knows it. */

#pragma once

#include <Python.h>
#include <structmember.h>

#include "ion.h"

typedef struct {
    PyObject_HEAD
    PyObject *data, *context, *annotation_ids;
    Py_ssize_t start, end, body;
    unsigned char descriptor;
} Span;

/* Names of attributes of qldbkit.journal.model, and of fields of a block's header. */
#define ATTRIBUTES(name)                                                                           \
    name(ADDRESS, "address") name(BLOCK_HASH, "block_hash") name(DATA, "data")                     \
    name(BLOCK_TIMESTAMP, "blockTimestamp") name(DATA_HASH, "data_hash")                           \
    name(DOCUMENT_ID, "document_id") name(ENTRIES_HASH, "entries_hash")                            \
    name(ENTRIES_HASH_LIST, "entries_hash_list") name(HASH, "hash") name(HEADER, "header")         \
    name(ID, "id") name(ION, "ion") name(METADATA, "metadata")                                     \
    name(PREVIOUS_BLOCK_HASH, "previous_block_hash") name(REDACTION_INFO, "redaction_info")        \
    name(REVISION_SUMMARIES, "revision_summaries") name(SEQUENCE_NO, "sequence_no")                \
    name(START_TIME_ION, "start_time_ion") name(STATEMENTS, "statements")                          \
    name(STATEMENT_DIGEST, "statement_digest") name(STRAND_ID, "strand_id")                        \
    name(TRANSACTION_ID, "transaction_id") name(TRANSACTION_ID_FIELD, "transactionId")             \
    name(TRANSACTION_INFO, "transaction_info") name(TX_ID, "tx_id")                                \
    name(TX_TIME_ION, "tx_time_ion")
#define ATTRIBUTE_NUMBER(name, text) N_##name,
#define ATTRIBUTE_TEXT(name, text) text,

enum { ATTRIBUTES(ATTRIBUTE_NUMBER) ATTRIBUTE_COUNT };

#define CACHED_TEXTS 2048 /* texts of symbols that are kept ready: those of names come again */
#define CACHED_OCTETS 32  /* longer ones are made each time */

typedef struct {
    PyTypeObject *span, *form;
    PyObject *texts_name, *no_name, *no_annotations, *names[ATTRIBUTE_COUNT];
    PyObject *cached_texts[CACHED_TEXTS];
} State;

static const uint8_t *octets_of(Span *span) {
    return (const uint8_t *)PyBytes_AS_STRING(span->data);
}

/* The value without its annotations; False where it does not fill the span. */
static bool value_of(Span *span, Value *value) {
    return value_at(octets_of(span), span->body, span->end, value) && value->end == span->end;
}

/* The annotations of the wrapper at `start`, by `annotations_at`, which knows what may be wrong. */
static int read_annotations(Span *self) {
    PyObject *binary = PyImport_ImportModule("qldbkit.journal.binary");
    if (binary == NULL)
        return -1;
    PyObject *found = PyObject_CallMethod(binary, "annotations_at", "Onn", self->data, self->start,
                                          self->end);
    Py_DECREF(binary);
    if (found == NULL)
        return -1;
    PyObject *ids;
    int read = PyArg_ParseTuple(found, "O!n", &PyTuple_Type, &ids, &self->body);
    if (read && (self->body <= self->start || self->body >= self->end)) {
        PyErr_SetString(PyExc_ValueError, "an annotated value is not inside of its wrapper");
        read = 0;
    }
    if (read) {
        Py_INCREF(ids);
        Py_XSETREF(self->annotation_ids, ids);
        self->descriptor = octets_of(self)[self->body];
    }
    Py_DECREF(found);
    return read ? 0 : -1;
}

static int span_init(Span *self, PyObject *arguments, PyObject *names) {
    static char *known[] = {"data", "start", "end", "context", NULL};
    PyObject *data, *context;
    Py_ssize_t start, end;
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "O!nnO", known, &PyBytes_Type, &data, &start,
                                     &end, &context))
        return -1;
    if (self->data != NULL) {
        PyErr_SetString(PyExc_TypeError, "a span cannot be changed");
        return -1;
    }
    if (start < 0 || end <= start || end > PyBytes_GET_SIZE(data)) {
        PyErr_SetString(PyExc_IndexError, "a span lies outside of its data");
        return -1;
    }
    PyObject *none = PyTuple_New(0);
    if (none == NULL)
        return -1;
    Py_INCREF(data);
    Py_INCREF(context);
    self->data = data;
    self->context = context;
    self->annotation_ids = none;
    self->start = self->body = start;
    self->end = end;
    self->descriptor = octets_of(self)[start];
    return self->descriptor >> 4 == ANNOTATION ? read_annotations(self) : 0;
}

static void span_dealloc(Span *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->data);
    Py_XDECREF(self->context);
    Py_XDECREF(self->annotation_ids);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef span_members[] = {
    {"data", T_OBJECT_EX, offsetof(Span, data), READONLY, "the bytes that hold the value"},
    {"context", T_OBJECT_EX, offsetof(Span, context), READONLY, "the symbols in force"},
    {"annotation_ids", T_OBJECT_EX, offsetof(Span, annotation_ids), READONLY, "symbol ids"},
    {"start", T_PYSSIZET, offsetof(Span, start), READONLY, "where the value begins"},
    {"end", T_PYSSIZET, offsetof(Span, end), READONLY, "where it ends"},
    {"_body", T_PYSSIZET, offsetof(Span, body), READONLY, "the same without annotations"},
    {"_descriptor", T_UBYTE, offsetof(Span, descriptor), READONLY, "the octet there"},
    {NULL},
};

static PyType_Slot span_slots[] = {
    {Py_tp_doc, "Where a value stands in binary Ion."},
    {Py_tp_init, span_init},
    {Py_tp_dealloc, span_dealloc},
    {Py_tp_members, span_members},
    {0, NULL},
};

static PyType_Spec span_spec = {
    .name = "qldbkit.journal._kernel.Span",
    .basicsize = sizeof(Span),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = span_slots,
};

/* The argument as a span; NULL where it is none. */
static Span *as_span(State *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->span) && ((Span *)object)->data != NULL)
        return (Span *)object;
    PyErr_SetString(PyExc_TypeError, "a span was expected");
    return NULL;
}

/* A span of the same class and bytes; NULL, without an error, for what is left to Python. */
static PyObject *inner_span(State *state, Span *outer, Value value) {
    if (code_of(value) == ANNOTATION)
        return NULL;
    Span *span = (Span *)Py_TYPE(outer)->tp_alloc(Py_TYPE(outer), 0);
    if (span == NULL)
        return NULL;
    Py_INCREF(outer->data);
    Py_INCREF(outer->context);
    Py_INCREF(state->no_annotations);
    span->data = outer->data;
    span->context = outer->context;
    span->annotation_ids = state->no_annotations;
    span->start = span->body = value.at;
    span->end = value.end;
    span->descriptor = value.descriptor;
    return (PyObject *)span;
}

static bool is_utf8(const char *octets, Py_ssize_t size) {
    uint64_t eight;
    Py_ssize_t plain = 0;
    for (; plain + 8 <= size; plain += 8) {
        memcpy(&eight, octets + plain, 8);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (plain < size && !(octets[plain] & 0x80))
        plain++;
    if (plain == size)
        return true;
    PyObject *text = PyUnicode_DecodeUTF8(octets + plain, size - plain, NULL);
    if (text == NULL)
        PyErr_Clear();
    Py_XDECREF(text);
    return text != NULL;
}

/* The symbols in force at a span: a new reference to a tuple. */
static PyObject *texts_of(State *state, Span *span) {
    PyObject *texts = PyObject_GetAttr(span->context, state->texts_name);
    if (texts != NULL && !PyTuple_Check(texts)) {
        Py_CLEAR(texts);
        PyErr_SetString(PyExc_TypeError, "a context's texts are a tuple");
    }
    return texts;
}

/* The answer of a function: what it made, None to leave the value to Python, or an error. */
static PyObject *answered(PyObject *made, bool complete) {
    if (complete)
        return made;
    Py_XDECREF(made);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *field_name(State *state, PyObject *texts, Py_ssize_t id) {
    if (id >= PyTuple_GET_SIZE(texts))
        return NULL;
    PyObject *text = PyTuple_GET_ITEM(texts, id);
    if (text == Py_None)
        return state->no_name;
    if (!PyUnicode_Check(text))
        return NULL;
    return PyUnicode_GET_LENGTH(text) ? text : state->no_name;
}
