#ifndef ZARTS_CJPEG_SHIM_H
#define ZARTS_CJPEG_SHIM_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
// After jpeglib.h.
#include <jerror.h>

// libjpeg reports errors by longjmp, which must not cross Swift frames: the calls that can jump
// live here, and their outcome is a status and a message.

typedef struct {
  unsigned char *pixels;  // owned, rows packed; release with zarts_jpeg_release
  uint32_t width;
  uint32_t height;
  int channels;     // 3 for RGB, 4 for CMYK
  int is_inverted;  // CMYK as Adobe writes it: 255 is no ink
  char message[JMSG_LENGTH_MAX];
} zarts_jpeg_image;

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  zarts_jpeg_image *image;
} zarts_jpeg_errors;

static inline void zarts_jpeg_release(zarts_jpeg_image *image) {
  free(image->pixels);
  image->pixels = NULL;
}

static inline void zarts_jpeg_on_error(j_common_ptr info) {
  zarts_jpeg_errors *errors = (zarts_jpeg_errors *)info->err;
  info->err->format_message(info, errors->image->message);
  longjmp(errors->jump, 1);
}

// libjpeg goes on after damaged data with a warning and invents the missing pixels. Only what
// leaves every pixel as it was encoded may pass.
static inline void zarts_jpeg_on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_JFIF_MAJOR:
      return;
    default:
      zarts_jpeg_on_error(info);
  }
}

static inline void zarts_jpeg_no_output(j_common_ptr info) { (void)info; }

// Decodes a JPEG file in memory: greyscale and YCbCr to RGB, CMYK and YCCK to CMYK. Returns 0, or -1 with
// `out->message` set and nothing to release.
static inline int zarts_jpeg_decode(const unsigned char *bytes, size_t count, uint64_t most_pixels,
                                    zarts_jpeg_image *out) {
  memset(out, 0, sizeof *out);
  struct jpeg_decompress_struct info;
  memset(&info, 0, sizeof info);
  zarts_jpeg_errors errors;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = zarts_jpeg_on_error;
  errors.base.emit_message = zarts_jpeg_on_message;
  errors.base.output_message = zarts_jpeg_no_output;
  errors.image = out;
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&info);
    zarts_jpeg_release(out);
    return -1;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, count);
  jpeg_read_header(&info, TRUE);
  if ((uint64_t)info.image_width * info.image_height > most_pixels) {
    snprintf(out->message, sizeof out->message, "%u x %u pixels are more than can be right", info.image_width,
             info.image_height);
    jpeg_destroy_decompress(&info);
    return -1;
  }
  int is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  out->width = info.output_width;
  out->height = info.output_height;
  out->channels = info.output_components;
  out->is_inverted = is_cmyk && info.saw_Adobe_marker;
  size_t stride = (size_t)out->width * (size_t)out->channels;
  out->pixels = (unsigned char *)malloc(stride * out->height);
  if (!out->pixels) {
    snprintf(out->message, sizeof out->message, "out of memory");
    jpeg_destroy_decompress(&info);
    return -1;
  }
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = out->pixels + (size_t)info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return 0;
}

#endif
