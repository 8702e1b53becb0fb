/* A block in which every hash holds, and nothing is unusual. */

#pragma once

#include "hashing.h"
#include "moments.h"

/* A QLDB hash: 32 octets, or none. */
typedef struct {
    Py_ssize_t size;
    uint8_t octets[HASH_SIZE];
} Digest;

static bool digest_in(PyObject *object, Digest *digest) {
    if (object == NULL || !PyBytes_Check(object))
        return false;
    digest->size = PyBytes_GET_SIZE(object);
    if (digest->size != 0 && digest->size != HASH_SIZE)
        return false;
    memcpy(digest->octets, PyBytes_AS_STRING(object), (size_t)digest->size);
    return true;
}

static bool are_same(const Digest *one, const Digest *other) {
    return one->size == other->size && memcmp(one->octets, other->octets, (size_t)one->size) == 0;
}

/* QLDB's `dot`: an empty hash leaves the other. */
static void add_digest(Digest *sum, const Digest *other) {
    if (sum->size && other->size)
        combine(sum->octets, other->octets, sum->octets);
    else if (other->size)
        *sum = *other;
}

/* Hashes in a row, and the root of their tree. */
typedef struct {
    Digest *digests;
    Py_ssize_t count;
} Row;

static bool is_in(const Row *row, const Digest *digest) {
    for (Py_ssize_t at = 0; at < row->count; at++)
        if (are_same(&row->digests[at], digest))
            return true;
    return false;
}

/* The root of the tree over a row, which is lost over it; empty for none. */
static Digest root_of(Row row) {
    Digest none = {0};
    while (row.count > 1) {
        for (Py_ssize_t at = 0; at + 1 < row.count; at += 2) {
            add_digest(&row.digests[at], &row.digests[at + 1]);
            row.digests[at / 2] = row.digests[at];
        }
        if (row.count % 2)
            row.digests[row.count / 2] = row.digests[row.count - 1];
        row.count = (row.count + 1) / 2;
    }
    return row.count ? row.digests[0] : none;
}

static PyObject *named(State *state, PyObject *object, int name) {
    return object == NULL ? NULL : PyObject_GetAttr(object, state->names[name]);
}

/* An attribute that is a hash. */
static bool digest_of(State *state, PyObject *object, int name, Digest *digest) {
    PyObject *value = named(state, object, name);
    bool found = digest_in(value, digest);
    Py_XDECREF(value);
    return found;
}

static bool attributes_equal(State *state, PyObject *one, int name, PyObject *other,
                             int other_name) {
    PyObject *left = named(state, one, name), *right = named(state, other, other_name);
    bool equal = left != NULL && right != NULL && left != Py_None &&
                 PyObject_RichCompareBool(left, right, Py_EQ) == 1;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return equal;
}

/* Whether two of a block's parts name the same block. */
static bool addresses_equal(State *state, PyObject *one, PyObject *other) {
    PyObject *left = named(state, one, N_ADDRESS), *right = named(state, other, N_ADDRESS);
    bool equal = left != NULL && right != NULL && left != Py_None &&
                 attributes_equal(state, left, N_SEQUENCE_NO, right, N_SEQUENCE_NO) &&
                 attributes_equal(state, left, N_STRAND_ID, right, N_STRAND_ID);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return equal;
}

static bool is_none(State *state, PyObject *object, int name) {
    PyObject *value = named(state, object, name);
    Py_XDECREF(value);
    return value == Py_None;
}

static bool span_hash(State *state, PyObject *span, Digest *digest) {
    digest->size = HASH_SIZE;
    return span != NULL && span != Py_None && hashed(state, NULL, span, digest->octets);
}

static bool attribute_hash(State *state, PyObject *object, int name, Digest *digest) {
    PyObject *span = named(state, object, name);
    bool complete = span_hash(state, span, digest);
    Py_XDECREF(span);
    return complete;
}

/* A time; False where there is none, or it is left to Python. */
static bool span_time(State *state, PyObject *object, int64_t *time) {
    Span *span = object == NULL || object == Py_None ? NULL : as_span(state, object);
    return span != NULL && microseconds_of(span, time);
}

/* Whether a time is there, and not after the block's. */
static bool is_until(State *state, PyObject *object, int name, int64_t block_time) {
    PyObject *span = named(state, object, name);
    int64_t time;
    bool until = span_time(state, span, &time) && time <= block_time;
    Py_XDECREF(span);
    return until;
}

/* Whether a revision is the block's own, with its document's data or the deletion of it. */
static bool is_sound_revision(State *state, PyObject *revision, PyObject *summary,
                              PyObject *revision_summary, int64_t block_time, Digest *hash) {
    Digest found, data;
    PyObject *metadata = named(state, revision, N_METADATA);
    bool sound = metadata != NULL && metadata != Py_None &&
                 digest_of(state, revision, N_HASH, hash) &&
                 attributes_equal(state, revision_summary, N_HASH, revision, N_HASH) &&
                 attributes_equal(state, revision_summary, N_DOCUMENT_ID, metadata, N_ID) &&
                 addresses_equal(state, revision, summary) &&
                 attributes_equal(state, metadata, N_TX_ID, summary, N_TRANSACTION_ID) &&
                 is_none(state, revision, N_DATA_HASH) &&
                 is_until(state, metadata, N_TX_TIME_ION, block_time) &&
                 attribute_hash(state, metadata, N_ION, &found);
    if (sound && !is_none(state, revision, N_DATA)) {
        sound = attribute_hash(state, revision, N_DATA, &data);
        if (sound)
            add_digest(&found, &data);
    }
    Py_XDECREF(metadata);
    return sound && are_same(&found, hash);
}

/* Whether a revision's summary names its document; also its hash. */
static bool is_sound_summary(State *state, PyObject *revision_summary, Digest *hash) {
    return digest_of(state, revision_summary, N_HASH, hash) &&
           !is_none(state, revision_summary, N_DOCUMENT_ID) && !PyErr_Occurred();
}

/* Whether the revisions are those that the block names, each once, in its order; of none, NULL,
 * whether it names each by a hash that an entry binds. */
static bool are_sound_revisions(State *state, PyObject *revisions, PyObject *summary,
                                PyObject *summaries, int64_t block_time, const Row *entries) {
    Py_ssize_t count = PyTuple_GET_SIZE(summaries);
    if (revisions != NULL && PyTuple_GET_SIZE(revisions) != count)
        return false;
    if (!count)
        return true;
    Row row = {PyMem_Calloc((size_t)count, sizeof(Digest)), 0};
    bool sound = row.digests != NULL;
    for (; sound && row.count < count; row.count++) {
        PyObject *named = PyTuple_GET_ITEM(summaries, row.count);
        Digest hash;
        sound = is_sound_summary(state, named, &hash) &&
                (revisions == NULL ||
                 is_sound_revision(state, PyTuple_GET_ITEM(revisions, row.count), summary, named,
                                   block_time, &hash)) &&
                !is_in(&row, &hash);
        if (sound)
            row.digests[row.count] = hash;
    }
    if (sound) {
        Digest root = root_of(row);
        sound = is_in(entries, &root);
    }
    PyMem_Free(row.digests);
    return sound;
}

/* Whether the transaction is as it was hashed; also its commit digest. */
static bool is_sound_transaction(State *state, PyObject *info, PyObject *transaction_ion,
                                 int64_t block_time, const Row *entries, Digest *commit) {
    Digest hash, statement_digest;
    PyObject *statements = named(state, info, N_STATEMENTS);
    bool sound = statements != NULL && PyTuple_Check(statements) &&
                 attribute_hash(state, info, N_ION, &hash) && is_in(entries, &hash) &&
                 span_hash(state, transaction_ion, commit);
    for (Py_ssize_t at = 0; sound && at < PyTuple_GET_SIZE(statements); at++) {
        PyObject *statement = PyTuple_GET_ITEM(statements, at);
        sound = digest_of(state, statement, N_STATEMENT_DIGEST, &statement_digest) &&
                is_until(state, statement, N_START_TIME_ION, block_time);
        if (sound)
            add_digest(commit, &statement_digest);
    }
    Py_XDECREF(statements);
    return sound;
}

/* The hash of the struct that the header's fields are in. */
static bool header_hash(State *state, PyObject *header, Digest *digest) {
    uint8_t hashes[3][HASH_SIZE];
    PyObject *name, *span;
    Py_ssize_t at = 0;
    size_t count = 0;
    if (PyDict_GET_SIZE(header) != 3)
        return false;
    while (PyDict_Next(header, &at, &name, &span))
        if (count == 3 || !hashed(state, name, span, hashes[count++]))
            return false;
    Sha sha;
    sha_begin(&sha);
    add_struct(&sha, hashes, count);
    sha_end(&sha, digest->octets);
    digest->size = HASH_SIZE;
    return true;
}

/* A tuple of hashes as a row, which is the caller's to free. */
static bool row_of(PyObject *hashes, Row *row) {
    if (hashes == NULL || !PyTuple_Check(hashes) || !PyTuple_GET_SIZE(hashes))
        return false;
    row->digests = PyMem_Calloc((size_t)PyTuple_GET_SIZE(hashes), sizeof(Digest));
    row->count = 0;
    if (row->digests == NULL)
        return false;
    while (row->count < PyTuple_GET_SIZE(hashes) &&
           digest_in(PyTuple_GET_ITEM(hashes, row->count), &row->digests[row->count]))
        row->count++;
    return row->count == PyTuple_GET_SIZE(hashes);
}

/* Whether the entries' hash is theirs, and the block's hash that of it and the block before. */
static bool is_sound_chain(State *state, PyObject *summary, const Row *entries) {
    Digest entries_hash, previous, block_hash;
    if (!digest_of(state, summary, N_ENTRIES_HASH, &entries_hash) ||
        !digest_of(state, summary, N_PREVIOUS_BLOCK_HASH, &previous) ||
        !digest_of(state, summary, N_BLOCK_HASH, &block_hash))
        return false;
    Row copy = {PyMem_Calloc((size_t)entries->count, sizeof(Digest)), entries->count};
    if (copy.digests == NULL)
        return false;
    memcpy(copy.digests, entries->digests, (size_t)entries->count * sizeof(Digest));
    Digest root = root_of(copy);
    PyMem_Free(copy.digests);
    bool sound = are_same(&root, &entries_hash);
    add_digest(&entries_hash, &previous);
    return sound && are_same(&entries_hash, &block_hash);
}

/* What `sound` says of a block, or of its summary alone: its time, and whether entries bind its header and its commit. */
static PyObject *sound_block(State *state, PyObject *summary, PyObject *revisions, PyObject *header,
                             PyObject *summaries, PyObject *info, const Row *entries) {
    PyObject **names = state->names;
    PyObject *time_ion = PyDict_GetItemWithError(header, names[N_BLOCK_TIMESTAMP]);
    PyObject *transaction_ion = PyDict_GetItemWithError(header, names[N_TRANSACTION_ID_FIELD]);
    int64_t block_time;
    Digest bound, commit;
    if (transaction_ion == NULL || !span_time(state, time_ion, &block_time) ||
        !is_none(state, summary, N_REDACTION_INFO) || !is_sound_chain(state, summary, entries) ||
        !is_sound_transaction(state, info, transaction_ion, block_time, entries, &commit) ||
        !are_sound_revisions(state, revisions, summary, summaries, block_time, entries) ||
        !header_hash(state, header, &bound))
        return NULL;
    return Py_BuildValue("LNN", (long long)block_time, PyBool_FromLong(is_in(entries, &bound)),
                         PyBool_FromLong(is_in(entries, &commit)));
}

static PyObject *sound(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 2 || (arguments[1] != Py_None && !PyTuple_Check(arguments[1]))) {
        PyErr_SetString(PyExc_TypeError, "sound takes a summary and a tuple of revisions");
        return NULL;
    }
    PyObject *revisions = arguments[1] == Py_None ? NULL : arguments[1];
    PyObject *summary = arguments[0], *found = NULL;
    PyObject *hashes = named(state, summary, N_ENTRIES_HASH_LIST);
    PyObject *header = named(state, summary, N_HEADER);
    PyObject *info = named(state, summary, N_TRANSACTION_INFO);
    PyObject *summaries = named(state, summary, N_REVISION_SUMMARIES);
    Row entries = {NULL, 0};
    if (!PyErr_Occurred() && info != Py_None && PyDict_Check(header) && PyTuple_Check(summaries) &&
        row_of(hashes, &entries))
        found = sound_block(state, summary, revisions, header, summaries, info, &entries);
    PyMem_Free(entries.digests);
    Py_XDECREF(hashes);
    Py_XDECREF(header);
    Py_XDECREF(info);
    Py_XDECREF(summaries);
    return answered(found, found != NULL);
}
