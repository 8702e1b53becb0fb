/* A value as JSON that says its Ion type where JSON has none: `{"$timestamp": "2020-01-17T"}`.
 *
 * The forms are those of the table in qldbkit.replay.views.postgresql.mapping, as far as values
 * usually have them; a value that has another one is left to Python whole.
 */

#pragma once

#include "buffer.h"
#include "moments.h"
#include "span.h"

#define MAX_NUMBER 8 /* octets of a number; longer ones are left to Python */

typedef struct {
    const uint8_t *data;
    PyObject *texts; /* the symbols in force: a tuple of str and None */
    Buffer out;
} Json;

static bool write_value(Json *json, Value value, int depth);

static bool write_octets(Json *json, const char *octets, size_t size) {
    char *to = room_in(&json->out, size);
    if (to == NULL)
        return false;
    memcpy(to, octets, size);
    json->out.size += size;
    return true;
}

static bool write_literal(Json *json, const char *text) {
    return write_octets(json, text, strlen(text));
}

/* The escape of an octet within a string; 0 for none, 1 for one by its number. */
static char escape_of(uint8_t octet) {
    switch (octet) {
    case '"':
    case '\\':
        return (char)octet;
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    }
    return octet < 0x20;
}

/* How many octets from the first on stand in a string as they are: eight are looked at at once. */
static size_t plain_octets(const uint8_t *text, size_t size) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t octets;
        memcpy(&octets, text + at, 8);
        uint64_t quotes = octets ^ ones * '"', slashes = octets ^ ones * '\\';
        /* A borrow reaches the highest bit of an octet only where this or a lower one is found. */
        uint64_t found = ((octets - ones * 0x20) & ~octets) | ((quotes - ones) & ~quotes) |
                         ((slashes - ones) & ~slashes);
        if (found & highs)
            break;
    }
    while (at < size && !escape_of(text[at]))
        at++;
    return at;
}

/* A text in quotes; one with a NUL has a form of its own. */
static bool write_text(Json *json, const uint8_t *text, size_t size) {
    char *to = room_in(&json->out, 6 * size + 2);
    if (to == NULL)
        return false;
    *to++ = '"';
    for (size_t at = 0;; at++) {
        size_t plain = plain_octets(text + at, size - at);
        memcpy(to, text + at, plain);
        to += plain;
        at += plain;
        if (at == size)
            break;
        if (!text[at])
            return false;
        char escape = escape_of(text[at]);
        if (escape != 1)
            *to++ = '\\', *to++ = escape;
        else
            to += PyOS_snprintf(to, 7, "\\u%04x", text[at]);
    }
    *to++ = '"';
    json->out.size = (size_t)(to - json->out.octets);
    return true;
}

/* The text of a symbol; `*plain` is cleared where no object may have it as a name. */
static bool write_symbol(Json *json, Py_ssize_t id, bool *plain) {
    if (id >= PyTuple_GET_SIZE(json->texts))
        return false;
    PyObject *text = PyTuple_GET_ITEM(json->texts, id);
    Py_ssize_t size;
    const char *octets = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;
    if (octets == NULL) { /* unknown, or lone surrogates */
        PyErr_Clear();
        return false;
    }
    *plain = octets[0] != '$';
    return write_text(json, (const uint8_t *)octets, (size_t)size);
}

static uint64_t magnitude_of(const uint8_t *octets, Py_ssize_t size) {
    uint64_t number = 0;
    for (Py_ssize_t i = 0; i < size; i++)
        number = number << 8 | octets[i];
    return number;
}

/* Digits of a number, at least so many; their count. */
static int digits_of(uint64_t number, int least, char *digits) {
    int count = 0;
    for (uint64_t rest = number; rest || count < least; rest /= 10)
        count++;
    for (int i = count; i-- > 0; number /= 10)
        digits[i] = (char)('0' + number % 10);
    return count;
}

static bool write_int(Json *json, Value value) {
    char digits[20];
    Py_ssize_t size = value.end - value.begin;
    uint64_t number = magnitude_of(json->data + value.begin, size <= MAX_NUMBER ? size : 0);
    bool negative = code_of(value) == NEGATIVE_INT;
    if (size > MAX_NUMBER || (negative && !number))
        return false;
    return write_octets(json, "-", negative) &&
           write_octets(json, digits, (size_t)digits_of(number, 1, digits));
}

static bool write_float(Json *json, Value value) {
    Py_ssize_t size = value.end - value.begin;
    uint64_t bits = magnitude_of(json->data + value.begin, size == 4 || size == 8 ? size : 0);
    double number = 0;
    if (size == 0)
        return write_literal(json, "{\"$float\": 0}");
    if (size == 4) {
        uint32_t single_bits = (uint32_t)bits;
        float single;
        memcpy(&single, &single_bits, 4);
        number = single;
    } else if (size == 8) {
        memcpy(&number, &bits, 8);
    }
    if (!(number - number == 0) || number == 0) /* not finite, or a zero that may be negative */
        return false;
    char *digits = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    bool written = digits != NULL && write_literal(json, "{\"$float\": ") &&
                   write_literal(json, digits) && write_literal(json, "}");
    PyMem_Free(digits);
    return written;
}

/* Only a decimal with an exponent of one octet and digits behind the point. */
static bool write_decimal(Json *json, Value value) {
    char digits[64 + MAX_NUMBER];
    const uint8_t *body = json->data + value.begin;
    Py_ssize_t size = value.end - value.begin - 1;
    if (size < 0 || size > MAX_NUMBER || body[0] <= 0xC0)
        return false;
    uint64_t number = magnitude_of(body + 1, size);
    bool negative = size && body[1] & 0x80;
    if (negative)
        number &= ~(UINT64_C(0x80) << 8 * (size - 1));
    if (negative && !number)
        return false;
    int behind = body[0] & 0x3F, count = digits_of(number, behind + 1, digits);
    return write_octets(json, "-", negative) &&
           write_octets(json, digits, (size_t)(count - behind)) && write_octets(json, ".", 1) &&
           write_octets(json, digits + count - behind, (size_t)behind);
}

/* A number of at least so many digits behind a character; where it ends. */
static char *put_number(char *to, char before, uint64_t number, int digits) {
    *to++ = before;
    return to + digits_of(number, digits, to);
}

/* Only a date, or a time to the second in UTC, without a number in an octet too many. */
static bool write_time(Json *json, Value value) {
    char text[120], *to = text;
    const uint8_t *body = json->data + value.begin;
    Py_ssize_t size = value.end - value.begin;
    int fields[6] = {0, 1, 1, 0, 0, 0}; /* year, month, day, hour, minute, second */
    int64_t days;
    if (!is_canonical_time(body, size) || body[0] != (size <= 5 ? 0xC0 : 0x80))
        return false;
    fields[0] = body[1] << 7 | (body[2] & 0x7F);
    for (Py_ssize_t i = 3; i < size && i < 8; i++)
        fields[i - 2] = body[i] & 0x7F;
    if (!days_of(fields[0], fields[1], fields[2], &days) || fields[3] > 23 || fields[4] > 59 ||
        fields[5] > 59)
        return false;
    Py_ssize_t written = size <= 5 ? size - 2 : 6;
    for (Py_ssize_t i = 0; i < written; i++)
        to = put_number(to, "\"--T::"[i], (uint64_t)fields[i], i ? 2 : 4);
    if (size > 8) {
        int behind = body[8] & 0x3F;
        char *begin = to;
        to = put_number(to, '.', magnitude_of(body + 9, size - 9), behind);
        if (to - begin > 1 + behind) /* not a fraction */
            return false;
    }
    *to++ = size <= 5 ? 'T' : 'Z';
    return write_literal(json, "{\"$timestamp\": ") &&
           write_octets(json, text, (size_t)(to - text)) && write_literal(json, "\"}");
}

static bool write_base64(Json *json, Value value) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = json->data + value.begin;
    Py_ssize_t size = value.end - value.begin;
    if (!write_literal(json, code_of(value) == CLOB ? "{\"$clob\": \"" : "{\"$blob\": \""))
        return false;
    char *to = room_in(&json->out, (size_t)(size + 2) / 3 * 4);
    if (to == NULL)
        return false;
    for (; size > 0; size -= 3, at += 3) {
        uint32_t bits = (uint32_t)at[0] << 16 | (size > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (size > 2 ? at[2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = size > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = size > 2 ? digits[bits & 63] : '=';
    }
    json->out.size = (size_t)(to - json->out.octets);
    return write_literal(json, "\"}");
}

static bool write_items(Json *json, Value value, int depth) {
    Value member;
    bool first = true;
    if (!write_octets(json, "[", 1))
        return false;
    for (Py_ssize_t at = value.begin; at < value.end; at = member.end) {
        if (!value_at(json->data, at, value.end, &member))
            return false;
        if (is_padding(member))
            continue;
        if (!write_octets(json, ", ", first ? 0 : 2) || !write_value(json, member, depth))
            return false;
        first = false;
    }
    return write_octets(json, "]", 1);
}

/* A struct whose names an object may have; `names` is where they are noted, for none may be there
 * twice. */
static bool write_fields(Json *json, Value value, int depth, PyObject *names) {
    Py_ssize_t at = value.begin, id, count = 0;
    Value member;
    bool plain;
    if (!write_octets(json, "{", 1))
        return false;
    while (at < value.end) {
        if (!field_at(json->data, &at, value.end, &id, &member))
            return false;
        if (is_padding(member))
            continue;
        if (!write_octets(json, ", ", count ? 2 : 0) || !write_symbol(json, id, &plain) || !plain ||
            PySet_Add(names, PyTuple_GET_ITEM(json->texts, id)) < 0 ||
            PySet_GET_SIZE(names) != ++count || !write_octets(json, ": ", 2) ||
            !write_value(json, member, depth))
            return false;
    }
    return write_octets(json, "}", 1);
}

static bool write_struct(Json *json, Value value, int depth) {
    PyObject *names = PySet_New(NULL);
    bool written = names != NULL && write_fields(json, value, depth, names);
    Py_XDECREF(names);
    return written;
}

static bool write_annotated(Json *json, Value value, int depth) {
    Py_ssize_t begin, end, id;
    Value inner;
    bool plain;
    if (!wrapped_at(json->data, value, &begin, &end, &inner) ||
        !write_literal(json, "{\"$annotated\": [["))
        return false;
    for (Py_ssize_t at = begin; at < end;) {
        if (!write_octets(json, ", ", at == begin ? 0 : 2) ||
            !var_uint(json->data, &at, end, &id) || !write_symbol(json, id, &plain))
            return false;
    }
    return write_literal(json, "], ") && write_value(json, inner, depth) &&
           write_literal(json, "]}");
}

static bool write_null(Json *json, Value value) {
    static const char *const types[] = {"",     "bool",      "int",    "int",    "float", "decimal",
                                        "timestamp", "symbol", "string", "clob", "blob",  "list",
                                        "sexp", "struct"};
    if (code_of(value) == NULLS)
        return write_literal(json, "null");
    return write_literal(json, "{\"$null\": \"") && write_literal(json, types[code_of(value)]) &&
           write_literal(json, "\"}");
}

/* Write a value; False where Python has to look at it. */
static bool write_value(Json *json, Value value, int depth) {
    int code = code_of(value);
    Py_ssize_t id;
    bool plain;
    if (is_null(value) && code != ANNOTATION)
        return write_null(json, value);
    if (code >= LIST && code != ANNOTATION && depth >= MAX_DEPTH)
        return false;
    switch (code) {
    case BOOL:
        return value.descriptor <= 0x11 &&
               write_literal(json, value.descriptor & 1 ? "true" : "false");
    case INT:
    case NEGATIVE_INT:
        return write_int(json, value);
    case FLOAT:
        return write_float(json, value);
    case DECIMAL:
        return write_decimal(json, value);
    case TIMESTAMP:
        return write_time(json, value);
    case SYMBOL:
        return symbol_id(json->data, value, &id) && write_literal(json, "{\"$symbol\": ") &&
               write_symbol(json, id, &plain) && write_octets(json, "}", 1);
    case STRING:
        return write_text(json, json->data + value.begin, (size_t)(value.end - value.begin));
    case CLOB:
    case BLOB:
        return write_base64(json, value);
    case LIST:
        return write_items(json, value, depth + 1);
    case SEXP:
        return write_literal(json, "{\"$sexp\": ") && write_items(json, value, depth + 1) &&
               write_octets(json, "}", 1);
    case STRUCT:
        return write_struct(json, value, depth + 1);
    case ANNOTATION:
        return write_annotated(json, value, depth);
    }
    return false;
}

/* Write the document of a span behind what is written; False where Python has to look at it. Its
 * strings may still not be UTF-8. */
static bool write_document(State *state, Span *span, Buffer *out) {
    PyObject *texts = texts_of(state, span);
    if (texts == NULL)
        return false;
    Json json = {octets_of(span), texts, *out};
    Value value;
    bool written = value_at(json.data, span->start, span->end, &value) &&
                   value.end == span->end && write_value(&json, value, 0);
    *out = json.out;
    Py_DECREF(texts);
    return written;
}

static PyObject *json_text(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Buffer out = {NULL, 0, 0};
    PyObject *found = write_document(state, span, &out)
                          ? PyUnicode_DecodeUTF8(out.octets, (Py_ssize_t)out.size, NULL)
                          : NULL;
    PyMem_Free(out.octets);
    if (found == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear(); /* a string is not UTF-8: Python says so */
    return answered(found, found != NULL);
}
