/* Stream records: where they stand in an object, and what puts one in the order of its journal. */

#pragma once

#include "containers.h"

#define MAX_NAMES 2048 /* records of more symbols are left to Python */
#define IMPORTS 6      /* the symbol imports */

/* The names of the fields that put a record in order; the same as in qldbkit.journal.sources. */
enum { UNKNOWN, STREAM_ARN, RECORD_TYPE, PAYLOAD, BLOCK_ADDRESS, STRAND_ID, SEQUENCE_NO, REVISION,
       METADATA, DOCUMENT_ID, DOCUMENT_VERSION, NAMES };
static const char *const NAME_TEXTS[NAMES] = {
    "", "qldbStreamArn", "recordType", "payload", "blockAddress", "strandId", "sequenceNo",
    "revision", "metadata", "id", "version",
};
enum { SUMMARY_RECORD = 3, REVISION_RECORD }; /* qldbkit.journal.sources.stored.PartKind */

static bool marker_at(const uint8_t *data, Py_ssize_t at, Py_ssize_t size) {
    static const uint8_t marker[4] = {0xE0, 0x01, 0x00, 0xEA};
    return size - at >= 4 && !memcmp(data + at, marker, 4);
}

/* A struct behind a version marker and at most one symbol table of its own. */
static bool lone_struct(const uint8_t *data, Py_ssize_t begin, Py_ssize_t size, Value *table,
                        Value *value) {
    Py_ssize_t ids, ids_end, id;
    *table = (Value){0};
    if (!marker_at(data, begin, size) || !value_at(data, begin + 4, size, value))
        return false;
    if (code_of(*value) == ANNOTATION) {
        if (!wrapped_at(data, *value, &ids, &ids_end, table) || code_of(*table) != STRUCT ||
            is_null(*table) || !var_uint(data, &ids, ids_end, &id) || id != SYMBOL_TABLE ||
            ids != ids_end || !value_at(data, value->end, size, value))
            return false;
    }
    return code_of(*value) == STRUCT && !is_null(*value);
}

/* Where lone structs begin, where their values do, and where they end: those that stand one behind
 * the other, maybe a newline between them, up to the last before which a version marker comes. */
static PyObject *lone_structs(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    if (count != 3 || !PyBytes_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "lone_structs takes bytes, an offset and a size");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(arguments[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(arguments[0]), at = PyLong_AsSsize_t(arguments[1]);
    Py_ssize_t largest = PyLong_AsSsize_t(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    PyObject *found = at < 0 ? NULL : PyList_New(0);
    bool complete = found != NULL;
    Value table, value;
    while (complete && lone_struct(data, at, size, &table, &value)) {
        Py_ssize_t end = value.end, next = end + (end < size && data[end] == '\n');
        if (value.end - value.at > largest || !marker_at(data, next, size))
            break;
        PyObject *each = Py_BuildValue("nnn", at, value.at, end);
        complete = each != NULL && PyList_Append(found, each) == 0;
        Py_XDECREF(each);
        at = next;
    }
    return answered(found, complete);
}

typedef struct {
    uint8_t of[MAX_NAMES]; /* which name each symbol is */
    Py_ssize_t known;
} Names;

static bool add_name(const uint8_t *data, Value value, Names *names) {
    uint8_t found = UNKNOWN;
    if (names->known == MAX_NAMES)
        return false;
    if (code_of(value) == STRING && !is_null(value)) {
        const char *octets = (const char *)data + value.begin;
        size_t size = (size_t)(value.end - value.begin);
        for (uint8_t name = 1; name < NAMES; name++)
            if (strlen(NAME_TEXTS[name]) == size && !memcmp(NAME_TEXTS[name], octets, size))
                found = name;
        if (!found && !is_utf8(octets, value.end - value.begin))
            return false;
    }
    names->of[names->known++] = found;
    return true;
}

/* The symbols behind a table that does not import any. */
static bool read_names(const uint8_t *data, Value table, Names *names) {
    Py_ssize_t at = table.begin, id;
    Value list, text;
    bool seen = false;
    memset(names->of, UNKNOWN, FIRST_OWN_SYMBOL);
    names->of[5] = DOCUMENT_VERSION; /* which is one of Ion's own symbols */
    names->known = FIRST_OWN_SYMBOL;
    while (at < table.end) {
        if (!field_at(data, &at, table.end, &id, &list) || id == IMPORTS)
            return false;
        if (id != SYMBOLS)
            continue;
        if (seen || code_of(list) != LIST || is_null(list))
            return false;
        seen = true;
        for (Py_ssize_t inside = list.begin; inside < list.end; inside = text.end)
            if (!value_at(data, inside, list.end, &text) ||
                (!is_padding(text) && !add_name(data, text, names)))
                return false;
    }
    return true;
}

/* The fields of a struct by their names; false for a name that is there twice, or that should not
 * be there in one that has no others. */
static bool named_fields(const uint8_t *data, Value value, const Names *names, bool exact,
                         Value *fields) {
    Py_ssize_t at = value.begin, id;
    Value field;
    memset(fields, 0, NAMES * sizeof *fields);
    if (code_of(value) != STRUCT || is_null(value))
        return false;
    while (at < value.end) {
        if (!field_at(data, &at, value.end, &id, &field))
            return false;
        if (is_padding(field))
            continue;
        uint8_t name = id < names->known ? names->of[id] : UNKNOWN;
        bool twice = name != UNKNOWN && fields[name].descriptor;
        bool foreign = exact && name != STRAND_ID && name != SEQUENCE_NO;
        if (id >= names->known || twice || foreign || code_of(field) == ANNOTATION)
            return false;
        fields[name] = field;
    }
    return true;
}

/* `(kind, stream, strand, number, document, version)` of a record's payload. */
static PyObject *order_of(const uint8_t *data, PyObject *stream, Value payload,
                          const Names *names, int kind) {
    Value fields[NAMES], metadata[NAMES] = {0}, address[NAMES];
    if (!named_fields(data, payload, names, false, fields))
        return NULL;
    if (kind == REVISION_RECORD &&
        (!named_fields(data, fields[REVISION], names, false, fields) ||
         !named_fields(data, fields[METADATA], names, false, metadata)))
        return NULL;
    if (!named_fields(data, fields[BLOCK_ADDRESS], names, true, address))
        return NULL;
    PyObject *strand = string_text(data, address[STRAND_ID]);
    PyObject *number = strand ? natural_number(data, address[SEQUENCE_NO]) : NULL;
    PyObject *id = NULL, *version = NULL, *found = NULL;
    if (number && kind == SUMMARY_RECORD)
        found = Py_BuildValue("iOOOOO", kind, stream, strand, number, Py_None, Py_None);
    if (number && kind == REVISION_RECORD) {
        id = string_text(data, metadata[DOCUMENT_ID]);
        version = id ? natural_number(data, metadata[DOCUMENT_VERSION]) : NULL;
        if (version)
            found = Py_BuildValue("iOOOOO", kind, stream, strand, number, id, version);
    }
    Py_XDECREF(strand);
    Py_XDECREF(number);
    Py_XDECREF(id);
    Py_XDECREF(version);
    return found;
}

static int kind_of(const uint8_t *data, Value type) {
    static const char *const kinds[] = {"BLOCK_SUMMARY", "REVISION_DETAILS"};
    Py_ssize_t size = type.end - type.begin;
    for (int i = 0; i < 2; i++)
        if (code_of(type) == STRING && !is_null(type) && size == (Py_ssize_t)strlen(kinds[i]) &&
            !memcmp(kinds[i], data + type.begin, (size_t)size))
            return SUMMARY_RECORD + i;
    return 0;
}

static PyObject *located(PyObject *self, PyObject *argument) {
    (void)self;
    if (!PyBytes_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "bytes were expected");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(argument);
    Py_ssize_t size = PyBytes_GET_SIZE(argument);
    Value table, record, fields[NAMES];
    Names names;
    int kind;
    if (!lone_struct(data, 0, size, &table, &record) || record.end != size ||
        !read_names(data, table, &names) || !named_fields(data, record, &names, false, fields) ||
        !(kind = kind_of(data, fields[RECORD_TYPE])))
        Py_RETURN_NONE;
    PyObject *stream = string_text(data, fields[STREAM_ARN]);
    PyObject *found = stream ? order_of(data, stream, fields[PAYLOAD], &names, kind) : NULL;
    Py_XDECREF(stream);
    return answered(found, found != NULL);
}
