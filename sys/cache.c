/*
 * A cache in front of libc's allocator. Reference counting allocates and frees many small blocks within one request;
 * musl takes some 400 instructions for each, maps and unmaps a page whenever the only block of its kind goes, and needs
 * a page for every kind to begin with. Here a freed block waits on a list of its size for the next request, and the
 * first blocks of all are cut from a reserve. The lists are bounded, and what is libc's on them goes back before a long
 * wait. build.sh compiles the program and the compiler's runtime to call these in place of malloc(3); static binaries
 * only. What libc allocates by itself, as strdup(3) does, must not be freed here. Blocks are aligned to 8 bytes, not to 16:
 * nothing that the compiler or its runtime allocates is wider than a double or a pointer.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define UNIT 16
#define LISTS 36 /* list n holds blocks of n * UNIT - HEADER bytes */
#define BLOCKS_PER_LIST 32
#define RESERVE_BYTES (12 * 1024)

struct block { struct block *next; };
struct list { struct block *first; size_t count; };

/* Before each block: its list, or 0 for one that no list takes. With what libc needs itself a unit is not exceeded. */
struct header { size_t list; };
_Static_assert(sizeof(struct header) % _Alignof(double) == 0, "blocks are aligned for what is in them");
#define HEADER sizeof(struct header)
#define LIBC_BYTES 4

static struct list from_libc[LISTS], from_reserve[LISTS];
static _Alignas(UNIT) __attribute__((section(".bss.large"))) unsigned char reserve[RESERVE_BYTES];
static size_t reserved;

static int is_reserve(const void *pointer) { return (uintptr_t)pointer - (uintptr_t)reserve < RESERVE_BYTES; }

static struct header *header_of(void *pointer) { return (struct header *)pointer - 1; }

/* The list whose blocks hold at least size bytes, and the place of one that waits. */
static size_t list_for(size_t size) {
  if (size < sizeof(struct block)) size = sizeof(struct block);
  return (size + HEADER + LIBC_BYTES + UNIT - 1) / UNIT;
}

/* The bytes that a block of a list holds. */
static size_t room_of(size_t list) { return list * UNIT - HEADER - LIBC_BYTES; }

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

/* A waiting or reserved block of a list, or NULL. */
static void *take(size_t list) {
  void *block = pop(&from_libc[list]);
  if (block == NULL) block = pop(&from_reserve[list]);
  if (block != NULL || reserved + list * UNIT > RESERVE_BYTES) return block;
  struct header *header = (struct header *)(void *)(reserve + reserved);
  header->list = list;
  reserved += list * UNIT;
  return header + 1;
}

/* Puts the header before what libc has allocated for it and a block. */
static void *headed(struct header *header, size_t list) {
  if (header == NULL) return NULL;
  header->list = list;
  return header + 1;
}

void *cached_malloc(size_t size) {
  if (size > SIZE_MAX - UNIT * 2) return NULL;
  size_t list = list_for(size);
  if (list >= LISTS) return headed(malloc(size + HEADER), 0);
  void *block = take(list);
  return block != NULL ? block : headed(malloc(HEADER + room_of(list)), list);
}

void *cached_calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - UNIT * 2) return NULL;
  /* libc knows which pages are zero already. */
  if (list_for(bytes) >= LISTS) return headed(calloc(1, bytes + HEADER), 0);
  void *block = cached_malloc(bytes);
  return block != NULL ? memset(block, 0, bytes) : NULL;
}

void cached_free(void *pointer) {
  if (pointer == NULL) return;
  struct header *header = header_of(pointer);
  size_t list = header->list;
  if (is_reserve(pointer)) push(&from_reserve[list], pointer);
  else if (list == 0 || from_libc[list].count >= BLOCKS_PER_LIST) free(header);
  else push(&from_libc[list], pointer);
}

void *cached_realloc(void *pointer, size_t size) {
  if (pointer == NULL) return cached_malloc(size);
  struct header *header = header_of(pointer);
  size_t list = header->list;
  if (list == 0) return size > SIZE_MAX - UNIT * 2 ? NULL : headed(realloc(header, size + HEADER), 0);
  if (size <= room_of(list)) return pointer;
  void *moved = cached_malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, pointer, room_of(list));
  cached_free(pointer);
  return moved;
}

/*
 * What musl's allocator keeps of its groups of slots; src/malloc/mallocng/meta.h of musl 1.2.3. A group goes back to the
 * kernel only as a whole: after a burst a string or two keep 64 kB resident.
 */
struct meta {
  struct meta *prev, *next;
  unsigned char *group;
  int available, freed;
  uintptr_t last : 5, freeable : 1, class : 6, pages : 8 * sizeof(uintptr_t) - 12;
};
struct area { uint64_t check; struct area *next; int count; struct meta metas[]; };
enum { SLOT_UNIT = 16, SLOT_HEADER = 4, CLASSES = 48, AREA_BYTES = 4096, PAGE_UNIT = 4096 };
struct context {
  uint64_t secret;
#ifndef PAGESIZE
  size_t page;
#endif
  int is_ready;
  unsigned counter;
  struct meta *free, *next;
  size_t unused, unused_areas, shift;
  struct area *first, *last;
  unsigned char *next_area;
  struct meta *active[CLASSES];
};
extern struct context __malloc_context;
extern const uint16_t __malloc_size_classes[];

#define AREA_METAS ((AREA_BYTES - sizeof(struct area)) / sizeof(struct meta))

static struct area *area_at(size_t index) { return (struct area *)((uintptr_t)__malloc_context.first + index * AREA_BYTES); }

static struct meta *meta_at(size_t index) { return &area_at(index / AREA_METAS)->metas[index % AREA_METAS]; }

/* A group's head and its neighbours on the list of its class are all that point to it. */
static void move(struct meta *from, struct meta *to) {
  *to = *from;
  *(struct meta **)to->group = to;
  if (to->class < CLASSES && __malloc_context.active[to->class] == from) __malloc_context.active[to->class] = to;
  if (to->next == from) to->next = to->prev = to;
  else if (to->next != NULL) to->next->prev = to->prev->next = to;
  from->group = NULL;
}

/*
 * Moves what is kept of groups to the front of the areas, and gives the pages of the others back. Musl never does: what it
 * keeps of the thousands of groups of a burst would stay. They must be beside each other, as they are unless brk(2) fails.
 */
static void compact(uintptr_t page) {
  struct context *context = &__malloc_context;
  size_t areas = 0, count = 0, end;
  for (struct area *area = context->first; area != NULL; area = area->next) if (area != area_at(areas++)) return;
  if (areas < 2) return;
  for (end = areas * AREA_METAS - context->unused;;) {
    while (count < end && meta_at(count)->group != NULL) count++;
    while (count < end && meta_at(end - 1)->group == NULL) end--;
    if (count == end) break;
    move(meta_at(--end), meta_at(count++));
  }
  if (count == 0) return;
  size_t kept = (count + AREA_METAS - 1) / AREA_METAS;
  unsigned char *rest = (unsigned char *)area_at(kept), *limit = context->next_area + context->unused_areas * AREA_BYTES;
  context->free = NULL;
  context->last = area_at(kept - 1);
  context->last->next = NULL;
  context->unused = kept * AREA_METAS - count;
  /* Behind the last one where an area is full: it is not looked at then. */
  context->next = context->last->metas + (AREA_METAS - context->unused);
  context->next_area = rest;
  context->unused_areas = (size_t)(limit - rest) / AREA_BYTES;
  uintptr_t start = ((uintptr_t)rest + page - 1) & -page;
  if (start < (uintptr_t)limit) madvise((void *)start, (uintptr_t)limit - start, MADV_DONTNEED);
}

/* The record of the group that a slot holds, or NULL where it holds a block. */
static const struct meta *group_in(uintptr_t slot) {
  const struct meta *meta = *(struct meta **)slot;
  for (const struct area *area = __malloc_context.first; area != NULL; area = area->next) {
    if ((uintptr_t)meta - (uintptr_t)area->metas < area->count * sizeof *meta && (uintptr_t)meta->group == slot) return meta;
  }
  return NULL;
}

/* Bytes from start to end are used, and none from *unused to start: the pages that lie whole in these are given back. */
static void use(uintptr_t *unused, uintptr_t start, uintptr_t end, uintptr_t page) {
  uintptr_t from = (*unused + page - 1) & -page, to = start & -page;
  if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
  *unused = end;
}

/* Goes through a group and those in its slots, upwards. A slot that is all zeros is like one that never was used. */
static void give_back(const struct meta *meta, uintptr_t *unused, uintptr_t page) {
  size_t stride = (size_t)SLOT_UNIT * __malloc_size_classes[meta->class];
  uintptr_t slot = (uintptr_t)meta->group + SLOT_UNIT;
  unsigned free = (unsigned)(meta->available | meta->freed);
  use(unused, (uintptr_t)meta->group, slot, page);
  for (size_t i = 0; i <= meta->last; i++, slot += stride) {
    if (free >> i & 1) continue;
    const struct meta *inner = group_in(slot);
    /* Its header stands at the end of the slot before. */
    use(unused, slot - SLOT_HEADER, inner != NULL ? slot : slot + stride - SLOT_HEADER, page);
    if (inner != NULL) give_back(inner, unused, page);
  }
}

/* Gives the waiting blocks of libc's back to it, and what it does not use to the kernel. */
void cache_flush(void) {
  for (size_t list = 0; list < LISTS; list++) {
    for (void *block = pop(&from_libc[list]); block != NULL; block = pop(&from_libc[list])) free(header_of(block));
  }
  uintptr_t page = getauxval(AT_PAGESZ);
  compact(page);
  for (const struct area *area = __malloc_context.first; area != NULL && area->check == __malloc_context.secret; area = area->next) {
    for (int i = 0; i < area->count; i++) {
      const struct meta *meta = &area->metas[i];
      if (meta->group == NULL || meta->pages == 0 || meta->class >= CLASSES) continue;
      uintptr_t unused = (uintptr_t)meta->group, end = unused + meta->pages * PAGE_UNIT;
      give_back(meta, &unused, page);
      use(&unused, end, end, page);
    }
  }
}
