/* What the fuzzer of HTTP sends: seeds that are valid requests of envd's protocol, and what it does to them. Files are named
 * in the directory where it runs. */

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "random.h"

/* --- seeds ----------------------------------------------------------------------------------- */

/* How a body is sent. */
enum { NONE, LENGTH, CHUNKS, FORM, GZIP };

/* A target, in which %s is the directory; fields; how its body is sent, and what it is. */
static const struct { const char *method, *target, *fields; int body; const char *content; int weight; } seeds[] = {
	{"GET", "/health", "", NONE, "", 10},
	{"HEAD", "/health", "Connection: keep-alive\r\n", NONE, "", 3},
	{"GET", "http://a/health?b=c", "Origin: http://a\r\nAuthorization: Basic bm9ib2R5Og==\r\n", NONE, "", 3},
	{"GET", "/nope", "X-Access-Token: t\r\nCookie: a=b\r\n", NONE, "", 3},
	{"GET", "/metrics", "", NONE, "", 3},
	{"GET", "/envs", "", NONE, "", 3},
	{"OPTIONS", "/files", "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: a, b\r\n", NONE, "", 4},
	{"GET", "/files?path=%s/f1&username=nobody", "Accept-Encoding: gzip;q=1.0, identity;q=0.5, *;q=0\r\n", NONE, "", 8},
	{"GET", "/files?path=%s/f1&username=nobody", "Range: bytes=0-4,6-9,-3\r\nIf-Range: Mon, 02 Jan 2006 15:04:05 GMT\r\n", NONE, "", 8},
	{"HEAD", "/files?path=%s/f1", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT\r\nIf-None-Match: \"x\"\r\n", NONE, "", 6},
	{"GET", "/files?path=%%2Fproc%%2Fversion&username=nobody&signature=v1_x&signature_expiration=1", "", NONE, "", 6},
	{"GET", "/files?path=~/x&username=%%6e%%C3%%A9&path=+", "", NONE, "", 4},
	{"POST", "/files?path=%s/f1&username=nobody", "Content-Type: application/octet-stream\r\nX-Metadata-A: b\r\n", LENGTH, "a text of some length", 8},
	{"POST", "/files?path=%s/a/f2&username=nobody", "Content-Type: application/octet-stream\r\n", CHUNKS, "a text that comes in chunks", 8},
	{"POST", "/files?path=%s/f3&username=nobody", "Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\n", GZIP, "", 8},
	{"POST", "/files?username=nobody", "Content-Type: multipart/form-data; boundary=bound\r\n", FORM, "", 12},
	{"POST", "/files?path=%s/f5&username=nobody", "Content-Type: multipart/form-data; boundary=\"bound\"\r\n", FORM, "", 6},
	{"POST", "/files?path=%s/f6&username=nobody", "Expect: 100-continue\r\nContent-Type: application/octet-stream\r\n", LENGTH, "awaited", 3},
	{"POST", "/files/compose", "Content-Type: application/json\r\n", LENGTH, "{\"source_paths\":[\"f1\",\"f2\"],\"destination\":\"f7\",\"username\":\"nobody\"}", 5},
	{"POST", "/init", "Content-Type: application/json\r\n", LENGTH,
		"{\"envVars\":{\"A\":\"b\",\"__proto__\":null},\"timestamp\":\"2026-01-02T03:04:05.123456789+02:00\",\"defaultUser\":\"nobody\"}", 8},
	{"POST", "/init", "", CHUNKS, "{\"hyperloopIP\":\"192.0.2.1\",\"defaultWorkdir\":\"/tmp\",\"unknown\":[1,-2.5e3,{\"a\":[]}]}", 4},
	{"POST", "/init", "", NONE, "", 2},
	{"POST", "/freeze?mode=hierarchy&maxCgroups=9&maxWaitMs=2", "", LENGTH, "x", 4},
	{"POST", "/unfreeze", "", CHUNKS, "GET /health HTTP/1.1\r\n\r\n", 6},
	{"POST", "/collapse", "", LENGTH, "0\r\n\r\n", 4},
};
enum { SEEDS = sizeof seeds / sizeof *seeds };

/* Two members: 2,000 zeros, and "member". */
static const uint8_t gzip[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c, 0x82, 0x51,
	0x30, 0x0a, 0x46, 0xc1, 0x50, 0x07, 0x00, 0x44, 0xf4, 0xc9, 0x02, 0xd0, 0x07, 0x00, 0x00,
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x4d, 0xcd, 0x4d, 0x4a, 0x2d, 0x02, 0x00, 0x78, 0xfa,
	0xe4, 0x70, 0x06, 0x00, 0x00, 0x00,
};

static const char form[] =
	"--bound\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s/f4\"\r\nContent-Type: text/plain\r\n\r\n"
	"a file\r\n--boun\r\n\r\n--bound\r\nContent-Disposition: form-data; name=other\r\n\r\nnone\r\n"
	"--bound\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''%%C3%%BC.txt\r\n\r\n\r\n--bound--\r\n";

static const char *directory(void) {
	static char path[256];
	if (!path[0] && !getcwd(path, sizeof path)) strcpy(path, "/tmp");
	return path;
}

static void put_text(Stream *s, const char *text) { put(s, text, strlen(text)); }

__attribute__((format(printf, 2, 3))) static void put_line(Stream *s, const char *format, ...) {
	static char text[8192];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put_text(s, text);
}

static void put_chunks(Stream *s, Random *r, const uint8_t *bytes, size_t length) {
	for (size_t at = 0; at < length;) {
		size_t size = 1 + below(r, length - at);
		put_line(s, below(r, 4) ? "%zx\r\n" : "%zX;a=\"b\"\r\n", size);
		put(s, bytes + at, size);
		put_text(s, "\r\n");
		at += size;
	}
	put_text(s, below(r, 4) ? "0\r\n\r\n" : "0\r\nA: b\r\n\r\n");
}

static void put_body(Stream *s, Random *r, int kind, const char *content) {
	static char text[4096];
	const uint8_t *bytes = (const uint8_t *)content;
	size_t length = strlen(content);
	if (kind == FORM) {
		length = snprintf(text, sizeof text, form, directory());
		bytes = (const uint8_t *)text;
	} else if (kind == GZIP) {
		bytes = gzip;
		length = sizeof gzip;
	}
	int is_chunked = kind == CHUNKS || (kind > CHUNKS && below(r, 2));
	if (kind == NONE) put_text(s, "\r\n");
	else if (is_chunked) {
		put_text(s, "Transfer-Encoding: chunked\r\n\r\n");
		put_chunks(s, r, bytes, length);
	} else {
		put_line(s, "Content-Length: %zu\r\n\r\n", length);
		put(s, bytes, length);
	}
}

static void put_seed(Stream *s, Random *r) {
	int total = 0;
	for (int i = 0; i < SEEDS; i++) total += seeds[i].weight;
	int pick = below(r, total), i = 0;
	while ((pick -= seeds[i].weight) >= 0) i++;
	static char target[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(target, sizeof target, seeds[i].target, directory());
#pragma GCC diagnostic pop
	put_line(s, "%s %s HTTP/1.%d\r\nHost: mote\r\n%s", seeds[i].method, target, below(r, 20) > 0, seeds[i].fields);
	if (!below(r, 60)) /* a head that comes in pieces */
		for (size_t n = below(r, 600); n > 0; n--) put_line(s, "X-%zu: a value of a field that nobody knows\r\n", n);
	put_body(s, r, seeds[i].body, seeds[i].content);
}

/* --- mutations ------------------------------------------------------------------------------- */

static const char *const tokens[] = {
	"\r\n", "\n", "\r", "\r\n\r\n", "\r\n ", "\0", ":", " ", "\t", "0\r\n\r\n", "0", "-1", "ffffffff", "ffffffffffffffff", "9007199254740993",
	"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n",
	"Content-Encoding: gzip\r\n", "Accept-Encoding: gzip\r\n", "Accept-Encoding: ;q=,*;q=0\r\n", "Range: bytes=0-\r\n", "Range: bytes=-0,9-1\r\n",
	"Host: b\r\n", "X-Metadata-\x80: \xff\r\n", "Authorization: Basic Og==\r\n", "--bound", "--bound--", "\r\n--bound\r\n", "; name=\"file\"",
	"; filename=\"a\\\"b\"", "; filename*=utf-8''%zz", "boundary=", "boundary=\"", "%", "%00", "%2e%2e/", "%C3", "+", "&", "=", "?", "#", ";", ",", "\"",
	"path=", "&path=/etc/hostname", "&username=", "../", "~", "/", "\xff", "\xc0\x80", "\xed\xa0\x80", "\x1f\x8b\x08", "{", "[", "null", "HTTP/1.0", "HTTP/2.0",
};

/* Where a random line begins, and its length with its end. */
static size_t some_line(Stream *s, Random *r, size_t *length) {
	size_t at = below(r, s->length), end;
	while (at > 0 && s->bytes[at - 1] != '\n') at--;
	for (end = at; end < s->length && s->bytes[end] != '\n'; end++) {}
	*length = end < s->length ? end + 1 - at : end - at;
	return at;
}

/* Another number in place of one. */
static void change_number(Stream *s, Random *r) {
	static const char *const numbers[] = {"0", "1", "00", "65535", "65536", "65537", "4294967296", "999999999999999", "1e9", "-1", "7fffffff", "fffffffffff"};
	size_t at = below(r, s->length);
	while (at < s->length && (s->bytes[at] < '0' || s->bytes[at] > '9')) at++;
	size_t end = at;
	while (end < s->length && s->bytes[end] >= '0' && s->bytes[end] <= '9') end++;
	delete(s, at, end - at);
	const char *number = numbers[below(r, sizeof numbers / sizeof *numbers)];
	insert(s, at, number, strlen(number));
}

static void mutate(Stream *s, Random *r) {
	static uint8_t spare[8192];
	static Stream other;
	size_t at = below(r, s->length), length, line;
	const char *token = tokens[below(r, sizeof tokens / sizeof *tokens)];
	size_t size = *token ? strlen(token) : 1;
	switch (below(r, 14)) {
	case 0: case 1: case 2:
		if (s->length) s->bytes[at] ^= 1 << below(r, 8);
		break;
	case 3:
		s->length = at;
		break;
	case 4:
		delete(s, at, 1 + below(r, 16));
		break;
	case 5: { /* random bytes */
		size_t count = 1 + below(r, below(r, 8) ? 32 : sizeof spare);
		for (size_t i = 0; i < count; i++) spare[i] = next(r);
		insert(s, at, spare, count);
		break;
	}
	case 6: case 7:
		insert(s, at, token, size);
		break;
	case 8: /* at the beginning of a line */
		line = some_line(s, r, &length);
		insert(s, line, token, size);
		break;
	case 9: /* many times */
		for (size_t n = 1 + below(r, below(r, 4) ? 20 : 2000); n > 0; n--) insert(s, at, token, size);
		break;
	case 10: /* a line twice, or not at all */
		line = some_line(s, r, &length);
		if (length > sizeof spare) break;
		memcpy(spare, s->bytes + line, length);
		if (below(r, 2)) insert(s, line, spare, length);
		else delete(s, line, length);
		break;
	case 11: case 12:
		change_number(s, r);
		break;
	case 13: /* the head of this with the tail of another */
		other.length = 0;
		put_seed(&other, r);
		s->length = at;
		line = below(r, other.length);
		put(s, other.bytes + line, other.length - line);
		break;
	}
}

static void build(Stream *s, Random *r) {
	s->length = 0;
	if (!below(r, 25)) return put_noise(s, r);
	for (size_t i = 1 + (below(r, 3) ? 0 : below(r, 4)); i > 0; i--) put_seed(s, r);
	if (!below(r, 30)) return; /* as it is */
	for (size_t i = 1 + below(r, 4); i > 0; i--) mutate(s, r);
}

/* --- a sign of life -------------------------------------------------------------------------- */

static void put_ping(Stream *s) { put_text(s, "GET /health HTTP/1.1\r\nHost: mote\r\nConnection: close\r\n\r\n"); }

static int is_pong(const char *reply, size_t length) { return length > 15 && !strncmp(reply, "HTTP/1.1 200 ", 13) && strstr(reply, "{\"version\":"); }
