/* The floor of a gzip download: zlib alone, level 6, the file read into memory before. Prints bytes per second. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

int main(int argc, char **argv) {
  static unsigned char out[65536];
  struct stat is;
  int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  if (file < 0 || fstat(file, &is)) err(2, "usage: %s FILE", argv[0]);
  unsigned char *bytes = malloc((size_t)is.st_size);
  for (off_t at = 0; at < is.st_size;) {
    ssize_t n = read(file, bytes + at, (size_t)(is.st_size - at));
    if (n <= 0) err(1, "%s", argv[1]);
    at += n;
  }
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  z_stream stream = {0};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) errx(1, "deflateInit2");
  for (off_t at = 0; at < is.st_size;) {
    off_t part = is.st_size - at < 65536 ? is.st_size - at : 65536;
    stream.next_in = bytes + at;
    stream.avail_in = (unsigned)part;
    at += part;
    do {
      stream.next_out = out;
      stream.avail_out = sizeof out;
      deflate(&stream, at == is.st_size ? Z_FINISH : Z_NO_FLUSH);
    } while (stream.avail_out == 0);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  printf("{\"mb_s\":%.3f}\n", (double)is.st_size / 1e6 / seconds);
}
