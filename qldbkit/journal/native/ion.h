/* Where values of binary Ion begin and end. */

#pragma once

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_DEPTH 128    /* qldbkit.journal.binary.MAX_DEPTH */
#define VAR_UINT_OCTETS 4
#define SYMBOL_TABLE 3 /* the symbol $ion_symbol_table */
#define SYMBOLS 7      /* the symbol symbols */
#define FIRST_OWN_SYMBOL 10 /* behind Ion's system symbols */
#define MAX_SYMBOL 8192     /* larger ids are left to Python */

enum { NULLS, BOOL, INT, NEGATIVE_INT, FLOAT, DECIMAL, TIMESTAMP, SYMBOL, STRING, CLOB, BLOB, LIST,
       SEXP, STRUCT, ANNOTATION };

typedef struct {
    Py_ssize_t at, begin, end; /* first octet; representation */
    uint8_t descriptor;
} Value;

static inline int code_of(Value value) { return value.descriptor >> 4; }
static inline bool is_null(Value value) { return (value.descriptor & 15) == 15; }
static inline bool is_padding(Value value) { return value.descriptor < 0x0F; }

static bool var_uint(const uint8_t *data, Py_ssize_t *at, Py_ssize_t limit, Py_ssize_t *number) {
    *number = 0;
    for (int octets = 0; octets < VAR_UINT_OCTETS && *at < limit; octets++) {
        uint8_t octet = data[(*at)++];
        *number = *number << 7 | (octet & 0x7F);
        if (octet & 0x80)
            return true;
    }
    return false;
}

/* The value at `at`, all of which lies before `limit`. */
static bool value_at(const uint8_t *data, Py_ssize_t at, Py_ssize_t limit, Value *value) {
    if (at >= limit)
        return false;
    uint8_t descriptor = data[at];
    int code = descriptor >> 4;
    Py_ssize_t length = descriptor & 15, begin = at + 1;
    if (code > ANNOTATION)
        return false;
    if (length == 15 || code == BOOL)
        length = 0;
    else if ((length == 14 || descriptor == 0xD1) && !var_uint(data, &begin, limit, &length))
        return false;
    if (length > limit - begin)
        return false;
    *value = (Value){at, begin, begin + length, descriptor};
    return true;
}

/* A field's name and value; `*at` is moved behind it. */
static bool field_at(const uint8_t *data, Py_ssize_t *at, Py_ssize_t limit, Py_ssize_t *name,
                     Value *value) {
    if (!var_uint(data, at, limit, name) || !value_at(data, *at, limit, value))
        return false;
    *at = value->end;
    return true;
}

static bool symbol_id(const uint8_t *data, Value value, Py_ssize_t *id) {
    if (value.end - value.begin > 3)
        return false;
    *id = 0;
    for (Py_ssize_t at = value.begin; at < value.end; at++)
        *id = *id << 8 | data[at];
    return true;
}

/* Where an annotation wrapper's ids begin and end, and its value, which fills the rest. */
static bool wrapped_at(const uint8_t *data, Value wrapper, Py_ssize_t *ids, Py_ssize_t *ids_end,
                       Value *inner) {
    Py_ssize_t length;
    *ids = wrapper.begin;
    if (is_null(wrapper) || !var_uint(data, ids, wrapper.end, &length) || !length ||
        length > wrapper.end - *ids)
        return false;
    *ids_end = *ids + length;
    return value_at(data, *ids_end, wrapper.end, inner) && inner->end == wrapper.end &&
           code_of(*inner) != ANNOTATION && !is_padding(*inner);
}
