/* What the fuzzer of frames sends: seeds that are valid requests of the SmolVM control channel, and what it does to them. */

#include <stdio.h>

#include "random.h"

enum { JSON = 1, DATA = 4, END = 5 };

static void put_frame(Stream *s, int type, const void *payload, size_t length) {
	uint8_t head[5] = {type, length >> 24, length >> 16, length >> 8, length};
	put(s, head, 5);
	put(s, payload, length);
}

static void put_json(Stream *s, const char *text) { put_frame(s, JSON, text, strlen(text)); }

/* Valid requests; `payload` is the number of DATA bytes that follow, -1 for no upload. */
static const struct { const char *json; int payload; int weight; } seeds[] = {
	{"{\"op\": \"ping\", \"v\": 1}", -1, 20},
	{"{\"op\":\"ping\"}", -1, 10},
	{"{\"op\": \"ping\", \"v\": 2}", -1, 3},
	{"{\"op\": \"frobnicate\", \"v\": 1}", -1, 3},
	{"{\"v\": 1.0, \"op\": \"p\\u0069ng\", \"x\": [1, -2.5e3, true, null, {\"a\": \"\\ud83d\\ude00\\n\"}]}", -1, 12},
	{"{\"op\": \"run\", \"v\": 1, \"cmd\": \":\", \"shell\": \"raw\", \"timeout\": 0.05, \"env\": {\"A\": \"b\", \"C\": 1.5}}", -1, 3},
	{"{\"op\": \"run\", \"v\": 1, \"cmd\": \"true\", \"shell\": \"login\", \"timeout\": 1.0, \"env\": null}", -1, 2},
	{"{\"op\": \"run\", \"cmd\": \"echo \\u00e9\", \"shell\": \"raw\", \"env\": {\"X\": true, \"Y\": null}}", -1, 2},
	{"{\"op\": \"run\", \"v\": 1, \"cmd\": \"\"}", -1, 4},
	{"{\"op\": \"put_file\", \"v\": 1, \"path\": \"f1\", \"size\": 10, \"mode\": 420}", 10, 14},
	{"{\"op\": \"put_file\", \"v\": 1, \"path\": \"a/../f2\", \"size\": 70000.0, \"mode\": null}", 70000, 3},
	{"{\"op\": \"put_file\", \"path\": \"missing/f3\", \"size\": \"100\"}", 100, 6},
	{"{\"op\": \"put_file\", \"v\": 1, \"path\": \"f4\", \"size\": 0}", 0, 6},
	{"{\"op\": \"get_file\", \"v\": 1, \"path\": \"f1\"}", -1, 10},
	{"{\"op\": \"get_file\", \"v\": 1, \"path\": \"f2\"}", -1, 6},
	{"{\"op\": \"get_file\", \"v\": 1, \"path\": \"missing\"}", -1, 6},
	{"{\"op\": \"get_file\", \"path\": \"/proc/version\"}", -1, 6},
	{"{\"op\": \"get_file\", \"path\": \".\"}", -1, 3},
	{NULL, -1, 4}, /* a ping with a long key, which comes in pieces */
};
enum { SEEDS = sizeof seeds / sizeof *seeds };

static void put_long_ping(Stream *s, Random *r) {
	static char text[150000];
	size_t length = 500 + below(r, below(r, 4) ? 9000 : sizeof text - 1000);
	int head = snprintf(text, sizeof text, "{\"op\": \"ping\", \"");
	memset(text + head, 'k', length);
	strcpy(text + head + length, "\": 1}");
	put_json(s, text);
}

static void put_seed(Stream *s, Random *r) {
	int total = 0;
	for (int i = 0; i < SEEDS; i++) total += seeds[i].weight;
	int pick = below(r, total), i = 0;
	while ((pick -= seeds[i].weight) >= 0) i++;
	if (seeds[i].json) put_json(s, seeds[i].json);
	else put_long_ping(s, r);
	static uint8_t zeros[65536];
	for (int left = seeds[i].payload; left > 0;) {
		int chunk = below(r, 2) ? left : 1 + (int)below(r, left);
		if (chunk > (int)sizeof zeros) chunk = sizeof zeros;
		put_frame(s, DATA, zeros, chunk);
		left -= chunk;
	}
	if (seeds[i].payload >= 0 && below(r, 4)) put_frame(s, END, "", 0);
}

/* --- mutations ------------------------------------------------------------------------------- */

/* Offset of a random frame's header; *whole is the frame's length. */
static size_t some_frame(Stream *s, Random *r, size_t *whole) {
	size_t offsets[64], lengths[64], count = 0, at = 0;
	while (at + 5 <= s->length && count < 64) {
		const uint8_t *b = s->bytes + at;
		size_t length = 5 + ((size_t)b[1] << 24 | b[2] << 16 | b[3] << 8 | b[4]);
		if (length > s->length - at) length = s->length - at;
		offsets[count] = at;
		lengths[count++] = length;
		at += length;
	}
	if (!count) { *whole = s->length; return 0; }
	size_t i = below(r, count);
	*whole = lengths[i];
	return offsets[i];
}

static void set_length(Stream *s, size_t at, uint32_t length) {
	if (at + 5 > s->length) return;
	for (int i = 0; i < 4; i++) s->bytes[at + 1 + i] = length >> (24 - 8 * i);
}

/* Makes the first frame's length fit again after its payload was edited, if it is the only one. */
static void repair(Stream *s) {
	if (s->length >= 5 && s->length < 65536) set_length(s, 0, s->length - 5);
}

static const char *const tokens[] = {
	"\"", "\\", "\\u0000", "\\ud800", "\\udc00", "{", "}", "[", "]", ":", ",", "null", "true", "false", "NaN", "-", "0", "1e999",
	"-0.0", "9007199254740993", "99999999999999999999999", "1e-999", "\"op\"", "\"v\"", "\"path\": \"\"", "\"size\": -1", "\"env\": {}",
	"\"timeout\": 1e300", "\"mode\": 4095", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "/", "..", "'", "%s",
};
static const uint32_t lengths[] = {0, 1, 4, 5, 255, 65535, 65536, 65537, 16777215, 16777216, 16777217, 0x7fffffff, 0x80000000, 0xffffffff};

static void mutate(Stream *s, Random *r) {
	static uint8_t spare[8192];
	static Stream other;
	size_t at = below(r, s->length), whole, frame;
	switch (below(r, 15)) {
	case 0: case 1: case 2:
		if (s->length) s->bytes[at] ^= 1 << below(r, 8);
		break;
	case 3:
		if (s->length) s->bytes[at] = next(r);
		break;
	case 4:
		s->length = at;
		break;
	case 5:
		delete(s, at, 1 + below(r, 16));
		break;
	case 6: { /* random bytes */
		size_t count = 1 + below(r, below(r, 8) ? 32 : sizeof spare);
		for (size_t i = 0; i < count; i++) spare[i] = next(r);
		insert(s, at, spare, count);
		break;
	}
	case 7: case 8: case 9: { /* a word of JSON or of bad UTF-8 */
		const char *token = tokens[below(r, sizeof tokens / sizeof *tokens)];
		insert(s, at, token, strlen(token));
		if (below(r, 4)) repair(s);
		break;
	}
	case 10: /* depth */
		memset(spare, below(r, 2) ? '[' : '{', sizeof spare);
		insert(s, at, spare, 1 + below(r, sizeof spare));
		if (below(r, 4)) repair(s);
		break;
	case 11: /* another length */
		frame = some_frame(s, r, &whole);
		set_length(s, frame, below(r, 2) ? lengths[below(r, sizeof lengths / sizeof *lengths)] : whole - 5 + below(r, 9) - 4);
		break;
	case 12: /* another type */
		frame = some_frame(s, r, &whole);
		if (frame < s->length) s->bytes[frame] = below(r, 8);
		break;
	case 13: /* a frame twice */
		frame = some_frame(s, r, &whole);
		if (whole <= sizeof spare) {
			memcpy(spare, s->bytes + frame, whole);
			insert(s, frame, spare, whole);
		}
		break;
	case 14: /* the head of this with the tail of another */
		other.length = 0;
		put_seed(&other, r);
		s->length = at;
		whole = below(r, other.length);
		put(s, other.bytes + whole, other.length - whole);
		break;
	}
}

static void build(Stream *s, Random *r) {
	s->length = 0;
	if (!below(r, 25)) return put_noise(s, r);
	put_seed(s, r);
	if (!below(r, 30)) return; /* as it is */
	for (size_t i = 1 + below(r, 4); i > 0; i--) mutate(s, r);
}

/* --- a sign of life -------------------------------------------------------------------------- */

static void put_ping(Stream *s) { put_json(s, "{\"op\": \"ping\", \"v\": 1}"); }

static int is_pong(const char *reply, size_t length) { return length > 5 && reply[0] == JSON && strstr(reply + 5, "\"pong\""); }
