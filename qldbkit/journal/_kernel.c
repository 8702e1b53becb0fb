/* The hot loops over binary Ion, in C: hashing a value, and finding what a container holds.
 *
 * An accelerator, not a second implementation of the rules: each function gives the answer for
 * values that are written in the usual way, and None for everything else, damage included. Then the
 * walk in Python decides, which alone knows what is allowed and what is said of it. So a function
 * here has to be right only where it answers, and to read no byte outside of what it was given.
 *
 * Needs Python's headers and nothing else; `python -m qldbkit.journal.compiling` builds it.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(PORTABLE_SHA)
#define HAS_SHA_INSTRUCTIONS
#include <cpuid.h>
#include <immintrin.h>
#endif

#define KERNEL_VERSION 4 /* what qldbkit.journal.kernel has to ask for */
#define MAX_DEPTH 128    /* qldbkit.journal.binary.MAX_DEPTH */
#define VAR_UINT_OCTETS 4
#define HASH_SIZE 32
#define SYMBOL_TABLE 3 /* the symbol $ion_symbol_table */
#define FIRST_OWN_SYMBOL 10 /* behind Ion's system symbols */
#define MAX_SYMBOL 8192     /* larger ids are left to Python */

enum { NULLS, BOOL, INT, NEGATIVE_INT, FLOAT, DECIMAL, TIMESTAMP, SYMBOL, STRING, CLOB, BLOB, LIST,
       SEXP, STRUCT, ANNOTATION };

/* ---- SHA-256 (FIPS 180-4) ---------------------------------------------------------------- */

typedef struct {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64];
} Sha;

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotated(uint32_t word, int count) {
    return word >> count | word << (32 - count);
}

static inline uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* One round; the eight words change places by the order of the arguments. */
#define SHA_ROUND(a, b, c, d, e, f, g, h, i)                                                       \
    do {                                                                                           \
        uint32_t s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);                             \
        uint32_t s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);                             \
        uint32_t sum = h + s1 + (((f ^ g) & e) ^ g) + ROUND[i] + w[i];                             \
        d += sum;                                                                                  \
        h = sum + s0 + (((a | b) & c) | (a & b));                                                  \
    } while (0)

static void sha_block_portable(uint32_t *state, const uint8_t *block) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i += 8) {
        SHA_ROUND(a, b, c, d, e, f, g, h, i);
        SHA_ROUND(h, a, b, c, d, e, f, g, i + 1);
        SHA_ROUND(g, h, a, b, c, d, e, f, i + 2);
        SHA_ROUND(f, g, h, a, b, c, d, e, i + 3);
        SHA_ROUND(e, f, g, h, a, b, c, d, i + 4);
        SHA_ROUND(d, e, f, g, h, a, b, c, i + 5);
        SHA_ROUND(c, d, e, f, g, h, a, b, i + 6);
        SHA_ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

#ifdef HAS_SHA_INSTRUCTIONS
/* The same by the processor's own instructions, about six times as fast; two rounds each. */
__attribute__((target("sha,sse4.1"))) static void sha_block_native(uint32_t *state,
                                                                   const uint8_t *block) {
    const __m128i swap = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    __m128i w[4], low = _mm_loadu_si128((const __m128i *)state);
    __m128i high = _mm_loadu_si128((const __m128i *)(state + 4));
    low = _mm_shuffle_epi32(low, 0xB1);
    high = _mm_shuffle_epi32(high, 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    for (int i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i now = w[i % 4], last = w[(i + 3) % 4];
        __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)(ROUND + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        __m128i seventh = _mm_alignr_epi8(last, w[(i + 2) % 4], 4);
        now = _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) % 4]), seventh);
        w[i % 4] = _mm_sha256msg2_epu32(now, last);
    }
    low = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);
    high = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

static bool has_sha_instructions(void) {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 29 &&
           __builtin_cpu_supports("sse4.1");
}
#endif

static void (*sha_block)(uint32_t *state, const uint8_t *block) = sha_block_portable;

static void sha_begin(Sha *sha) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, initial, sizeof initial);
    sha->size = 0;
}

static void sha_add(Sha *sha, const uint8_t *data, size_t size) {
    size_t held = sha->size % 64;
    sha->size += size;
    if (held + size < 64) {
        memcpy(sha->block + held, data, size);
        return;
    }
    if (held) {
        memcpy(sha->block + held, data, 64 - held);
        sha_block(sha->state, sha->block);
        data += 64 - held;
        size -= 64 - held;
    }
    for (; size >= 64; data += 64, size -= 64)
        sha_block(sha->state, data);
    memcpy(sha->block, data, size);
}

static void sha_end(Sha *sha, uint8_t *hash) {
    size_t held = sha->size % 64;
    sha->block[held++] = 0x80;
    if (held > 56) {
        memset(sha->block + held, 0, 64 - held);
        sha_block(sha->state, sha->block);
        held = 0;
    }
    memset(sha->block + held, 0, 56 - held);
    for (int i = 0; i < 8; i++)
        sha->block[56 + i] = (uint8_t)(sha->size * 8 >> (56 - 8 * i));
    sha_block(sha->state, sha->block);
    for (int i = 0; i < HASH_SIZE; i++)
        hash[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- Where values begin and end ------------------------------------------------------------ */

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

/* ---- Ion hash ------------------------------------------------------------------------------ */

typedef struct {
    uint8_t (*hashes)[HASH_SIZE]; /* of the fields of all structs that are open */
    size_t count, capacity;
} Stack;

typedef struct {
    const uint8_t *data;
    PyObject *texts; /* the symbols in force: a tuple of str and None */
    Stack *stack;
} Walk;

static const uint8_t BEGIN = 0x0B, END = 0x0E;

static bool hash_value(Walk walk, Sha *sha, Value value, int depth);

static void add_escaped(Sha *sha, const uint8_t *data, size_t size) {
    static const uint8_t escape = 0x0C;
    size_t plain = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == 0x0B || data[i] == 0x0C || data[i] == 0x0E) {
            sha_add(sha, data + plain, i - plain);
            sha_add(sha, &escape, 1);
            plain = i;
        }
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

static bool hash_struct(Walk walk, Sha *sha, Value value, int depth) {
    static const uint8_t opening[2] = {0x0B, STRUCT << 4};
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
    sha_add(sha, opening, 2);
    if (stack->count > first) {
        qsort(stack->hashes[first], stack->count - first, HASH_SIZE, compared);
        add_escaped(sha, stack->hashes[first], (stack->count - first) * HASH_SIZE);
    }
    sha_add(sha, &END, 1);
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

/* ---- Spans --------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    PyObject *data, *context, *annotation_ids;
    Py_ssize_t start, end, body;
    unsigned char descriptor;
} Span;

typedef struct {
    PyTypeObject *span;
    PyObject *texts_name, *no_name, *no_annotations;
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

/* ---- What the module offers ---------------------------------------------------------------- */

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

static bool add_pair(State *state, Span *span, PyObject *texts, PyObject *found, Py_ssize_t id,
                     Value value) {
    PyObject *name = field_name(state, texts, id);
    PyObject *inner = name == NULL ? NULL : inner_span(state, span, value);
    PyObject *pair = inner == NULL ? NULL : PyTuple_Pack(2, name, inner);
    Py_XDECREF(inner);
    bool added = pair != NULL && PyList_Append(found, pair) == 0;
    Py_XDECREF(pair);
    return added;
}

static PyObject *fields(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    PyObject *texts = texts_of(state, span), *found = PyList_New(0);
    bool complete = texts != NULL && found != NULL;
    Py_ssize_t at = value.begin, name;
    while (complete && at < value.end)
        complete = field_at(octets_of(span), &at, value.end, &name, &member) &&
                   (is_padding(member) || add_pair(state, span, texts, found, name, member));
    Py_XDECREF(texts);
    return answered(found, complete);
}

static PyObject *written_fields(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    const char *data = PyBytes_AS_STRING(span->data);
    PyObject *texts = texts_of(state, span), *found = PyList_New(0);
    bool complete = texts != NULL && found != NULL;
    Py_ssize_t at = value.begin, begin = at, id;
    for (; complete && at < value.end; begin = at) {
        complete = field_at(octets_of(span), &at, value.end, &id, &member) && !is_padding(member);
        PyObject *name = complete ? field_name(state, texts, id) : NULL;
        PyObject *pair = name ? Py_BuildValue("Oy#", name, data + begin, at - begin) : NULL;
        complete = pair != NULL && PyList_Append(found, pair) == 0;
        Py_XDECREF(pair);
    }
    Py_XDECREF(texts);
    return answered(found, complete);
}

/* How `read_struct` reads a field; the same numbers as in qldbkit.journal.kernel. */
enum { READ_BY_CALL, READ_ITSELF, READ_TEXT, READ_NATURAL, READ_HASH, READ_BLOB };

static PyObject *natural_number(const uint8_t *data, Value value) {
    long long number = 0;
    if (code_of(value) != INT || is_null(value) || value.end - value.begin > 7)
        return NULL;
    for (Py_ssize_t at = value.begin; at < value.end; at++)
        number = number << 8 | data[at];
    return PyLong_FromLongLong(number);
}

static PyObject *blob_octets(const uint8_t *data, Value value) {
    if (code_of(value) != BLOB || is_null(value))
        return NULL;
    return PyBytes_FromStringAndSize((const char *)data + value.begin, value.end - value.begin);
}

static PyObject *string_text(const uint8_t *data, Value value) {
    if (code_of(value) != STRING || is_null(value))
        return NULL;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)data + value.begin,
                                          value.end - value.begin, NULL);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return text;
}

static PyObject *by_call(State *state, Span *outer, Value value, PyObject *read) {
    PyObject *inner = inner_span(state, outer, value);
    if (inner == NULL)
        return NULL;
    Py_INCREF(read);
    PyObject *made = PyObject_CallOneArg(read, inner);
    Py_DECREF(read);
    Py_DECREF(inner);
    if (made == NULL && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear(); /* Python reads it again, and says which field it was */
    return made;
}

/* A field's value by its reader, `(kind, slot, read, nullable)`; NULL to leave it to Python. */
static PyObject *read_member(State *state, Span *outer, Value value, long kind, PyObject *reader) {
    const uint8_t *data = octets_of(outer);
    Py_ssize_t size = value.end - value.begin;
    if (is_null(value) && PyTuple_GET_ITEM(reader, 3) == Py_True && code_of(value) != ANNOTATION)
        return Py_NewRef(Py_None);
    switch (kind) {
    case READ_BY_CALL:
        return by_call(state, outer, value, PyTuple_GET_ITEM(reader, 2));
    case READ_ITSELF:
        return inner_span(state, outer, value);
    case READ_TEXT:
        return string_text(data, value);
    case READ_NATURAL:
        return natural_number(data, value);
    case READ_HASH:
        return size == 0 || size == HASH_SIZE ? blob_octets(data, value) : NULL;
    case READ_BLOB:
        return blob_octets(data, value);
    }
    return NULL;
}

/* Read a field into its place in `values`; False to leave the struct to Python. */
static bool read_into(State *state, Span *outer, PyObject *values, Value value, PyObject *reader,
                      bool exact, uint64_t *seen) {
    if (!PyTuple_Check(reader) || PyTuple_GET_SIZE(reader) != 4)
        return false;
    long kind = PyLong_AsLong(PyTuple_GET_ITEM(reader, 0));
    Py_ssize_t slot = PyLong_AsSsize_t(PyTuple_GET_ITEM(reader, 1));
    if (PyErr_Occurred() || slot < 0 || slot >= 64 || slot >= PyList_GET_SIZE(values))
        return false;
    uint64_t bit = UINT64_C(1) << slot;
    if (exact && *seen & bit)
        return false;
    *seen |= bit;
    PyObject *made = read_member(state, outer, value, kind, reader);
    return made != NULL && PyList_SetItem(values, slot, made) == 0;
}

static PyObject *read_struct(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 5 || !PyDict_Check(arguments[1]) || !PyList_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "read_struct takes a span, readers, values and two more");
        return NULL;
    }
    Span *span = as_span(state, arguments[0]);
    unsigned long long needed = PyLong_AsUnsignedLongLong(arguments[3]);
    if (span == NULL || PyErr_Occurred())
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    bool exact = arguments[4] == Py_True;
    PyObject *texts = texts_of(state, span);
    PyObject *values = PyList_GetSlice(arguments[2], 0, PyList_GET_SIZE(arguments[2]));
    bool complete = texts != NULL && values != NULL;
    uint64_t seen = 0;
    Py_ssize_t at = value.begin, id;
    while (complete && at < value.end) {
        complete = field_at(octets_of(span), &at, value.end, &id, &member);
        if (!complete || is_padding(member))
            continue;
        PyObject *name = field_name(state, texts, id);
        PyObject *reader = name ? PyDict_GetItemWithError(arguments[1], name) : NULL;
        if (reader != NULL)
            complete = read_into(state, span, values, member, reader, exact, &seen);
        else
            complete = name != NULL && !exact && !PyErr_Occurred();
    }
    Py_XDECREF(texts);
    return answered(values, complete && (seen & needed) == needed);
}

static PyObject *elements(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value, member;
    if (!value_of(span, &value) || (code_of(value) != LIST && code_of(value) != SEXP) ||
        is_null(value))
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Py_ssize_t at = value.begin; complete && at < value.end; at = member.end) {
        complete = value_at(octets_of(span), at, value.end, &member);
        if (!complete || is_padding(member))
            continue;
        PyObject *inner = inner_span(state, span, member);
        complete = inner != NULL && PyList_Append(found, inner) == 0;
        Py_XDECREF(inner);
    }
    return answered(found, complete);
}

static PyObject *scalar(PyObject *self, PyObject *argument,
                        PyObject *(*read)(const uint8_t *data, Value value)) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value;
    PyObject *found = value_of(span, &value) ? read(octets_of(span), value) : NULL;
    return answered(found, found != NULL);
}

static PyObject *text(PyObject *self, PyObject *span) { return scalar(self, span, string_text); }
static PyObject *integer(PyObject *self, PyObject *span) {
    return scalar(self, span, natural_number);
}
static PyObject *blob(PyObject *self, PyObject *span) { return scalar(self, span, blob_octets); }

/* Days from 1970-01-01, by Howard Hinnant's `days_from_civil`; False where there is no such day. */
static bool days_of(int year, int month, int day, int64_t *days) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (leap && month == 2))
        return false;
    int shifted = month > 2 ? year : year - 1, era = shifted / 400, of_era = shifted - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    *days = era * INT64_C(146097) + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return true;
}

/* A fraction of a second of up to nine digits, in microseconds; those beyond are cut. */
static bool fraction_of(const uint8_t *body, Py_ssize_t size, int64_t *microseconds) {
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    int digits = size ? body[0] - 0xC0 : 0;
    *microseconds = 0;
    if (digits < 0 || digits > 9 || size > 5 || (size && !digits))
        return false;
    for (Py_ssize_t i = 1; i < size; i++)
        *microseconds = *microseconds << 8 | body[i];
    *microseconds = digits > 6 ? *microseconds / powers[digits - 6]
                               : *microseconds * powers[6 - digits];
    return true;
}

static PyObject *microseconds(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    if (span == NULL)
        return NULL;
    Value value;
    if (!value_of(span, &value) || code_of(value) != TIMESTAMP || is_null(value) ||
        span->body != span->start)
        Py_RETURN_NONE;
    const uint8_t *body = octets_of(span) + value.begin;
    Py_ssize_t size = value.end - value.begin, read = size < 8 ? size : 8;
    int fields[5] = {1, 1, 0, 0, 0}; /* month, day, hour, minute, second */
    int64_t days, fraction;
    if (!is_canonical_time(body, size))
        Py_RETURN_NONE;
    for (Py_ssize_t i = 3; i < read; i++)
        fields[i - 3] = body[i] & 0x7F;
    if (!days_of((body[1] << 7) | (body[2] & 0x7F), fields[0], fields[1], &days) ||
        !fraction_of(body + read, size - read, &fraction))
        Py_RETURN_NONE;
    int64_t seconds = ((days * 24 + fields[2]) * 60 + fields[3]) * 60 + fields[4];
    return PyLong_FromLongLong(seconds * 1000000 + fraction);
}

static PyObject *only_value(PyObject *self, PyObject *argument) {
    static const uint8_t marker[4] = {0xE0, 0x01, 0x00, 0xEA};
    (void)self;
    if (!PyBytes_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "bytes were expected");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(argument);
    Py_ssize_t size = PyBytes_GET_SIZE(argument), ids, ids_end, id;
    Value value, table;
    if (size < 4 || memcmp(data, marker, 4) || !value_at(data, 4, size, &value))
        Py_RETURN_NONE;
    if (code_of(value) == ANNOTATION) { /* one symbol table, annotated with nothing else */
        if (!wrapped_at(data, value, &ids, &ids_end, &table) || code_of(table) != STRUCT ||
            is_null(table) || !var_uint(data, &ids, ids_end, &id) || id != SYMBOL_TABLE ||
            ids != ids_end)
            Py_RETURN_NONE;
        if (!value_at(data, value.end, size, &value) || code_of(value) == ANNOTATION)
            Py_RETURN_NONE;
    }
    if (value.end != size || is_padding(value))
        Py_RETURN_NONE;
    return PyLong_FromSsize_t(value.at);
}

static PyObject *strings(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    if (count != 3 || !PyBytes_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "strings takes bytes and two offsets");
        return NULL;
    }
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(arguments[0]);
    Py_ssize_t at = PyLong_AsSsize_t(arguments[1]), end = PyLong_AsSsize_t(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    if (at < 0 || end > PyBytes_GET_SIZE(arguments[0]))
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Value value; complete && at < end; at = value.end) {
        complete = value_at(data, at, end, &value);
        if (!complete || is_padding(value))
            continue;
        bool is_text = code_of(value) == STRING && !is_null(value);
        PyObject *each = is_text ? string_text(data, value) : Py_NewRef(Py_None);
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

static PyObject *used_texts(PyObject *self, PyObject *argument) {
    State *state = PyModule_GetState(self);
    Span *span = as_span(state, argument);
    PyObject *texts = span == NULL ? NULL : texts_of(state, span), *found = NULL;
    if (texts == NULL)
        return NULL;
    Symbols symbols = {{0}, 0};
    Value value;
    const uint8_t *data = octets_of(span);
    bool complete = value_at(data, span->start, span->end, &value) && value.end == span->end &&
                    note_symbols(data, value, &symbols, 0) &&
                    symbols.highest < PyTuple_GET_SIZE(texts);
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

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

static PyMethodDef functions[] = {
    {"ion_hash", ion_hash, METH_O, "The Ion hash of a span."},
    {"field_hash", FAST(field_hash), "The Ion hash of a field: its name and its value."},
    {"fields", fields, METH_O, "A struct's names and values."},
    {"written_fields", written_fields, METH_O, "A struct's names, and its fields as they stand."},
    {"read_struct", FAST(read_struct), "A struct's fields, each by its reader."},
    {"elements", elements, METH_O, "A list's or sexp's elements."},
    {"text", text, METH_O, "A string."},
    {"integer", integer, METH_O, "An int from 0."},
    {"blob", blob, METH_O, "A blob's bytes."},
    {"microseconds", microseconds, METH_O, "A timestamp in microseconds since 1970."},
    {"only_value", only_value, METH_O, "Where the only value begins, behind its symbols."},
    {"strings", FAST(strings), "The strings of a list's representation; None for what is none."},
    {"used_texts", used_texts, METH_O, "The texts of the symbols that a value uses, by their ids."},
    {"dot", FAST(dot), "Two hashes of 32 bytes combined."},
    {NULL},
};

static int begin(PyObject *self) {
    State *state = PyModule_GetState(self);
#ifdef HAS_SHA_INSTRUCTIONS
    if (has_sha_instructions())
        sha_block = sha_block_native;
#endif
    state->span = (PyTypeObject *)PyType_FromModuleAndSpec(self, &span_spec, NULL);
    state->texts_name = PyUnicode_InternFromString("texts");
    state->no_name = PyUnicode_InternFromString("$0");
    state->no_annotations = PyTuple_New(0);
    if (!state->span || !state->texts_name || !state->no_name || !state->no_annotations)
        return -1;
    return PyModule_AddIntConstant(self, "VERSION", KERNEL_VERSION) < 0
               ? -1
               : PyModule_AddType(self, state->span);
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
    State *state = PyModule_GetState(self);
    Py_VISIT(state->span);
    return 0;
}

static int clear(PyObject *self) {
    State *state = PyModule_GetState(self);
    Py_CLEAR(state->span);
    Py_CLEAR(state->texts_name);
    Py_CLEAR(state->no_name);
    Py_CLEAR(state->no_annotations);
    return 0;
}

static void free_module(void *self) { clear(self); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, begin}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "qldbkit.journal._kernel",
    .m_doc = "The hot loops over binary Ion; see qldbkit.journal.kernel.",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
