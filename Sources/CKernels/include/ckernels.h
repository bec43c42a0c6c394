// Compute kernels of the engine. Pure functions of their arguments: no allocation, no threads, no global state.
//
// Activations are float32 in blocks of 16 channels, channels innermost: [image][block][row][column][16]. Every pointer to
// activations, weights and coefficients is 64-byte aligned. Lanes beyond the last channel hold zero and stay zero.
// In the memory of a batch a pixel of the last block may have 4 or 8 channels instead: the `memoryLanes` of a block. Rows
// are then multiples of 16 floats. Tiles and padded planes always have 16, and every kernel computes the same bits from both.
// A "plane" is one block of one image; a padded plane has a border of `pad` zero pixels on each side.
// Weights of a 1×1 convolution are [output block][input lane over all input blocks][16 output lanes]; of a depthwise one
// [block][tap][16]. Every instruction set performs the same operations in the same order, so results are the same bits.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// Channels of a block: lanes that a pixel has in registers, tiles and padded planes, and in memory but for a narrow last block.
  ck_lanes = 16,
  /// Weights of a 1×1 convolution from one block of inputs to one of outputs.
  ck_block_weights = ck_lanes * ck_lanes,
  /// Pixels of a tile that kernels work on at a time, at most; scratch tiles hold this many.
  ck_tile_pixels = 256,
};

/// ReLU – depthwise k×k – pointwise, on one image. Sizes in pixels and in blocks of 16 channels.
typedef struct {
  int32_t kernel;     ///< 3 or 5; 9: the sum of two 5×5, of dilation 1 and 2, whose taps follow each other, 50 in all
  int32_t dilation;   ///< 1 or 2
  int32_t stride;     ///< 1 or 2
  int32_t inBlocks;   ///< input blocks, which the depthwise part keeps
  int32_t outBlocks;  ///< output blocks
  int32_t lastLanes;  ///< channels in the last input block, 1…16
  int32_t outLanes;   ///< channels in the last output block
  int32_t memoryLanes;  ///< channels that a pixel of the last output block has in memory: 4, 8 or 16
  int32_t outHeight, outWidth;
  int32_t pad;                     ///< border of the padded input planes
  int32_t paddedHeight, paddedWidth;  ///< extent of a padded input plane, borders included
} ck_conv;

/// Where one image's backward pass of a `ck_conv` reads and writes.
typedef struct {
  const float *depthwise;         ///< [inBlocks][k·k][16]
  const float *depthwiseFlipped;  ///< the same with taps reversed, at kernel 9 each 25 of them
  const float *pointwiseTransposed;  ///< [inBlocks][16·outBlocks][16]
  const float *input;             ///< relu'd padded planes
  const float *gradient;          ///< ∂L/∂(batch-norm output), [outBlocks][pixels][16 or memoryLanes]
  const float *output;            ///< convolution output before batch norm, same shape
  const float *scaleGradient, *scaleOutput, *shift;  ///< ∂L/∂output = scaleGradient·gradient + scaleOutput·output + shift
  float *tileA, *tileB;           ///< scratch of `tile` pixels × blocks × 16
  float *gradientPlanes;          ///< zero-bordered scratch, [inBlocks][outHeight + 2 pad][outWidth + 2 pad][16]
  float *depthwiseGradient;       ///< accumulated; null: weight gradients are not wanted
  float *pointwiseGradient;       ///< accumulated
  float *inputGradient;           ///< [inBlocks][height][width][16] of the relu'd input
  int32_t accumulate;             ///< whether inputGradient is added to or overwritten
  const float *next, *afterNext;  ///< [inBlocks][pixels][16] each that the caller reads after this, fetched ahead at stride 1; null: nothing
} ck_conv_backward;

/// The taps of a dense k×k convolution or pool on planes of `height` × `width`.
typedef struct {
  int32_t kernel, stride, pad;
  int32_t height, width;
  int32_t outWidth;
} ck_taps;

/// One instruction set's kernels.
typedef struct {
  const char *name;

  /// dst interior ← relu(src), or relu(scale · src + shift) where scale is not null. One block; src has the memory lanes.
  void (*relu_pad)(float *dst, const float *src, int32_t memoryLanes, const float *scale, const float *shift, int32_t height, int32_t width, int32_t pad);
  /// output ← pointwise(depthwise(input)); adds Σ output and Σ output² of each lane to sums[0][16·outBlocks], sums[1][…]
  /// and lets the output pass the caches; with null sums the output stays in them.
  /// next, where not null, is [inBlocks][outHeight][outWidth][16] that the caller reads after this, fetched ahead at stride 1.
  void (*conv_forward)(const ck_conv *conv, const float *depthwise, const float *pointwise, const float *input, float *output, float *tile, double *sums, const float *next);
  void (*conv_backward)(const ck_conv *conv, const ck_conv_backward *arguments);

  /// dst[o][firstPixel + p][:] ← Σ over input lanes of weights · src[p]. `period` input blocks hold `lastLanes` channels in the last of them,
  /// `outPeriod` output blocks, of which outBlocks is a multiple, `outLanes`.
  /// dst and src strides are floats between blocks; weightStride is floats between output blocks. sums may be null.
  /// The last block of dst has `memoryLanes`. With sums nothing reads dst before the batch is done: it goes past the caches.
  /// ahead, where not null, is for each input block what the caller reads after this, `pixels` of it.
  void (*pointwise)(float *dst, int64_t dstStride, int32_t firstPixel, const float *src, int64_t srcStride, const float *weights, int64_t weightStride, int32_t pixels, int32_t inBlocks, int32_t period, int32_t lastLanes, int32_t outBlocks, int32_t outPeriod, int32_t outLanes, int32_t memoryLanes, double *sums, int64_t sumsStride, const float *const *ahead);
  /// gradient[o][i][:] += Σ over pixels of g[o] · d[i]; `period` and `lastLanes` as above, `outLanes` of the last output block.
  /// ahead is aheadCount blocks of `pixels` that the caller reads after this; may be null where there are none.
  void (*outer)(float *gradient, int64_t gradientStride, const float *g, int64_t gStride, const float *d, int64_t dStride, int32_t pixels, int32_t inBlocks, int32_t period, int32_t lastLanes, int32_t outBlocks, int32_t outLanes, const float *const *ahead, int32_t aheadCount);

  /// dst ← a·x + b·y + c over pixels of one block (y and b may be null); x and y have the memory lanes, dst 16.
  void (*affine)(float *dst, const float *x, int32_t memoryLanes, const float *a, const float *y, const float *b, const float *c, int32_t pixels);
  /// dst ← scale·src + shift over pixels of one block, both with the memory lanes; dst may be src.
  void (*normalise)(float *dst, const float *src, int32_t memoryLanes, const float *scale, const float *shift, int32_t pixels);
  /// dst ← (accumulate ? dst : shift) + Σ_t coefficients[t]·terms[t], one block; dst and terms have the memory lanes, coefficients are [count][stride] floats.
  void (*combine)(float *dst, int32_t memoryLanes, const float *const *terms, const float *coefficients, int64_t stride, const float *shift, int32_t count, int32_t pixels, int32_t accumulate);
  /// sums[t·sumsStride + lane] += Σ g · terms[t]; gradientSum[lane] += Σ g. One block; g and terms have the memory lanes.
  void (*reduce)(const float *g, int32_t memoryLanes, const float *const *terms, int32_t count, int32_t pixels, double *sums, int64_t sumsStride, double *gradientSum);

  /// dst ← (input > 0 ? gradient : 0) + (addend or 0); the input is padded. One block; dst and addend have the memory lanes; dst may be addend, or gradient where these are 16.
  void (*mask)(float *dst, int32_t memoryLanes, const float *gradient, const float *input, const float *addend, int32_t height, int32_t width, int32_t pad);

  /// dst ← input > 0 ? gradient : 0, and from it product[lane] += Σ dst · term, gradientSum[lane] += Σ dst. One block; dst and term have the memory lanes.
  void (*mask_reduce)(float *dst, int32_t memoryLanes, const float *gradient, const float *input, const float *term, int32_t height, int32_t width, int32_t pad, double *product, double *gradientSum);

  /// 3×3 pools of padding 1 of one block, with sums of value and square of each added to sums [4][16]: maximum Σ, Σ², average Σ, Σ².
  /// maximum, where not null, comes with arg, the tap 0…8 of the first maximum. average may be null. src, maximum and average have the memory lanes, arg 16.
  void (*pool_forward)(const float *src, int32_t memoryLanes, float *maximum, uint8_t *arg, float *average, int32_t height, int32_t width, int32_t stride, double *maximumSum, double *maximumSquares, double *averageSum, double *averageSquares);
  /// dst += pool backward of the two gradients (either may be null); all but arg have the memory lanes.
  void (*pool_backward)(float *dst, int32_t memoryLanes, const float *maximumGradient, const uint8_t *arg, const float *averageGradient, int32_t height, int32_t width, int32_t stride);

  /// dst ← relu(src) at rows 2y + offset, columns 2x + offset. One block; src has the memory lanes.
  void (*relu_gather)(float *dst, const float *src, int32_t memoryLanes, int32_t width, int32_t offset, int32_t firstRow, int32_t rows);
  /// dst at 2y + offset, 2x + offset += gradient where src > 0 there. One block; dst and src have the memory lanes.
  void (*scatter_masked)(float *dst, int32_t memoryLanes, const float *gradient, const float *src, int32_t width, int32_t offset, int32_t firstRow, int32_t rows);
  /// dst ← (accumulate ? dst : 0) + (src > 0 ? gradient : 0), contiguous pixels of one block; dst and src have the memory lanes.
  void (*mask_flat)(float *dst, int32_t memoryLanes, const float *gradient, const float *src, int32_t pixels, int32_t accumulate);
  void (*relu_flat)(float *dst, const float *src, int32_t memoryLanes, int32_t pixels);

  /// 3×3 patches, padding 1, of a planar image [3][height][width] as two blocks of 16 lanes, 27 used: [2][pixels][16].
  /// width is a multiple of stride.
  void (*patches)(float *dst, int64_t dstStride, const float *image, int32_t height, int32_t width, int32_t stride, int32_t firstRow, int32_t rows);

  /// dst[tap][pixel] ← relu(src), or relu(scale · src + shift) where scale is not null, at each tap of `rows` output rows;
  /// zero beyond the plane. One block; src has the memory lanes.
  void (*gather_taps)(float *dst, int64_t tapStride, const float *src, int32_t memoryLanes, const float *scale, const float *shift, const ck_taps *taps, int32_t firstRow, int32_t rows);
  /// dst at each tap += gradient[tap][pixel] where the relu'd input is positive. One block; dst and src have the memory lanes.
  void (*scatter_taps)(float *dst, int32_t memoryLanes, const float *gradient, int64_t tapStride, const float *src, const float *scale, const float *shift, const ck_taps *taps, int32_t firstRow, int32_t rows);
  /// dst ← mean of relu(src) under each k×k window; no padding. One block; src has the memory lanes.
  void (*relu_average)(float *dst, const float *src, int32_t memoryLanes, const ck_taps *taps, int32_t outHeight);
  /// dst += its backward. One block; dst and src have the memory lanes.
  void (*relu_average_backward)(float *dst, int32_t memoryLanes, const float *gradient, const float *src, const ck_taps *taps, int32_t outHeight);

  /// mean of each lane over the pixels of a block.
  void (*plane_mean)(float *dst, const float *src, int32_t memoryLanes, int32_t pixels);
  void (*plane_fill)(float *dst, int32_t memoryLanes, const float *values, int32_t pixels);

  /// transposed[i][o][16] ← weights[o][i][16] in 16×16 blocks.
  void (*transpose)(float *transposed, const float *weights, int32_t inBlocks, int32_t outBlocks);
  /// flipped[b][t] ← weights[b][taps − 1 − t].
  void (*flip)(float *flipped, const float *weights, int32_t blocks, int32_t taps);
  /// dst ← Σ_c partials[c·stride + i], c ascending, for i in 0..<count; count is a multiple of 16.
  void (*sum_partials)(float *dst, const float *partials, int64_t stride, int32_t partialCount, int64_t count);

  /// Philox-4x32-10 standard normals, dst[pixel][lane]: fills `channels` lanes of each pixel, zero beyond.
  void (*normal_fill)(float *dst, int32_t memoryLanes, int32_t pixels, int32_t channels, uint64_t key, uint32_t image, uint32_t stream);

  /// dst[p][l] ← lanes[l][16·p], lanes[l] being the first pixel of a lane of any block; zero where it is null.
  void (*gather_lanes)(float *dst, const float *const *lanes, int32_t pixels);
  /// dst[p][l] ← (accumulate ? dst[p][l] : 0) + Σ_i src[p][i·part + l] for l < part; zero beyond where not accumulated.
  void (*fold_lanes)(float *dst, const float *src, int32_t part, int32_t pixels, int32_t accumulate);
  /// Maxima of 2×2 pixels, stride 2, of one block; and dst += gradient at the first maximum of each 2×2 pixels of src.
  void (*halve_maximum)(float *dst, const float *src, int32_t height, int32_t width);
  void (*halve_maximum_backward)(float *dst, const float *gradient, const float *src, int32_t height, int32_t width);
  /// dst ← (accumulate ? dst : 0) + (word ≥ threshold ? scale·src : 0), one Philox-4x32-10 word a value. One block.
  void (*dropout)(float *dst, const float *src, int32_t memoryLanes, float scale, uint32_t threshold, int32_t pixels, uint64_t key, uint32_t image, uint32_t stream, int32_t accumulate);

  /// y ← y + a·x.
  void (*add_scaled)(float *y, const float *x, float a, int64_t count);
  /// Lane sums of squares over blocks of 4,096 values, added in double: Σ x².
  double (*sum_squares)(const float *x, int64_t count);
  /// v ← momentum·v + scale·g + decay·w; w ← w − rate·v.
  void (*momentum_step)(float *w, float *v, const float *g, float scale, float rate, float momentum, float decay, int64_t count);
  /// Floating-point operations of a register-only fused-multiply-add loop: the peak that shares are taken of.
  double (*peak_loop)(int64_t iterations, float *sink);
} ck_kernels;

/// Best instruction set of this processor first: "avx512", "avx2", "baseline".
int32_t ck_available(void);
/// The i-th available set, 0 ≤ i < ck_available().
const ck_kernels *ck_get(int32_t index);

/// Whether the processor has an instruction for CRC-32C.
int32_t ck_has_crc32c(void);
/// The state of a CRC-32C (before its final complement) after more bytes. Only where `ck_has_crc32c`.
uint32_t ck_crc32c(uint32_t state, const uint8_t *bytes, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
