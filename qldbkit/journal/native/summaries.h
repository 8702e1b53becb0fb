/* A block without its revisions, as binary Ion that stands alone; see qldbkit.journal.blocks. */

#pragma once

#include "buffer.h"
#include "symbols.h"

#define MAX_KEPT 32 /* fields of a block; one with more is left to Python */

/* The names of what takes the revisions' place, by their places behind the block's own symbols. */
static const char *const summary_names[] = {"revisionSummaries", "hash", "documentId", NULL};
enum { SUMMARIES_NAME, HASH_NAME, ID_NAME };

typedef struct {
    Symbols symbols; /* those of the fields that are kept */
    struct {
        Py_ssize_t begin, end;
    } fields[MAX_KEPT];
    int count;
    size_t size;
    bool exported; /* whether there are revisions */
} Kept;

static bool is_named(PyObject *name, const char *text) {
    return PyUnicode_CompareWithASCIIString(name, text) == 0;
}

static bool keep_field(Kept *kept, const uint8_t *data, Py_ssize_t begin, Py_ssize_t name,
                       Value member) {
    if (kept->count == MAX_KEPT || !note(&kept->symbols, name) ||
        !note_symbols(data, member, &kept->symbols, 1))
        return false;
    kept->fields[kept->count].begin = begin;
    kept->fields[kept->count++].end = member.end;
    kept->size += (size_t)(member.end - begin);
    return true;
}

/* Find the fields of a block that are neither its revisions nor their summaries. */
static bool keep_fields(State *state, Span *span, PyObject *texts, Kept *kept) {
    const uint8_t *data = octets_of(span);
    Value block, member;
    Py_ssize_t id;
    if (!value_of(span, &block) || code_of(block) != STRUCT || is_null(block))
        return false;
    for (Py_ssize_t at = block.begin, begin = at; at < block.end; begin = at) {
        if (!field_at(data, &at, block.end, &id, &member) || is_padding(member))
            return false;
        PyObject *name = field_name(state, texts, id);
        if (name == NULL)
            return false;
        if (is_named(name, "revisions"))
            kept->exported = true;
        else if (!is_named(name, summary_names[SUMMARIES_NAME]) &&
                 !keep_field(kept, data, begin, id, member))
            return false;
    }
    return kept->symbols.highest < PyTuple_GET_SIZE(texts);
}

/* Write the struct of a summary: a hash, and a document's id or None. */
static bool write_summary(Buffer *items, PyObject *hash, PyObject *id, size_t first_name) {
    Py_ssize_t id_size = 0;
    const char *id_octets = id == Py_None ? NULL : symbol_octets(id, &id_size);
    if (!PyBytes_CheckExact(hash) || (id_octets == NULL && id != Py_None))
        return false;
    size_t hash_size = (size_t)PyBytes_GET_SIZE(hash);
    size_t size = var_uint_size(first_name + HASH_NAME) + opening_size(hash_size) + hash_size;
    if (id_octets != NULL)
        size += var_uint_size(first_name + ID_NAME) + opening_size((size_t)id_size) +
                (size_t)id_size;
    size_t whole = opening_size(size) + size;
    uint8_t *at = (uint8_t *)room_in(items, whole);
    if (at == NULL)
        return false;
    items->size += whole;
    at = write_var_uint(write_opening(at, STRUCT, size), first_name + HASH_NAME);
    at = write_whole(at, BLOB, PyBytes_AS_STRING(hash), hash_size);
    if (id_octets != NULL)
        write_whole(write_var_uint(at, first_name + ID_NAME), STRING, id_octets, (size_t)id_size);
    return true;
}

static bool write_summaries(State *state, Buffer *items, PyObject *summaries, size_t first_name) {
    bool complete = true;
    for (Py_ssize_t i = 0; complete && i < PyTuple_GET_SIZE(summaries); i++) {
        PyObject *summary = PyTuple_GET_ITEM(summaries, i);
        PyObject *hash = PyObject_GetAttr(summary, state->names[N_HASH]);
        PyObject *id = hash ? PyObject_GetAttr(summary, state->names[N_DOCUMENT_ID]) : NULL;
        complete = id != NULL && write_summary(items, hash, id, first_name);
        Py_XDECREF(hash);
        Py_XDECREF(id);
    }
    return complete;
}

/* The fields that are kept and the summaries behind them, behind a table of their symbols. */
static PyObject *summarized(Span *span, PyObject *texts, const Kept *kept, const Buffer *items,
                            size_t first_name) {
    TableSize table;
    if (!measure_table(texts, &kept->symbols, summary_names, &table))
        return NULL;
    size_t size = kept->size + var_uint_size(first_name) + opening_size(items->size) + items->size;
    size_t whole = table.whole + opening_size(size) + size;
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)whole);
    if (made == NULL)
        return NULL;
    uint8_t *at = (uint8_t *)PyBytes_AS_STRING(made);
    at = write_table(at, texts, &kept->symbols, summary_names, &table);
    at = write_opening(at, STRUCT, size);
    for (int i = 0; i < kept->count; i++) {
        size_t field = (size_t)(kept->fields[i].end - kept->fields[i].begin);
        memcpy(at, octets_of(span) + kept->fields[i].begin, field);
        at += field;
    }
    at = write_var_uint(at, first_name + SUMMARIES_NAME);
    at = write_opening(at, LIST, items->size);
    if (items->size)
        memcpy(at, items->octets, items->size);
    return made;
}

static PyObject *without_revisions(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 2 || !PyTuple_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "without_revisions takes a block and its summaries");
        return NULL;
    }
    Span *span = as_span(state, arguments[0]);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span), *made = NULL;
    if (texts == NULL)
        return NULL;
    Kept kept = {.symbols = {{0}, 0}};
    bool complete = keep_fields(state, span, texts, &kept);
    if (complete && kept.exported) {
        Py_ssize_t highest = kept.symbols.highest;
        size_t first_name = highest < FIRST_OWN_SYMBOL ? FIRST_OWN_SYMBOL : (size_t)highest + 1;
        Buffer items = {NULL, 0, 0};
        if (write_summaries(state, &items, arguments[1], first_name))
            made = summarized(span, texts, &kept, &items, first_name);
        PyMem_Free(items.octets);
    }
    Py_DECREF(texts);
    return complete && !kept.exported ? alone_of(state, span) : answered(made, made != NULL);
}
