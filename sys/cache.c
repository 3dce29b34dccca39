/*
 * A cache in front of libc's allocator. Reference counting allocates and frees many small blocks within one request;
 * musl takes some 400 instructions for each, maps and unmaps a page whenever the only block of its kind goes, and needs
 * a page for every kind to begin with. Here a freed block waits on a list of its size for the next request, and the
 * first blocks of all are cut from a reserve. The lists are bounded, and what is libc's on them goes back before a long
 * wait. build.sh compiles the program and the compiler's runtime to call these in place of malloc(3); static binaries
 * only.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNIT 16
#define LISTS 33 /* list n holds blocks of at least n * UNIT - WORD bytes */
#define BLOCKS_PER_LIST 32
#define WORD sizeof(size_t)
#define RESERVE_BYTES (12 * 1024)

struct block { struct block *next; };
struct list { struct block *first; size_t count; };

static struct list from_libc[LISTS], from_reserve[LISTS];

/* A block of the reserve: its list in the word before it. */
static _Alignas(UNIT) unsigned char reserve[RESERVE_BYTES];
static size_t reserved = WORD;

static int is_reserve(const void *pointer) {
  return (uintptr_t)pointer - (uintptr_t)reserve < RESERVE_BYTES;
}

static size_t list_of_reserve(const void *pointer) { return ((const size_t *)pointer)[-1]; }

/* The list whose blocks hold at least size bytes. */
static size_t list_for(size_t size) { return (size + WORD + UNIT - 1) / UNIT; }

static void *pop(struct list *list) {
  struct block *block = list->first;
  if (block == NULL) return NULL;
  list->first = block->next;
  list->count--;
  return block;
}

static void push(struct list *list, void *pointer) {
  struct block *block = pointer;
  block->next = list->first;
  list->first = block;
  list->count++;
}

/* A waiting or reserved block of at least size bytes, or NULL. */
static void *take(size_t size) {
  size_t list = list_for(size);
  if (list >= LISTS) return NULL;
  void *block = pop(&from_libc[list]);
  if (block == NULL) block = pop(&from_reserve[list]);
  if (block != NULL || reserved + list * UNIT > RESERVE_BYTES) return block;
  size_t *word = (size_t *)(void *)(reserve + reserved);
  *word = list;
  reserved += list * UNIT;
  return word + 1;
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
  if (is_reserve(pointer)) {
    push(&from_reserve[list_of_reserve(pointer)], pointer);
    return;
  }
  /* Rounded down: what the block surely holds. */
  size_t list = (malloc_usable_size(pointer) + WORD) / UNIT;
  if (list == 0 || list >= LISTS || from_libc[list].count >= BLOCKS_PER_LIST) free(pointer);
  else push(&from_libc[list], pointer);
}

void *cached_realloc(void *pointer, size_t size) {
  if (!is_reserve(pointer)) return pointer == NULL ? cached_malloc(size) : realloc(pointer, size);
  size_t old = list_of_reserve(pointer) * UNIT - WORD;
  if (size <= old) return pointer;
  void *moved = cached_malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, pointer, old);
  cached_free(pointer);
  return moved;
}

/* Gives the waiting blocks of libc's back to it. */
void cache_flush(void) {
  for (size_t list = 0; list < LISTS; list++) {
    for (void *block = pop(&from_libc[list]); block != NULL; block = pop(&from_libc[list])) free(block);
  }
}
