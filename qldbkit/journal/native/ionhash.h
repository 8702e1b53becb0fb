/* The Ion hash of a value, by walking its bytes. */

#pragma once

#include <stdlib.h>

#include "ion.h"
#include "sha256.h"

typedef struct {
    uint8_t (*hashes)[HASH_SIZE]; /* of the fields of all structs that are open */
    size_t count, capacity;
} Stack;

typedef struct {
    const uint8_t *data;
    PyObject *texts; /* the symbols in force: a tuple of str and None */
    Stack *stack;
} Walk;

#define FEW_HASHES 24 /* up to which they are put in order by inserting each */

static const uint8_t BEGIN = 0x0B, END = 0x0E;

static bool hash_value(Walk walk, Sha *sha, Value value, int depth);

/* Whether one of the word's octets is this one. */
static inline bool has_octet(uint64_t word, uint8_t octet) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    word ^= ones * octet;
    return (word - ones) & ~word & ones << 7;
}

/* Where the first octet from `at` on stands that has to be escaped (0B, 0C, 0E); `size` for none. */
static size_t next_escaped(const uint8_t *data, size_t at, size_t size) {
    for (; size - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, sizeof word);
        if (has_octet(word, 0x0B) || has_octet(word, 0x0C) || has_octet(word, 0x0E))
            break;
    }
    while (at < size && data[at] != 0x0B && data[at] != 0x0C && data[at] != 0x0E)
        at++;
    return at;
}

static void add_escaped(Sha *sha, const uint8_t *data, size_t size) {
    static const uint8_t escape = 0x0C;
    size_t plain = 0;
    for (size_t at = next_escaped(data, 0, size); at < size;
         at = next_escaped(data, at + 1, size)) {
        sha_add(sha, data + plain, at - plain);
        sha_add(sha, &escape, 1);
        plain = at;
    }
    sha_add(sha, data + plain, size - plain);
}

static void add_scalar(Sha *sha, uint8_t type, const uint8_t *data, size_t size) {
    uint8_t opening[2] = {BEGIN, type};
    sha_add(sha, opening, 2);
    if (size)
        add_escaped(sha, data, size);
    sha_add(sha, &END, 1);
}

static bool add_text(Sha *sha, PyObject *text) {
    if (text == Py_None) {
        add_scalar(sha, 0x71, NULL, 0);
        return true;
    }
    Py_ssize_t size;
    const char *octets = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;
    if (octets == NULL) { /* lone surrogates */
        PyErr_Clear();
        return false;
    }
    add_scalar(sha, SYMBOL << 4, (const uint8_t *)octets, (size_t)size);
    return true;
}

static bool add_symbol(Walk walk, Sha *sha, Py_ssize_t id) {
    return id < PyTuple_GET_SIZE(walk.texts) && add_text(sha, PyTuple_GET_ITEM(walk.texts, id));
}

static void hash_int(Sha *sha, const uint8_t *data, Value value) {
    Py_ssize_t begin = value.begin;
    while (begin < value.end && !data[begin])
        begin++;
    int type = begin < value.end ? code_of(value) : INT; /* there is one zero */
    add_scalar(sha, (uint8_t)(type << 4), data + begin, (size_t)(value.end - begin));
}

static bool hash_float(Sha *sha, const uint8_t *data, Value value) {
    static const uint8_t not_a_number[8] = {0x7F, 0xF8};
    double number = 0;
    uint64_t bits = 0;
    uint8_t octets[8];
    Py_ssize_t size = value.end - value.begin;
    if (size != 0 && size != 4 && size != 8)
        return false;
    for (Py_ssize_t at = value.begin; at < value.end; at++)
        bits = bits << 8 | data[at];
    if (size == 4) {
        uint32_t single_bits = (uint32_t)bits;
        float single;
        memcpy(&single, &single_bits, 4);
        number = single;
        memcpy(&bits, &number, 8);
    } else {
        memcpy(&number, &bits, 8);
    }
    for (int i = 0; i < 8; i++)
        octets[i] = (uint8_t)(bits >> (56 - 8 * i));
    add_scalar(sha, FLOAT << 4, number != number ? not_a_number : octets, bits ? 8 : 0);
    return true;
}

/* Only decimals whose exponent and coefficient have no octet too many. */
static bool hash_decimal(Sha *sha, const uint8_t *data, Value value) {
    const uint8_t *body = data + value.begin;
    Py_ssize_t size = value.end - value.begin;
    if (size > 0 && !(body[0] & 0x80))
        return false;
    if (size == 2 && body[1] == 0)
        size = 1; /* a positive zero has no coefficient */
    if (size > 2 && !(body[1] & 0x7F) && !(body[2] & 0x80))
        return false;
    if (size == 1 && body[0] == 0x80)
        size = 0;
    add_scalar(sha, DECIMAL << 4, body, (size_t)size);
    return true;
}

/* Whether each number of a time is in its shortest encoding; see `_is_canonical_time`. */
static bool is_canonical_time(const uint8_t *body, Py_ssize_t size) {
    if (size < 3 || !(body[0] & 0x80) || !body[1] || body[1] & 0x80 || !(body[2] & 0x80))
        return false;
    for (Py_ssize_t i = 3; i < size && i < 8; i++)
        if (!(body[i] & 0x80))
            return false;
    if (size <= 5 || size == 8)
        return true;
    if (size < 8 || size > 17 || body[8] <= 0xC0)
        return false;
    if (size == 9 || (body[9] && !(body[9] & 0x80)))
        return true;
    return size > 10 && !body[9] && body[10] & 0x80;
}

static int compared(const void *left, const void *right) { return memcmp(left, right, HASH_SIZE); }

/* Put hashes in order; a struct has few fields, for which this is the quickest. */
static void sort_hashes(uint8_t (*hashes)[HASH_SIZE], size_t count) {
    uint8_t moved[HASH_SIZE];
    if (count > FEW_HASHES) {
        qsort(hashes, count, HASH_SIZE, compared);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        size_t to = i;
        while (to && compared(hashes[to - 1], hashes[i]) > 0)
            to--;
        if (to == i)
            continue;
        memcpy(moved, hashes[i], HASH_SIZE);
        memmove(hashes[to + 1], hashes[to], (i - to) * HASH_SIZE);
        memcpy(hashes[to], moved, HASH_SIZE);
    }
}

static bool push(Stack *stack, Sha *sha) {
    if (stack->count == stack->capacity) {
        size_t capacity = stack->capacity ? 2 * stack->capacity : 64;
        void *grown = PyMem_Realloc(stack->hashes, capacity * HASH_SIZE);
        if (grown == NULL)
            return false;
        stack->hashes = grown;
        stack->capacity = capacity;
    }
    sha_end(sha, stack->hashes[stack->count++]);
    return true;
}

/* A struct of the fields that have these hashes, which are put in order. */
static void add_struct(Sha *sha, uint8_t (*hashes)[HASH_SIZE], size_t count) {
    static const uint8_t opening[2] = {0x0B, STRUCT << 4};
    sha_add(sha, opening, 2);
    if (count) {
        sort_hashes(hashes, count);
        add_escaped(sha, hashes[0], count * HASH_SIZE);
    }
    sha_add(sha, &END, 1);
}

static bool hash_struct(Walk walk, Sha *sha, Value value, int depth) {
    Stack *stack = walk.stack;
    size_t first = stack->count;
    Py_ssize_t at = value.begin, name;
    Value member;
    while (at < value.end) {
        if (!field_at(walk.data, &at, value.end, &name, &member))
            return false;
        if (is_padding(member))
            continue;
        Sha field;
        sha_begin(&field);
        if (!add_symbol(walk, &field, name) || !hash_value(walk, &field, member, depth) ||
            !push(stack, &field))
            return false;
    }
    add_struct(sha, stack->hashes + first, stack->count - first);
    stack->count = first;
    return true;
}

static bool hash_sequence(Walk walk, Sha *sha, Value value, int depth) {
    uint8_t opening[2] = {BEGIN, value.descriptor & 0xF0};
    Value member;
    sha_add(sha, opening, 2);
    for (Py_ssize_t at = value.begin; at < value.end; at = member.end) {
        if (!value_at(walk.data, at, value.end, &member))
            return false;
        if (!is_padding(member) && !hash_value(walk, sha, member, depth))
            return false;
    }
    sha_add(sha, &END, 1);
    return true;
}

static bool hash_annotated(Walk walk, Sha *sha, Value value, int depth) {
    static const uint8_t opening[2] = {0x0B, ANNOTATION << 4};
    Py_ssize_t at, end, id;
    Value inner;
    if (!wrapped_at(walk.data, value, &at, &end, &inner))
        return false;
    sha_add(sha, opening, 2);
    while (at < end)
        if (!var_uint(walk.data, &at, end, &id) || !add_symbol(walk, sha, id))
            return false;
    if (!hash_value(walk, sha, inner, depth))
        return false;
    sha_add(sha, &END, 1);
    return true;
}

/* Add a value's serialization; False where Python has to look at it. */
static bool hash_value(Walk walk, Sha *sha, Value value, int depth) {
    const uint8_t *body = walk.data + value.begin;
    size_t size = (size_t)(value.end - value.begin);
    int code = code_of(value);
    Py_ssize_t id;
    if (is_null(value) && code != ANNOTATION) {
        int type = code == NEGATIVE_INT ? INT : code;
        add_scalar(sha, (uint8_t)(type << 4 | 15), NULL, 0);
        return true;
    }
    switch (code) {
    case BOOL:
        add_scalar(sha, value.descriptor, NULL, 0);
        return value.descriptor <= 0x11;
    case INT:
    case NEGATIVE_INT:
        hash_int(sha, walk.data, value);
        return true;
    case FLOAT:
        return hash_float(sha, walk.data, value);
    case DECIMAL:
        return hash_decimal(sha, walk.data, value);
    case TIMESTAMP:
        add_scalar(sha, TIMESTAMP << 4, body, size);
        return is_canonical_time(body, value.end - value.begin);
    case SYMBOL:
        return symbol_id(walk.data, value, &id) && add_symbol(walk, sha, id);
    case STRING:
    case CLOB:
    case BLOB:
        add_scalar(sha, value.descriptor & 0xF0, body, size);
        return true;
    case LIST:
    case SEXP:
        return depth < MAX_DEPTH && hash_sequence(walk, sha, value, depth + 1);
    case STRUCT:
        return depth < MAX_DEPTH && hash_struct(walk, sha, value, depth + 1);
    case ANNOTATION:
        return hash_annotated(walk, sha, value, depth);
    }
    return false;
}
