/*
 * A cache in front of libc's allocator. Reference counting allocates and frees many small blocks within one request;
 * musl takes some 400 instructions for each, and maps and unmaps a page whenever the only block of its kind goes. Here
 * a freed block waits on a list of its size for the next request. The lists are bounded, and emptied before a long wait.
 * build.sh compiles the program and the compiler's runtime to call these in place of malloc(3); static binaries only.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define UNIT 16
#define LISTS 33 /* blocks up to 512 bytes */
#define BLOCKS_PER_LIST 32

struct block { struct block *next; };

static struct { struct block *first; size_t count; } lists[LISTS];

/* The list whose blocks hold at least size bytes. */
static size_t list_for(size_t size) { return size == 0 ? 1 : (size + UNIT - 1) / UNIT; }

static void *take(size_t size) {
  size_t list = list_for(size);
  if (list >= LISTS || lists[list].first == NULL) return NULL;
  struct block *block = lists[list].first;
  lists[list].first = block->next;
  lists[list].count--;
  return block;
}

void *cached_malloc(size_t size) {
  void *block = take(size);
  return block != NULL ? block : malloc(size);
}

void *cached_calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *block = take(bytes);
  return block != NULL ? memset(block, 0, bytes) : calloc(count, size);
}

void cached_free(void *pointer) {
  if (pointer == NULL) return;
  size_t list = malloc_usable_size(pointer) / UNIT;
  if (list == 0 || list >= LISTS || lists[list].count >= BLOCKS_PER_LIST) {
    free(pointer);
    return;
  }
  struct block *block = pointer;
  block->next = lists[list].first;
  lists[list].first = block;
  lists[list].count++;
}

/* Gives every waiting block back to libc. */
void cache_flush(void) {
  for (size_t list = 0; list < LISTS; list++) {
    while (lists[list].first != NULL) {
      struct block *block = lists[list].first;
      lists[list].first = block->next;
      free(block);
    }
    lists[list].count = 0;
  }
}
