/* Symbol tables: the only value behind one, its strings, and what a value uses of it. */

#pragma once

#include "containers.h"
#include "span.h"

/* A struct that is annotated as a symbol table and with nothing else. */
static bool table_at(const uint8_t *data, Value wrapper, Value *table) {
    Py_ssize_t ids, ids_end, id;
    return code_of(wrapper) == ANNOTATION && wrapped_at(data, wrapper, &ids, &ids_end, table) &&
           code_of(*table) == STRUCT && !is_null(*table) && var_uint(data, &ids, ids_end, &id) &&
           id == SYMBOL_TABLE && ids == ids_end;
}

static PyObject *only_value(PyObject *self, PyObject *argument) {
    static const uint8_t marker[4] = {0xE0, 0x01, 0x00, 0xEA};
    (void)self;
    if (!PyBytes_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "bytes were expected");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(argument);
    Py_ssize_t size = PyBytes_GET_SIZE(argument);
    Value value, table;
    if (size < 4 || memcmp(data, marker, 4) || !value_at(data, 4, size, &value))
        Py_RETURN_NONE;
    if (code_of(value) == ANNOTATION) {
        if (!table_at(data, value, &table))
            Py_RETURN_NONE;
        if (!value_at(data, value.end, size, &value) || code_of(value) == ANNOTATION)
            Py_RETURN_NONE;
    }
    if (value.end != size || is_padding(value))
        Py_RETURN_NONE;
    return PyLong_FromSsize_t(value.at);
}

/* The only field of a symbol table that has no other: its list of symbols. */
static bool only_list(const uint8_t *data, Py_ssize_t size, Value *list) {
    Value wrapper, table;
    if (!value_at(data, 0, size, &wrapper) || wrapper.end != size ||
        !table_at(data, wrapper, &table))
        return false;
    Py_ssize_t at = table.begin, name;
    return at < table.end && field_at(data, &at, table.end, &name, list) && name == SYMBOLS &&
           at == table.end && code_of(*list) == LIST && !is_null(*list);
}

/* A symbol's text, which is mostly a name that was read before: then it is the same object, whose
 * hash is known. */
static PyObject *symbol_text(State *state, const uint8_t *data, Value value) {
    const uint8_t *octets = data + value.begin;
    Py_ssize_t size = value.end - value.begin;
    if (size > CACHED_OCTETS)
        return string_text(data, value);
    uint32_t place = 2166136261u; /* FNV-1a */
    for (Py_ssize_t i = 0; i < size; i++)
        place = (place ^ octets[i]) * 16777619u;
    PyObject **slot = &state->cached_texts[(place ^ place >> 16) % CACHED_TEXTS];
    if (*slot != NULL && PyUnicode_IS_COMPACT_ASCII(*slot) &&
        PyUnicode_GET_LENGTH(*slot) == size && !memcmp(PyUnicode_1BYTE_DATA(*slot), octets, size))
        return Py_NewRef(*slot);
    PyObject *text = string_text(data, value);
    if (text != NULL)
        Py_XSETREF(*slot, Py_NewRef(text));
    return text;
}

static PyObject *table_texts(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    if (!PyBytes_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "bytes were expected");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(argument);
    Value list, value;
    if (!only_list(data, PyBytes_GET_SIZE(argument), &list))
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Py_ssize_t at = list.begin; complete && at < list.end; at = value.end) {
        complete = value_at(data, at, list.end, &value);
        if (!complete || is_padding(value))
            continue;
        bool is_text = code_of(value) == STRING && !is_null(value);
        PyObject *each = is_text ? symbol_text(state, data, value) : Py_NewRef(Py_None);
        complete = each != NULL && PyList_Append(found, each) == 0;
        Py_XDECREF(each);
    }
    return answered(found, complete);
}

typedef struct {
    uint8_t used[MAX_SYMBOL];
    Py_ssize_t highest;
} Symbols;

static bool note(Symbols *symbols, Py_ssize_t id) {
    if (id >= MAX_SYMBOL)
        return false;
    symbols->used[id] = 1;
    if (id > symbols->highest)
        symbols->highest = id;
    return true;
}

static bool note_symbols(const uint8_t *data, Value value, Symbols *symbols, int depth) {
    int code = code_of(value);
    Py_ssize_t at = value.begin, end, id;
    Value member;
    if (code == ANNOTATION) {
        if (!wrapped_at(data, value, &at, &end, &member))
            return false;
        while (at < end)
            if (!var_uint(data, &at, end, &id) || !note(symbols, id))
                return false;
        return note_symbols(data, member, symbols, depth);
    }
    if (code == SYMBOL && !is_null(value))
        return symbol_id(data, value, &id) && note(symbols, id);
    if (code < LIST || is_null(value))
        return true;
    for (id = 0; at < value.end; at = member.end) {
        if (code == STRUCT && !var_uint(data, &at, value.end, &id))
            return false;
        if (!value_at(data, at, value.end, &member))
            return false;
        if (!is_padding(member) && (depth >= MAX_DEPTH || !note(symbols, id) ||
                                    !note_symbols(data, member, symbols, depth + 1)))
            return false;
    }
    return true;
}

/* The symbols that a value uses, all of which are in force. */
static bool symbols_of(Span *span, PyObject *texts, Symbols *symbols) {
    Value value;
    const uint8_t *data = octets_of(span);
    return value_at(data, span->start, span->end, &value) && value.end == span->end &&
           note_symbols(data, value, symbols, 0) && symbols->highest < PyTuple_GET_SIZE(texts);
}

static PyObject *used_texts(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span), *found = NULL;
    if (texts == NULL)
        return NULL;
    Symbols symbols = {{0}, 0};
    bool complete = symbols_of(span, texts, &symbols);
    Py_ssize_t end = symbols.highest + 1;
    if (complete)
        found = PyTuple_New(end > FIRST_OWN_SYMBOL ? end - FIRST_OWN_SYMBOL : 0);
    complete = found != NULL;
    for (Py_ssize_t id = FIRST_OWN_SYMBOL; complete && id < end; id++) {
        PyObject *each = symbols.used[id] ? PyTuple_GET_ITEM(texts, id) : Py_None;
        PyTuple_SET_ITEM(found, id - FIRST_OWN_SYMBOL, Py_NewRef(each));
    }
    Py_DECREF(texts);
    return answered(found, complete);
}

static size_t var_uint_size(size_t number) {
    size_t size = 1;
    while (number >>= 7)
        size++;
    return size;
}

/* How many octets stand before a representation that is neither empty nor that of one octet. */
static size_t opening_size(size_t size) { return size < 14 ? 1 : 1 + var_uint_size(size); }

static uint8_t *write_var_uint(uint8_t *at, size_t number) {
    for (size_t octets = var_uint_size(number); octets-- > 0;)
        *at++ = (uint8_t)((number >> 7 * octets & 0x7F) | (octets ? 0 : 0x80));
    return at;
}

static uint8_t *write_opening(uint8_t *at, int code, size_t size) {
    *at++ = (uint8_t)(code << 4 | (size < 14 ? (int)size : 14));
    return size < 14 ? at : write_var_uint(at, size);
}

static uint8_t *write_whole(uint8_t *at, int code, const char *octets, size_t size) {
    at = write_opening(at, code, size);
    memcpy(at, octets, size);
    return at + size;
}

/* The text of a symbol that a value uses; NULL, without an error, where it has none in UTF-8. */
static const char *symbol_octets(PyObject *text, Py_ssize_t *size) {
    const char *octets = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, size) : NULL;
    if (octets == NULL)
        PyErr_Clear();
    return octets;
}

/* The sizes of a version marker and a symbol table, and of the parts of that. */
typedef struct {
    size_t list, table, wrapped, whole;
} TableSize;

/* How large a table is of the symbols from the first that is not Ion's own to the last that a value
 * uses, null for those that it does not use; and of some more, the last of which is NULL. */
static bool measure_table(PyObject *texts, const Symbols *symbols, const char *const *more,
                          TableSize *measured) {
    Py_ssize_t size;
    *measured = (TableSize){.whole = 4};
    for (Py_ssize_t id = FIRST_OWN_SYMBOL; id <= symbols->highest; id++) {
        if (symbols->used[id] && symbol_octets(PyTuple_GET_ITEM(texts, id), &size) == NULL)
            return false;
        measured->list += symbols->used[id] ? opening_size((size_t)size) + (size_t)size : 1;
    }
    for (; *more != NULL; more++)
        measured->list += opening_size(strlen(*more)) + strlen(*more);
    if (measured->list) {
        measured->table = 1 + opening_size(measured->list) + measured->list;
        measured->wrapped = 2 + opening_size(measured->table) + measured->table;
        measured->whole += opening_size(measured->wrapped) + measured->wrapped;
    }
    return true;
}

static uint8_t *write_table(uint8_t *at, PyObject *texts, const Symbols *symbols,
                            const char *const *more, const TableSize *measured) {
    Py_ssize_t size;
    memcpy(at, "\xE0\x01\x00\xEA", 4);
    at += 4;
    if (!measured->list)
        return at;
    at = write_opening(at, ANNOTATION, measured->wrapped);
    *at++ = 0x81;
    *at++ = 0x80 | SYMBOL_TABLE;
    at = write_opening(at, STRUCT, measured->table);
    *at++ = 0x80 | SYMBOLS;
    at = write_opening(at, LIST, measured->list);
    for (Py_ssize_t id = FIRST_OWN_SYMBOL; id <= symbols->highest; id++) {
        if (!symbols->used[id]) {
            *at++ = 0x0F;
            continue;
        }
        const char *octets = symbol_octets(PyTuple_GET_ITEM(texts, id), &size);
        at = write_whole(at, STRING, octets, (size_t)size);
    }
    for (; *more != NULL; more++)
        at = write_whole(at, STRING, *more, strlen(*more));
    return at;
}

/* A value behind a table of the symbols that it uses. */
typedef struct {
    Span *span;
    PyObject *texts;
    Symbols symbols;
    TableSize table;
    size_t size;
} Alone;

static const char *const no_more[] = {NULL};

/* Find out how large a value is alone; False, maybe with an error, to leave it to Python. */
static bool measure_alone(State *state, Span *span, Alone *alone) {
    alone->span = span;
    alone->symbols = (Symbols){{0}, 0};
    alone->texts = texts_of(state, span);
    if (alone->texts == NULL || !symbols_of(span, alone->texts, &alone->symbols) ||
        !measure_table(alone->texts, &alone->symbols, no_more, &alone->table))
        return false;
    alone->size = alone->table.whole + (size_t)(span->end - span->start);
    return true;
}

static void write_alone(uint8_t *at, const Alone *alone) {
    Span *span = alone->span;
    at = write_table(at, alone->texts, &alone->symbols, no_more, &alone->table);
    memcpy(at, octets_of(span) + span->start, (size_t)(span->end - span->start));
}

static PyObject *alone_of(State *state, Span *span) {
    Alone alone;
    PyObject *made = NULL;
    if (measure_alone(state, span, &alone))
        made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)alone.size);
    if (made != NULL)
        write_alone((uint8_t *)PyBytes_AS_STRING(made), &alone);
    Py_XDECREF(alone.texts);
    return answered(made, made != NULL);
}

static PyObject *standalone(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    return span == NULL ? NULL : alone_of(state, span);
}
