/*
 * gzip, RFC 1952, in steps, over zlib. A stream lives in a mapping of its own: all of its memory is back with the kernel
 * once it is closed, and none of it before it is used. zlib's checksums are replaced: it brings 9 kB of tables.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include "zlib.h"

#define LEVEL 6
#define GZIP_WINDOW (15 + 16)
#define MEMORY_LEVEL 8
/* A stream, and what deflateInit2() or inflateInit2() and the first inflate() take for these settings. */
#define DEFLATE_BYTES (344 * 1024)
#define INFLATE_BYTES (56 * 1024)
#define CRC_POLYNOMIAL 0xedb88320u
#define SLICES 8

struct stream {
  z_stream z;
  size_t size, used;
  int inflates, has_ended;
  uint32_t crc_table[SLICES][256];
};

/* That of the stream whose step it is. */
static uint32_t (*crc_table)[256];

/* Table n is for a byte that n others follow. */
static void make_crc_table(uint32_t table[SLICES][256]) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
    table[0][i] = crc;
  }
  for (int n = 1; n < SLICES; n++) {
    for (int i = 0; i < 256; i++) table[n][i] = table[n - 1][i] >> 8 ^ table[0][table[n - 1][i] & 0xff];
  }
}

/* In place of zlib's: eight bytes at a time, on machines whose lowest byte is first. */
__attribute__((optimize("O2"))) uLong crc32(uLong crc, const Bytef *bytes, uInt length) {
  if (bytes == Z_NULL) return 0;
  uint32_t value = ~(uint32_t)crc;
  const Bytef *end = bytes + length;
  for (; end - bytes >= SLICES; bytes += SLICES) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    word ^= value;
    value = 0;
    for (int n = 0; n < SLICES; n++) value ^= crc_table[SLICES - 1 - n][word >> 8 * n & 0xff];
  }
  while (bytes < end) value = value >> 8 ^ crc_table[0][(value ^ *bytes++) & 0xff];
  return ~value;
}

/* Of zlib's own format, which is not used. */
uLong adler32(uLong adler, const Bytef *bytes, uInt length) {
  (void)bytes;
  (void)length;
  return adler;
}

static voidpf take(voidpf opaque, uInt items, uInt size) {
  struct stream *stream = opaque;
  size_t bytes = ((size_t)items * size + 63) & ~(size_t)63;
  if (bytes > stream->size - stream->used) return Z_NULL;
  stream->used += bytes;
  return (char *)stream + stream->used - bytes;
}

/* All of it goes at once. */
static void give(voidpf opaque, voidpf address) {
  (void)opaque;
  (void)address;
}

/* Makes a stream. Returns its address, or 0 where there is no memory. */
double mote_gzip_open(double inflates) {
  size_t size = inflates != 0 ? INFLATE_BYTES : DEFLATE_BYTES;
  struct stream *stream = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stream == MAP_FAILED) return 0;
  stream->size = size;
  stream->used = (sizeof *stream + 63) & ~(size_t)63;
  stream->inflates = inflates != 0;
  stream->z.zalloc = take;
  stream->z.zfree = give;
  stream->z.opaque = stream;
  make_crc_table(stream->crc_table);
  crc_table = stream->crc_table;
  int result = stream->inflates
    ? inflateInit2(&stream->z, GZIP_WINDOW)
    : deflateInit2(&stream->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
  if (result == Z_OK) return (double)(uintptr_t)stream;
  munmap(stream, size);
  return 0;
}

double mote_gzip_close(double address) {
  struct stream *stream = (struct stream *)(uintptr_t)address;
  return munmap(stream, stream->size);
}

/*
 * Takes input and gives output as far as both go; of a member's end when inflating, up to there: the next step begins the
 * next member. left: two uint32, the bytes of output and of input that were left over. Returns 0, or the address of a
 * text that says what is wrong with the input.
 */
double mote_gzip_step(double address, double is_last, double input, double length, double output, double room, double left) {
  struct stream *stream = (struct stream *)(uintptr_t)address;
  z_stream *z = &stream->z;
  uint32_t *rest = (uint32_t *)(uintptr_t)left;
  int result = Z_OK;
  crc_table = stream->crc_table;
  z->next_in = (Bytef *)(uintptr_t)input;
  z->avail_in = (uInt)length;
  z->next_out = (Bytef *)(uintptr_t)output;
  z->avail_out = (uInt)room;
  if (!stream->inflates) {
    deflate(z, is_last != 0 ? Z_FINISH : Z_NO_FLUSH);
  } else if (!stream->has_ended || length > 0) {
    if (stream->has_ended) inflateReset(z);
    result = inflate(z, Z_NO_FLUSH);
    stream->has_ended = result == Z_STREAM_END;
  }
  rest[0] = z->avail_out;
  rest[1] = z->avail_in;
  if (result == Z_DATA_ERROR || result == Z_NEED_DICT) return (double)(uintptr_t)z->msg;
  if (result == Z_MEM_ERROR) return (double)(uintptr_t)"insufficient memory";
  if (stream->inflates && is_last != 0 && !stream->has_ended && z->avail_in == 0 && z->avail_out > 0) {
    return (double)(uintptr_t)"unexpected end of file";
  }
  return 0;
}
