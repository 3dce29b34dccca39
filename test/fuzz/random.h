/* What the fuzzers share: randomness, and a stream under construction. */

#include <stdint.h>
#include <string.h>

enum { CAPACITY = 1 << 18 };

/* --- randomness ------------------------------------------------------------------------------ */

typedef struct { uint64_t state; } Random;

static uint64_t mix(uint64_t x) {
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t next(Random *r) { return mix(r->state += 0x632be59bd9b4e019u); }
static size_t below(Random *r, size_t bound) { return bound ? next(r) % bound : 0; }

/* --- a stream under construction ------------------------------------------------------------- */

typedef struct { uint8_t bytes[CAPACITY]; size_t length; } Stream;

static void put(Stream *s, const void *bytes, size_t count) {
	if (count > CAPACITY - s->length) count = CAPACITY - s->length;
	memcpy(s->bytes + s->length, bytes, count);
	s->length += count;
}

static void insert(Stream *s, size_t at, const void *bytes, size_t count) {
	if (at > s->length || count > CAPACITY - s->length) return;
	memmove(s->bytes + at + count, s->bytes + at, s->length - at);
	memcpy(s->bytes + at, bytes, count);
	s->length += count;
}

static void delete(Stream *s, size_t at, size_t count) {
	if (at + count > s->length) count = s->length - at;
	memmove(s->bytes + at, s->bytes + at + count, s->length - at - count);
	s->length -= count;
}

/* Nothing but noise. */
static void put_noise(Stream *s, Random *r) {
	for (size_t i = below(r, 2000); i > 0; i--) {
		uint8_t byte = next(r);
		put(s, &byte, 1);
	}
}
