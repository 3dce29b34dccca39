/*
 * Output without libc's streams, which are 3 kB of a program that prints nothing but the last words of a dying process.
 * A stream is its descriptor; everything is written at once. Linked into the static binaries only, and not optimized at
 * link time: the compiler makes one of these functions of another by itself, and must not find libc's instead.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#undef stdout
#undef stderr
FILE *const stdout = (FILE *)STDOUT_FILENO;
FILE *const stderr = (FILE *)STDERR_FILENO;

static size_t put(const char *text, size_t length, FILE *file) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = write((int)(intptr_t)file, text + done, length - done);
    if (count <= 0) break;
    done += (size_t)count;
  }
  return done;
}

size_t fwrite(const void *restrict items, size_t size, size_t count, FILE *restrict file) {
  return size == 0 ? 0 : put(items, size * count, file) / size;
}

int fputs(const char *restrict text, FILE *restrict file) {
  size_t length = strlen(text);
  return put(text, length, file) == length ? 0 : EOF;
}

int fputc(int c, FILE *file) {
  char text = (char)c;
  return put(&text, 1, file) == 1 ? (unsigned char)text : EOF;
}

int fflush(FILE *file) {
  (void)file;
  return 0;
}

int setvbuf(FILE *restrict file, char *restrict buffer, int mode, size_t size) {
  (void)file, (void)buffer, (void)mode, (void)size;
  return 0;
}
