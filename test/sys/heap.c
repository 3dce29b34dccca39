/* Drives the allocator cache with random calls, every block filled with a pattern of its own. heap.test.ts runs it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
/* cache.c looks into musl's allocator, of which there is nothing here. */
_Alignas(16) char __malloc_context[256];
const unsigned short __malloc_size_classes[48];
#endif

void *cached_malloc(size_t size);
void *cached_calloc(size_t count, size_t size);
void *cached_realloc(void *pointer, size_t size);
void cached_free(void *pointer);
void cache_flush(void);

#define BLOCKS 400

static struct { unsigned char *at; size_t size; unsigned char fill; } blocks[BLOCKS];
static uint32_t state = 1;

static uint32_t next(uint32_t bound) {
  state ^= state << 13; state ^= state >> 17; state ^= state << 5;
  return state % bound;
}

static void expect(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void check(int i, size_t size) {
  for (size_t k = 0; k < size; k++) expect(blocks[i].at[k] == blocks[i].fill, "a block was overwritten");
}

int main(void) {
  for (int step = 0; step < 400000; step++) {
    int i = (int)next(BLOCKS);
    size_t size = next(8) == 0 ? next(5000) : next(600);
    if (blocks[i].at != NULL) check(i, blocks[i].size);
    switch (next(5)) {
      case 0:
        cached_free(blocks[i].at);
        blocks[i].at = cached_malloc(size);
        break;
      case 1: {
        cached_free(blocks[i].at);
        size_t each = next(7) + 1;
        size -= size % each;
        blocks[i].at = cached_calloc(size / each, each);
        for (size_t k = 0; k < size; k++) expect(blocks[i].at[k] == 0, "calloc gave a block that is not zero");
        break;
      }
      case 2: {
        size_t kept = blocks[i].at == NULL ? 0 : blocks[i].size < size ? blocks[i].size : size;
        blocks[i].at = cached_realloc(blocks[i].at, size == 0 ? 1 : size);
        check(i, kept);
        break;
      }
      case 3:
        cached_free(blocks[i].at);
        blocks[i].at = NULL;
        size = 0;
        break;
      default:
        if (next(500) == 0) cache_flush();
        continue;
    }
    expect(blocks[i].at == NULL || (uintptr_t)blocks[i].at % 8 == 0, "a block is not aligned");
    expect(blocks[i].at != NULL || size == 0, "no memory");
    blocks[i].size = size;
    blocks[i].fill = (unsigned char)next(256);
    if (blocks[i].at != NULL) memset(blocks[i].at, blocks[i].fill, size);
  }
  expect(cached_calloc(SIZE_MAX / 2, 3) == NULL, "an overflow was not refused");
  for (int i = 0; i < BLOCKS; i++) cached_free(blocks[i].at);
  cache_flush();
  return 0;
}
