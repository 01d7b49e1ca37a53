/* Memory of NumPy's arrays between pages that may not be read, for guarded.py:

       [ length, size ] [ no access ] [ numbers ] [ no access ]

   Arrays end where the last page begins, or begin where the first one ends. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

int behind = 1;

static size_t *note_of(void *numbers) {
    return (size_t *)((uintptr_t)numbers / PAGE * PAGE - 2 * PAGE);
}

static void *allocate(size_t size, int byte) {
    size = size ? size : 1;
    size_t room = (size + PAGE - 1) / PAGE * PAGE, length = room + 3 * PAGE;
    char *base = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return NULL;
    mprotect(base, PAGE, PROT_READ | PROT_WRITE);
    mprotect(base + 2 * PAGE, room, PROT_READ | PROT_WRITE);
    ((size_t *)base)[0] = length;
    ((size_t *)base)[1] = size;
    char *numbers = base + 2 * PAGE + (behind ? room - size : 0);
    if (byte) memset(numbers, byte, size);
    return numbers;
}

/* What nobody has set is NaN. */
void *guarded_malloc(void *context, size_t size) { return allocate(size, 0xFF); }

void *guarded_calloc(void *context, size_t count, size_t size) { return allocate(count * size, 0); }

void guarded_free(void *context, void *numbers, size_t size) {
    if (numbers) munmap(note_of(numbers), note_of(numbers)[0]);
}

void *guarded_realloc(void *context, void *numbers, size_t size) {
    void *moved = allocate(size, 0xFF);
    if (numbers && moved) {
        size_t before = note_of(numbers)[1];
        memcpy(moved, numbers, before < size ? before : size);
        guarded_free(context, numbers, before);
    }
    return moved;
}
