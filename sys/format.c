/*
 * A small formatter in place of libc's, which is 11 kB of a program that formats nothing but the runtime's own error
 * texts. It knows the conversions that those use: %s %.*s %c %d %u %ld %lu %zu %lld %llu %x and %%. Any other one ends
 * the process, so that a test sees it. Linked into the static binaries only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* snprintf(3)'s contract: writes at most size bytes with the NUL, returns the length of the whole text. */
int vsnprintf(char *out, size_t size, const char *format, va_list values) {
  size_t length = 0;
#define PUT(c) do { if (length + 1 < size) out[length] = (c); length++; } while (0)
  for (const char *p = format; *p != 0; p++) {
    if (*p != '%') { PUT(*p); continue; }
    int precision = -1, width = 0;
    p++;
    if (p[0] == '.' && p[1] == '*') { precision = va_arg(values, int); p += 2; }
    while (*p == 'l' || *p == 'z') { width++; p++; }
    if (*p == '%') PUT('%');
    else if (*p == 'c') PUT((char)va_arg(values, int));
    else if (*p == 's') {
      const char *text = va_arg(values, const char *);
      for (int i = 0; (precision < 0 || i < precision) && text[i] != 0; i++) PUT(text[i]);
    } else if (*p == 'd' || *p == 'u' || *p == 'x') {
      unsigned long value;
      if (*p == 'd') {
        long number = width ? va_arg(values, long) : va_arg(values, int);
        if (number < 0) PUT('-');
        value = number < 0 ? -(unsigned long)number : (unsigned long)number;
      } else {
        value = width ? va_arg(values, unsigned long) : va_arg(values, unsigned);
      }
      char digits[24];
      size_t count = 0;
      unsigned base = *p == 'x' ? 16 : 10;
      do { digits[count++] = "0123456789abcdef"[value % base]; value /= base; } while (value != 0);
      while (count > 0) PUT(digits[--count]);
    } else abort();
  }
#undef PUT
  if (size > 0) out[length < size ? length : size - 1] = 0;
  return (int)length;
}

int snprintf(char *out, size_t size, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = vsnprintf(out, size, format, values);
  va_end(values);
  return length;
}

int vfprintf(FILE *file, const char *format, va_list values) {
  char text[512];
  int length = vsnprintf(text, sizeof text, format, values);
  fputs(text, file);
  return length;
}

int fprintf(FILE *file, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = vfprintf(file, format, values);
  va_end(values);
  return length;
}
