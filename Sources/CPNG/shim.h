#ifndef ZARTS_CPNG_SHIM_H
#define ZARTS_CPNG_SHIM_H

#include <png.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng reports errors by longjmp, which must not cross Swift frames: the one call that
// can jump lives here, and its outcome is a status and a message.

typedef struct {
  unsigned char *bytes;  // owned; release with zarts_png_release
  size_t count;
  size_t capacity;
  char message[160];
} zarts_png_buffer;

typedef struct {
  const char *key;   // Latin-1, 1 to 79 bytes
  const char *text;  // Latin-1, or UTF-8 when `utf8` is not 0
  int utf8;
} zarts_png_text;

static inline void zarts_png_release(zarts_png_buffer *buffer) {
  free(buffer->bytes);
  buffer->bytes = NULL;
  buffer->count = buffer->capacity = 0;
}

static inline void zarts_png_on_error(png_structp png, png_const_charp message) {
  zarts_png_buffer *buffer = (zarts_png_buffer *)png_get_error_ptr(png);
  snprintf(buffer->message, sizeof buffer->message, "%s", message);
  png_longjmp(png, 1);
}

static inline void zarts_png_on_warning(png_structp png, png_const_charp message) {
  zarts_png_buffer *buffer = (zarts_png_buffer *)png_get_error_ptr(png);
  snprintf(buffer->message, sizeof buffer->message, "%s", message);
}

static inline void zarts_png_append(png_structp png, png_bytep bytes, size_t count) {
  zarts_png_buffer *buffer = (zarts_png_buffer *)png_get_io_ptr(png);
  if (count > buffer->capacity - buffer->count) {
    size_t capacity = buffer->capacity ? buffer->capacity : 65536;
    while (capacity - buffer->count < count) {
      if (capacity > SIZE_MAX / 2) png_error(png, "image too large");
      capacity *= 2;
    }
    unsigned char *grown = (unsigned char *)realloc(buffer->bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    buffer->bytes = grown;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->count, bytes, count);
  buffer->count += count;
}

static inline void zarts_png_no_flush(png_structp png) { (void)png; }

// Encodes 8-bit RGB, `width` x `height`, rows packed. Returns 0, or -1 with `out->message` set and
// nothing to release. No time chunk is written: the same input gives the same bytes.
static inline int zarts_png_encode(const unsigned char *rgb, uint32_t width, uint32_t height,
                                   uint32_t pixels_per_metre, const zarts_png_text *texts, int text_count,
                                   zarts_png_buffer *out) {
  memset(out, 0, sizeof *out);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, out, zarts_png_on_error, zarts_png_on_warning);
  if (!png) {
    if (!out->message[0]) snprintf(out->message, sizeof out->message, "cannot create the PNG writer");
    return -1;
  }
  png_infop info = png_create_info_struct(png);
  if (!info) {
    snprintf(out->message, sizeof out->message, "cannot create the PNG header");
    png_destroy_write_struct(&png, NULL);
    return -1;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    zarts_png_release(out);
    return -1;
  }
  png_set_write_fn(png, out, zarts_png_append, zarts_png_no_flush);
  png_set_compression_level(png, 9);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_set_pHYs(png, info, pixels_per_metre, pixels_per_metre, PNG_RESOLUTION_METER);
  for (int i = 0; i < text_count; ++i) {
    png_text text;
    memset(&text, 0, sizeof text);
    text.compression = texts[i].utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
    text.key = (png_charp)texts[i].key;
    text.text = (png_charp)texts[i].text;
    if (texts[i].utf8) text.itxt_length = strlen(texts[i].text);
    else text.text_length = strlen(texts[i].text);
    png_set_text(png, info, &text, 1);
  }
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; ++y) png_write_row(png, rgb + (size_t)y * width * 3);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return 0;
}

#endif
