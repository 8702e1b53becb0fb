/* Structs of known fields: as a list of values, and as objects made without their constructors.
 *
 * Each field has a reader, `(kind, place, read, nullable, form)`: how it is read, to which place of
 * what is made, by which function where that is Python's, whether null is read as None, and the form
 * of what is in it where it is a struct, or holds some.
 */

#pragma once

#include "containers.h"

/* The same numbers as in qldbkit.journal.kernel. */
enum { READ_BY_CALL, READ_ITSELF, READ_TEXT, READ_NATURAL, READ_HASH, READ_HASHES, READ_BLOB,
       READ_NATURALS, READ_FORM, READ_FORMS, READ_FORM_MAP };
enum { READER_KIND, READER_PLACE, READER_READ, READER_NULLABLE, READER_FORM, READER_SIZE };

#define MAX_PLACES 64

/* What structs of one kind are made into: an object whose class keeps its values in slots. */
typedef struct {
    PyObject_HEAD
    PyTypeObject *made;
    PyObject *readers;             /* by name; a field without one is left to Python */
    uint64_t needed;               /* places that must be filled */
    int places;
    Py_ssize_t offsets[MAX_PLACES]; /* of the places' slots in the object */
    long kinds[MAX_PLACES];         /* how the places' fields are read */
    Py_ssize_t span_offset;         /* of the slot for the struct itself; 0 for none */
    vectorcallfunc call;
} Form;

/* A struct that is being read. */
typedef struct {
    State *state;
    Span *outer;
    PyObject *texts;
} Reading;

static PyObject *made_of(Reading reading, Value value, Form *form);

static PyObject *by_call(Reading reading, Value value, PyObject *read) {
    PyObject *inner = inner_span(reading.state, reading.outer, value);
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

static bool is_hash_size(Py_ssize_t size) { return size == 0 || size == HASH_SIZE; }

static PyObject *hash_octets(const uint8_t *data, Value value) {
    return is_hash_size(value.end - value.begin) ? blob_octets(data, value) : NULL;
}

/* What one element of a list is read as. */
static PyObject *element_of(Reading reading, Value value, long kind, Form *form) {
    const uint8_t *data = octets_of(reading.outer);
    if (kind == READ_FORMS)
        return made_of(reading, value, form);
    return kind == READ_HASHES ? hash_octets(data, value) : natural_number(data, value);
}

/* A list, each of whose elements is read as the kind says, as a tuple. */
static PyObject *tuple_of(Reading reading, Value list, long kind, Form *form) {
    Value value;
    if (code_of(list) != LIST || is_null(list))
        return NULL;
    PyObject *found = PyList_New(0);
    bool complete = found != NULL;
    for (Py_ssize_t at = list.begin; complete && at < list.end; at = value.end) {
        complete = value_at(octets_of(reading.outer), at, list.end, &value);
        if (!complete || is_padding(value))
            continue;
        PyObject *element = element_of(reading, value, kind, form);
        complete = element != NULL && PyList_Append(found, element) == 0;
        Py_XDECREF(element);
    }
    PyObject *elements = complete ? PyList_AsTuple(found) : NULL;
    Py_XDECREF(found);
    return elements;
}

/* A struct, each of whose values has the form, as a dict by their names. */
static PyObject *map_of(Reading reading, Value value, Form *form) {
    Value member;
    if (code_of(value) != STRUCT || is_null(value))
        return NULL;
    PyObject *found = PyDict_New();
    bool complete = found != NULL;
    Py_ssize_t at = value.begin, id;
    while (complete && at < value.end) {
        complete = field_at(octets_of(reading.outer), &at, value.end, &id, &member);
        if (!complete || is_padding(member))
            continue;
        PyObject *name = field_name(reading.state, reading.texts, id);
        PyObject *made = name == NULL ? NULL : made_of(reading, member, form);
        complete = made != NULL && PyDict_SetItem(found, name, made) == 0;
        Py_XDECREF(made);
    }
    if (!complete)
        Py_CLEAR(found);
    return found;
}

static bool is_form(PyObject *object);

/* A field's value by its reader; NULL to leave it to Python. */
static PyObject *read_member(Reading reading, Value value, long kind, PyObject *reader) {
    const uint8_t *data = octets_of(reading.outer);
    Form *form = (Form *)PyTuple_GET_ITEM(reader, READER_FORM);
    if (is_null(value) && PyTuple_GET_ITEM(reader, READER_NULLABLE) == Py_True &&
        code_of(value) != ANNOTATION)
        return Py_NewRef(Py_None);
    if (kind >= READ_FORM && !is_form((PyObject *)form))
        return NULL;
    switch (kind) {
    case READ_BY_CALL:
        return by_call(reading, value, PyTuple_GET_ITEM(reader, READER_READ));
    case READ_ITSELF:
        return inner_span(reading.state, reading.outer, value);
    case READ_TEXT:
        return string_text(data, value);
    case READ_NATURAL:
        return natural_number(data, value);
    case READ_HASH:
        return hash_octets(data, value);
    case READ_BLOB:
        return blob_octets(data, value);
    case READ_HASHES:
    case READ_NATURALS:
    case READ_FORMS:
        return tuple_of(reading, value, kind, form);
    case READ_FORM:
        return made_of(reading, value, form);
    case READ_FORM_MAP:
        return map_of(reading, value, form);
    }
    return NULL;
}

/* The kind and the place of a reader among so many; False where it is none. */
static bool is_reader(PyObject *reader, Py_ssize_t places, long *kind, Py_ssize_t *place) {
    if (!PyTuple_Check(reader) || PyTuple_GET_SIZE(reader) != READER_SIZE)
        return false;
    *kind = PyLong_AsLong(PyTuple_GET_ITEM(reader, READER_KIND));
    *place = PyLong_AsSsize_t(PyTuple_GET_ITEM(reader, READER_PLACE));
    return !PyErr_Occurred() && *place >= 0 && *place < places && *place < MAX_PLACES;
}

/* Where what is read goes: the values of a list, or the slots of an object. */
typedef struct {
    PyObject *values, *object;
    const Form *form;
    Py_ssize_t places;
} Target;

static bool put(Target target, Py_ssize_t place, PyObject *made) {
    if (made == NULL)
        return false;
    if (target.values != NULL)
        return PyList_SetItem(target.values, place, made) == 0;
    PyObject **slot = (PyObject **)((char *)target.object + target.form->offsets[place]);
    Py_XSETREF(*slot, made);
    return true;
}

/* Read a struct's fields to their places; False to leave it to Python.
 *
 * `exact`: whether each name may be there once only, and no other. */
static bool read_fields(Reading reading, Value value, PyObject *readers, Target target, bool exact,
                        uint64_t *seen) {
    Py_ssize_t at = value.begin, id, place;
    Value member;
    long kind;
    *seen = 0;
    while (at < value.end) {
        if (!field_at(octets_of(reading.outer), &at, value.end, &id, &member))
            return false;
        if (is_padding(member))
            continue;
        PyObject *name = field_name(reading.state, reading.texts, id);
        PyObject *reader = name ? PyDict_GetItemWithError(readers, name) : NULL;
        if (reader == NULL) {
            if (name == NULL || exact || code_of(member) == ANNOTATION || PyErr_Occurred())
                return false;
            continue;
        }
        if (!is_reader(reader, target.places, &kind, &place))
            return false;
        uint64_t bit = UINT64_C(1) << place;
        if (exact && *seen & bit)
            return false;
        *seen |= bit;
        if (!put(target, place, read_member(reading, member, kind, reader)))
            return false;
    }
    return true;
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
    Value value;
    if (!value_of(span, &value) || code_of(value) != STRUCT || is_null(value))
        Py_RETURN_NONE;
    Py_ssize_t places = PyList_GET_SIZE(arguments[2]);
    Reading reading = {state, span, texts_of(state, span)};
    Target target = {PyList_GetSlice(arguments[2], 0, places), NULL, NULL, places};
    uint64_t seen = 0;
    bool complete = reading.texts != NULL && target.values != NULL &&
                    read_fields(reading, value, arguments[1], target, arguments[4] == Py_True, &seen);
    Py_XDECREF(reading.texts);
    return answered(target.values, complete && (seen & needed) == needed);
}

/* What stands for a field that is not there. */
static PyObject *missing(long kind) {
    if (kind == READ_FORM_MAP)
        return PyDict_New();
    bool listed = kind == READ_FORMS || kind == READ_HASHES || kind == READ_NATURALS;
    return listed ? PyTuple_New(0) : Py_NewRef(Py_None);
}

/* A struct as an object of its form; NULL to leave it to Python. */
static PyObject *made_of(Reading reading, Value value, Form *form) {
    if (code_of(value) != STRUCT || is_null(value))
        return NULL;
    PyObject *object = form->made->tp_alloc(form->made, 0);
    if (object == NULL)
        return NULL;
    Target target = {NULL, object, form, form->places};
    uint64_t seen;
    bool complete = read_fields(reading, value, form->readers, target, true, &seen) &&
                    (seen & form->needed) == form->needed;
    for (int place = 0; complete && place < form->places; place++)
        if (!(seen >> place & 1))
            complete = put(target, place, missing(form->kinds[place]));
    if (complete && form->span_offset) {
        PyObject *span = inner_span(reading.state, reading.outer, value);
        *(PyObject **)((char *)object + form->span_offset) = span;
        complete = span != NULL;
    }
    if (!complete)
        Py_CLEAR(object);
    return object;
}

static PyObject *made(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    State *state = PyModule_GetState(self);
    if (count != 2 || !is_form(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "made takes a form and a span");
        return NULL;
    }
    Span *span = as_span(state, arguments[1]);
    if (span == NULL)
        return NULL;
    Value value;
    if (!value_of(span, &value) || span->body != span->start)
        Py_RETURN_NONE;
    Reading reading = {state, span, texts_of(state, span)};
    PyObject *found = reading.texts == NULL ? NULL : made_of(reading, value, (Form *)arguments[0]);
    Py_XDECREF(reading.texts);
    return answered(found, found != NULL);
}

/* Where a class keeps the attribute that it has a slot for; -1 and an error where it has none. */
static Py_ssize_t slot_offset(PyTypeObject *type, PyObject *name) {
    PyObject *found = PyObject_GetAttr((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (found != NULL && Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        PyMemberDescrObject *slot = (PyMemberDescrObject *)found;
        if (slot->d_common.d_type == type && slot->d_member->type == T_OBJECT_EX)
            offset = slot->d_member->offset;
    }
    if (offset < 0 && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "%.100s has no slot %R", type->tp_name, name);
    Py_XDECREF(found);
    return offset;
}

/* Note the readers' kinds by their places; False and an error where they are none. */
static bool note_readers(Form *form, PyObject *readers, Py_ssize_t places) {
    PyObject *name, *reader;
    Py_ssize_t at = 0, place;
    long kind;
    while (PyDict_Next(readers, &at, &name, &reader)) {
        if (!PyUnicode_Check(name) || !is_reader(reader, places, &kind, &place)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "a form's readers are by name, each with a place");
            return false;
        }
        form->kinds[place] = kind;
    }
    return true;
}

/* Called as its class would be, with a value for each place. */
static PyObject *form_call(PyObject *self, PyObject *const *values, size_t count, PyObject *names) {
    Form *form = (Form *)self;
    if (form->made == NULL || PyVectorcall_NARGS(count) != form->places || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a form takes a value for each of its places");
        return NULL;
    }
    PyObject *object = form->made->tp_alloc(form->made, 0);
    for (int place = 0; object != NULL && place < form->places; place++)
        *(PyObject **)((char *)object + form->offsets[place]) = Py_NewRef(values[place]);
    return object;
}

static int form_init(Form *self, PyObject *arguments, PyObject *names) {
    static char *known[] = {"made", "readers", "needed", "attributes", "span", NULL};
    PyObject *made, *readers, *attributes, *span;
    unsigned long long needed;
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "O!O!KO!O", known, &PyType_Type, &made,
                                     &PyDict_Type, &readers, &needed, &PyTuple_Type, &attributes,
                                     &span))
        return -1;
    Py_ssize_t places = PyTuple_GET_SIZE(attributes);
    if (self->made != NULL || places > MAX_PLACES) {
        PyErr_SetString(PyExc_TypeError, "a form has up to 64 places, and cannot be changed");
        return -1;
    }
    if (!note_readers(self, readers, places))
        return -1;
    for (Py_ssize_t place = 0; place < places; place++) {
        self->offsets[place] =
            slot_offset((PyTypeObject *)made, PyTuple_GET_ITEM(attributes, place));
        if (self->offsets[place] < 0)
            return -1;
    }
    if (span != Py_None && (self->span_offset = slot_offset((PyTypeObject *)made, span)) < 0)
        return -1;
    self->readers = PyDict_Copy(readers);
    if (self->readers == NULL)
        return -1;
    self->needed = needed;
    self->places = (int)places;
    self->made = (PyTypeObject *)Py_NewRef(made);
    self->call = form_call;
    return 0;
}

static void form_dealloc(Form *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->made);
    Py_XDECREF(self->readers);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef form_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Form, call), READONLY, NULL},
    {NULL},
};

static PyType_Slot form_slots[] = {
    {Py_tp_doc, "What structs of one kind are made into."},
    {Py_tp_members, form_members},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_init, form_init},
    {Py_tp_dealloc, form_dealloc},
    {0, NULL},
};

static PyType_Spec form_spec = {
    .name = "qldbkit.journal._kernel.Form",
    .basicsize = sizeof(Form),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = form_slots,
};

/* Whether it is a form that was begun; its type is final. */
static bool is_form(PyObject *object) {
    return Py_TYPE(object)->tp_dealloc == (destructor)form_dealloc &&
           ((Form *)object)->made != NULL;
}
