/* The hot loops over binary Ion, in C: hashing a value, finding what a container holds, and writing
 * it in another form.
 *
 * An accelerator, not a second implementation of the rules: each function gives the answer for
 * values that are written in the usual way, and None for everything else, damage included. Then the
 * walk in Python decides, which alone knows what is allowed and what is said of it. So a function
 * here has to be right only where it answers, and to read no byte outside of what it was given.
 *
 * Needs Python's headers and nothing else. It is built with the package, and by
 * `python -m qldbkit.journal.compiling`.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "containers.h"
#include "hashing.h"
#include "json.h"
#include "moments.h"
#include "proofs.h"
#include "readable.h"
#include "records.h"
#include "rows.h"
#include "shapes.h"
#include "summaries.h"
#include "symbols.h"

#define KERNEL_VERSION 13 /* what qldbkit.journal.kernel has to ask for */

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

static PyMethodDef functions[] = {
    {"ion_hash", ion_hash, METH_O, "The Ion hash of a span."},
    {"field_hash", FAST(field_hash), "The Ion hash of a field: its name and its value."},
    {"fields", fields, METH_O, "A struct's names and values."},
    {"written_fields", written_fields, METH_O, "A struct's names, and its fields as they stand."},
    {"read_struct", FAST(read_struct), "A struct's fields, each by its reader."},
    {"made", FAST(made), "A struct as an object of its form."},
    {"elements", elements, METH_O, "A list's or sexp's elements."},
    {"text", text, METH_O, "A string."},
    {"integer", integer, METH_O, "An int from 0."},
    {"blob", blob, METH_O, "A blob's bytes."},
    {"microseconds", microseconds, METH_O, "A timestamp in microseconds since 1970."},
    {"only_value", only_value, METH_O, "Where the only value begins, behind its symbols."},
    {"table_texts", table_texts, METH_O, "The texts of a symbol table that has nothing else."},
    {"used_texts", used_texts, METH_O, "The texts of the symbols that a value uses, by their ids."},
    {"standalone", standalone, METH_O, "A value with a table of the symbols that it uses."},
    {"without_revisions", FAST(without_revisions), "A block with its summaries alone."},
    {"row", FAST(row), "Values and spans as a row's fields, as PostgreSQL takes them."},
    {"row_arrays", FAST(row_arrays), "Such rows' fields as arrays, one for each column."},
    {"json_text", json_text, METH_O, "A value as the text of JSON."},
    {"readable", readable, METH_O, "Whether amazon.ion can read a value."},
    {"dot", FAST(dot), "Two hashes of 32 bytes combined."},
    {"merkle_root", merkle_root, METH_O, "The root of the tree over hashes of 32 bytes."},
    {"revision_hash", FAST(revision_hash), "Two spans' Ion hashes combined."},
    {"sound", FAST(sound), "The time and the bonds of a block in which every hash holds."},
    {"lone_structs", FAST(lone_structs), "Where structs with their symbols stand, in a row."},
    {"located", located, METH_O, "What puts a stream record in the order of its journal."},
    {NULL},
};

static const char *const ATTRIBUTE_TEXTS[] = {ATTRIBUTES(ATTRIBUTE_TEXT)};

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
    state->form = (PyTypeObject *)PyType_FromModuleAndSpec(self, &form_spec, NULL);
    if (!state->span || !state->form || !state->texts_name || !state->no_name ||
        !state->no_annotations)
        return -1;
    for (int name = 0; name < ATTRIBUTE_COUNT; name++)
        if (!(state->names[name] = PyUnicode_InternFromString(ATTRIBUTE_TEXTS[name])))
            return -1;
    if (PyModule_AddIntConstant(self, "VERSION", KERNEL_VERSION) < 0 ||
        PyModule_AddType(self, state->span) < 0)
        return -1;
    return PyModule_AddType(self, state->form);
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
    State *state = PyModule_GetState(self);
    Py_VISIT(state->span);
    Py_VISIT(state->form);
    return 0;
}

static int clear(PyObject *self) {
    State *state = PyModule_GetState(self);
    Py_CLEAR(state->span);
    Py_CLEAR(state->texts_name);
    Py_CLEAR(state->no_name);
    Py_CLEAR(state->no_annotations);
    Py_CLEAR(state->form);
    for (int name = 0; name < ATTRIBUTE_COUNT; name++)
        Py_CLEAR(state->names[name]);
    for (int place = 0; place < CACHED_TEXTS; place++)
        Py_CLEAR(state->cached_texts[place]);
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
