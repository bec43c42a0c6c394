#ifndef ZARTS_CPNG_READER_H
#define ZARTS_CPNG_READER_H

#include "shim.h"

// The reading counterpart of shim.h, for the same reason: libpng's longjmp stays in here.

typedef struct {
  unsigned char *rgb;  // owned, 8 bits a channel, rows packed; release with zarts_png_release_image
  uint32_t width;
  uint32_t height;
  char message[160];
} zarts_png_image;

typedef struct {
  const unsigned char *bytes;
  size_t count;
  size_t used;
} zarts_png_source;

static inline void zarts_png_release_image(zarts_png_image *image) {
  free(image->rgb);
  image->rgb = NULL;
}

static inline void zarts_png_on_read_error(png_structp png, png_const_charp message) {
  zarts_png_image *image = (zarts_png_image *)png_get_error_ptr(png);
  snprintf(image->message, sizeof image->message, "%s", message);
  png_longjmp(png, 1);
}

// Warnings are about text, time and colour profiles, none of which is used; damaged pixels are errors.
static inline void zarts_png_on_read_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static inline void zarts_png_take(png_structp png, png_bytep bytes, size_t count) {
  zarts_png_source *source = (zarts_png_source *)png_get_io_ptr(png);
  if (count > source->count - source->used) png_error(png, "the file is truncated");
  memcpy(bytes, source->bytes + source->used, count);
  source->used += count;
}

// Decodes a PNG file in memory to 8-bit RGB: palettes looked up, grey repeated, 16 bits rounded to 8, opacity
// dropped. Returns 0, or -1 with `out->message` set and nothing to release.
static inline int zarts_png_decode(const unsigned char *bytes, size_t count, uint64_t most_pixels,
                                   zarts_png_image *out) {
  memset(out, 0, sizeof *out);
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, out, zarts_png_on_read_error, zarts_png_on_read_warning);
  if (!png) {
    if (!out->message[0]) snprintf(out->message, sizeof out->message, "cannot create the PNG reader");
    return -1;
  }
  png_infop info = png_create_info_struct(png);
  if (!info) {
    snprintf(out->message, sizeof out->message, "cannot create the PNG header");
    png_destroy_read_struct(&png, NULL, NULL);
    return -1;
  }
  zarts_png_source source = {bytes, count, 0};
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    zarts_png_release_image(out);
    return -1;
  }
  png_set_read_fn(png, &source, zarts_png_take);
  png_read_info(png, info);
  out->width = png_get_image_width(png, info);
  out->height = png_get_image_height(png, info);
  if ((uint64_t)out->width * out->height > most_pixels) png_error(png, "more pixels than can be right");
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = png_get_rowbytes(png, info);
  if (stride != (size_t)out->width * 3) png_error(png, "not convertible to RGB");
  out->rgb = (unsigned char *)malloc(stride * out->height);
  if (!out->rgb) png_error(png, "out of memory");
  for (int pass = 0; pass < passes; ++pass) {
    for (uint32_t y = 0; y < out->height; ++y) png_read_row(png, out->rgb + (size_t)y * stride, NULL);
  }
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

#endif
