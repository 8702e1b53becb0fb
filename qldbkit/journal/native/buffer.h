/* Octets that are written one after the other, without knowing how many there will be. */

#pragma once

#include <Python.h>
#include <stdbool.h>

typedef struct {
    char *octets; /* to be freed with PyMem_Free */
    size_t size, capacity;
} Buffer;

/* Room for so many octets behind what is written; NULL where there is no memory. */
static char *room_in(Buffer *buffer, size_t size) {
    if (size >= buffer->capacity - buffer->size) {
        size_t capacity = 2 * (buffer->size + size) + 256;
        char *grown = PyMem_Realloc(buffer->octets, capacity);
        if (grown == NULL)
            return NULL;
        buffer->octets = grown;
        buffer->capacity = capacity;
    }
    return buffer->octets + buffer->size;
}
