// Compute kernels of the engine. Pure functions of their arguments: no allocation, no threads, no global state. (At the end,
// beside them: what Swift cannot say to the processor and the system.)
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

/// How blocks of one tensor, or of several of the same channels, lie one after another.
typedef struct {
  int64_t stride;     ///< floats from a block to the next
  int32_t count;      ///< blocks in all, a multiple of `period`
  int32_t period;     ///< blocks of one tensor
  int32_t lastLanes;  ///< channels in the last block of each tensor, 1…16
} ck_blocks;

/// One block's plane in memory, and the border of its padded form.
typedef struct {
  int32_t height, width;
  int32_t pad;          ///< zero pixels on each side in the padded form, which has 16 lanes
  int32_t memoryLanes;  ///< channels that a pixel has in the plain form: 4, 8 or 16
} ck_plane;

/// A linear map of each lane: scale · x + shift. Null scale: none, and shift is not read.
typedef struct {
  const float *scale, *shift;
} ck_map;

/// ∂L/∂x = gradient · g + output · y + shift of each lane: how a gradient g flows back through the batch norm of y.
typedef struct {
  const float *gradient, *output, *shift;
} ck_gradient_map;

/// Terms of a sum or of inner products: a block of each, with the memory lanes.
typedef struct {
  const float *const *blocks;
  int32_t count;
} ck_terms;

/// What terms are multiplied by, lane by lane.
typedef struct {
  const float *values;  ///< 16 of each term
  int64_t stride;       ///< floats from those of a term to the next
  const float *shift;   ///< what their sum is added to; null: to what stands there
} ck_coefficients;

/// Where inner products of a gradient with terms are added.
typedef struct {
  double *products;  ///< 16 lanes of each term
  int64_t stride;    ///< doubles from those of a term to the next
  double *gradient;  ///< Σ of the gradient itself, 16 lanes; null: not wanted
} ck_products;

/// Output rows of one plane that a tile holds.
typedef struct {
  int64_t stride;  ///< floats from a part of the tile (a tap, a block of patches) to the next
  int32_t first, count;
} ck_rows;

/// Every other pixel of `rows` output rows: rows 2y + offset, columns 2x + offset of a plane of `width`.
typedef struct {
  int32_t width, offset;
  int32_t firstRow, rows;
  int32_t memoryLanes;  ///< of the plane
} ck_halves;

/// The key and counter of Philox-4x32-10 words: one counter for four pixels of a lane.
typedef struct {
  uint64_t key;
  uint32_t image, stream;
} ck_words;

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

/// Where one image's forward pass of a `ck_conv` reads and writes.
typedef struct {
  const float *depthwise;  ///< [inBlocks][k·k][16]
  const float *pointwise;  ///< [outBlocks][16·inBlocks][16]
  const float *input;      ///< relu'd padded planes
  float *output;           ///< [outBlocks][pixels][16 or memoryLanes]
  float *tile;             ///< scratch of `tile` pixels × blocks × 16
  double *sums;            ///< Σ and Σ² of each output lane are added to [0][16·outBlocks], [1][…]; null: not wanted
  const float *next;       ///< [inBlocks][pixels][16] that the caller reads after this, fetched ahead at stride 1; null: nothing
} ck_conv_forward;

/// Where one image's backward pass of a `ck_conv` reads and writes.
typedef struct {
  const float *depthwise;         ///< [inBlocks][k·k][16]
  const float *depthwiseFlipped;  ///< the same with taps reversed, at kernel 9 each 25 of them
  const float *pointwiseTransposed;  ///< [inBlocks][16·outBlocks][16]
  const float *input;             ///< relu'd padded planes
  const float *gradient;          ///< ∂L/∂(batch-norm output), [outBlocks][pixels][16 or memoryLanes]
  const float *output;            ///< convolution output before batch norm, same shape
  ck_gradient_map map;            ///< ∂L/∂output from `gradient` and `output`, 16·outBlocks lanes
  float *tileA, *tileB;           ///< scratch of `tile` pixels × blocks × 16
  float *gradientPlanes;          ///< zero-bordered scratch, [inBlocks][outHeight + 2 pad][outWidth + 2 pad][16]
  float *depthwiseGradient;       ///< accumulated; null: weight gradients are not wanted
  float *pointwiseGradient;       ///< accumulated
  float *inputGradient;           ///< [inBlocks][height][width][16] of the relu'd input
  int32_t accumulate;             ///< whether inputGradient is added to or overwritten
  const float *next, *afterNext;  ///< [inBlocks][pixels][16] each that the caller reads after this, fetched ahead at stride 1; null: nothing
} ck_conv_backward;

/// A 1×1 convolution of some pixels: output[o][firstPixel + p] ← Σ over input lanes of weights · input[p].
typedef struct {
  const float *input;  ///< 16 lanes a pixel
  ck_blocks inputs;
  const float *weights;  ///< [output block][input lane over all input blocks][16]
  int64_t weightStride;  ///< floats from an output block to the next
  float *output;
  ck_blocks outputs;
  int32_t memoryLanes;  ///< channels that a pixel of the last of all output blocks has in memory: 4, 8 or 16
  int32_t firstPixel;   ///< of each output block
  int32_t pixels;
  /// Σ and Σ² of each output lane are added to sums[0…] and sums[sumsStride…]. Then nothing reads the output before the
  /// batch is done, and it goes past the caches. Null: not wanted.
  double *sums;
  int64_t sumsStride;
  const float *const *ahead;  ///< for each input block what the caller reads after this, `pixels` of it; null: nothing
} ck_pointwise;

/// Its weight gradient: gradient[o][i][:] += Σ over pixels of outputGradient[o] · input[i].
typedef struct {
  float *gradient;         ///< as the weights lie
  int64_t gradientStride;  ///< floats from an output block to the next
  const float *outputGradient;  ///< 16 lanes a pixel
  ck_blocks outputs;            ///< of one tensor
  const float *input;           ///< 16 lanes a pixel
  ck_blocks inputs;
  int32_t pixels;
  int32_t aheadCount;
  const float *const *ahead;  ///< aheadCount blocks of `pixels` that the caller reads after this; may be null where there are none
} ck_outer;

/// The taps of a dense k×k convolution or pool on planes of `height` × `width`.
typedef struct {
  int32_t kernel, stride, pad;
  int32_t height, width;
  int32_t outWidth;
} ck_taps;

/// A 3×3 pool of padding 1, of one block.
typedef struct {
  int32_t height, width;  ///< of its input
  int32_t stride;
  int32_t memoryLanes;  ///< of everything but arg, which has 16
} ck_pool;

/// Where sums over pooled values are added, 16 lanes each. Those of a pool that is not wanted are not read.
typedef struct {
  double *maximum, *maximumSquares, *average, *averageSquares;
} ck_pool_sums;

/// Dropout by one Philox-4x32-10 word a value: scale · x where the word is at least the threshold, else 0.
typedef struct {
  float scale;
  uint32_t threshold;
  ck_words words;
} ck_dropout;

/// Step of SGD with momentum: v ← momentum·v + scale·g + decay·w; w ← w − rate·v.
typedef struct {
  float scale, rate, momentum, decay;
} ck_sgd;

/// One instruction set's kernels. Of several blocks the last has `memoryLanes`; a single block has them, and so has every
/// operand of which nothing else is said. Structs of many fields are passed by address, since copying one takes as long as
/// a kernel on a few pixels.
typedef struct {
  const char *name;

  /// dst interior ← relu(src), or relu(map(src)). One block; src is plain, dst padded.
  void (*relu_pad)(float *dst, const float *src, ck_map map, ck_plane plane);
  /// output ← pointwise(depthwise(input)). With sums the output passes the caches, else it stays in them.
  void (*conv_forward)(const ck_conv *conv, const ck_conv_forward *at);
  void (*conv_backward)(const ck_conv *conv, const ck_conv_backward *at);
  void (*pointwise)(const ck_pointwise *at);
  void (*outer)(const ck_outer *at);

  /// dst ← map(x, y) over pixels of one block, or map.gradient · x + map.shift where y is null; dst has 16 lanes.
  void (*affine)(float *dst, const float *x, const float *y, int32_t memoryLanes, ck_gradient_map map, int32_t pixels);
  /// dst ← map(src) over pixels of one block; dst may be src.
  void (*normalise)(float *dst, const float *src, int32_t memoryLanes, ck_map map, int32_t pixels);
  /// dst ← coefficients.shift (or dst) + Σ_t coefficients[t]·terms[t], one block.
  void (*combine)(float *dst, int32_t memoryLanes, ck_terms terms, ck_coefficients coefficients, int32_t pixels);
  /// sums.products[t][lane] += Σ g · terms[t]; sums.gradient[lane] += Σ g. One block.
  void (*reduce)(const float *g, int32_t memoryLanes, ck_terms terms, ck_products sums, int32_t pixels);

  /// dst ← (input > 0 ? gradient : 0) + (addend or 0). One block; the input is padded, gradient has 16 lanes; dst may be addend, or gradient where memory lanes are 16.
  void (*mask)(float *dst, const float *gradient, const float *input, const float *addend, ck_plane plane);

  /// dst ← input > 0 ? gradient : 0, and from it product[lane] += Σ dst · term, gradientSum[lane] += Σ dst. One block; as above.
  void (*mask_reduce)(float *dst, const float *gradient, const float *input, const float *term, ck_plane plane, double *product, double *gradientSum);

  /// Pools of one block, with the sums of values and squares of each.
  /// maximum, where not null, comes with arg, the tap 0…8 of the first maximum. average may be null.
  void (*pool_forward)(const float *src, float *maximum, uint8_t *arg, float *average, ck_pool pool, ck_pool_sums sums);
  /// dst += pool backward of the two gradients (either may be null).
  void (*pool_backward)(float *dst, const float *maximumGradient, const uint8_t *arg, const float *averageGradient, ck_pool pool);

  /// dst ← relu(src) at the halves. One block; dst has 16 lanes.
  void (*relu_gather)(float *dst, const float *src, ck_halves halves);
  /// dst at the halves += gradient where src > 0 there. One block; gradient has 16 lanes.
  void (*scatter_masked)(float *dst, const float *gradient, const float *src, ck_halves halves);
  /// dst ← (accumulate ? dst : 0) + (src > 0 ? gradient : 0), contiguous pixels of one block; gradient has 16 lanes.
  void (*mask_flat)(float *dst, int32_t memoryLanes, const float *gradient, const float *src, int32_t pixels, int32_t accumulate);
  void (*relu_flat)(float *dst, const float *src, int32_t memoryLanes, int32_t pixels);

  /// 3×3 patches, padding 1, of a planar image [3][height][width] as two blocks of 16 lanes, 27 used: [2][pixels][16].
  /// width is a multiple of stride.
  void (*patches)(float *dst, const float *image, int32_t height, int32_t width, int32_t stride, ck_rows rows);

  /// dst[tap][pixel] ← relu(src), or relu(map(src)), at each tap of some output rows; zero beyond the plane. One block; dst has 16 lanes.
  void (*gather_taps)(float *dst, const float *src, int32_t memoryLanes, ck_map map, ck_taps taps, ck_rows rows);
  /// dst at each tap += gradient[tap][pixel] where the relu'd input is positive. One block; gradient has 16 lanes.
  void (*scatter_taps)(float *dst, const float *gradient, const float *src, int32_t memoryLanes, ck_map map, ck_taps taps, ck_rows rows);
  /// dst ← mean of relu(src) under each k×k window; no padding. One block; dst has 16 lanes.
  void (*relu_average)(float *dst, const float *src, int32_t memoryLanes, ck_taps taps, int32_t outHeight);
  /// dst += its backward. One block; gradient has 16 lanes.
  void (*relu_average_backward)(float *dst, int32_t memoryLanes, const float *gradient, const float *src, ck_taps taps, int32_t outHeight);

  /// mean of each lane over the pixels of a block; dst has 16 lanes.
  void (*plane_mean)(float *dst, const float *src, int32_t memoryLanes, int32_t pixels);
  void (*plane_fill)(float *dst, int32_t memoryLanes, const float *values, int32_t pixels);

  /// transposed[i][o][16] ← weights[o][i][16] in 16×16 blocks.
  void (*transpose)(float *transposed, const float *weights, int32_t inBlocks, int32_t outBlocks);
  /// flipped[b][t] ← weights[b][taps − 1 − t].
  void (*flip)(float *flipped, const float *weights, int32_t blocks, int32_t taps);
  /// dst ← Σ_c partials[c·stride + i], c ascending, for i in 0..<count; count is a multiple of 16.
  void (*sum_partials)(float *dst, const float *partials, int64_t stride, int32_t partialCount, int64_t count);

  /// Standard normals, dst[pixel][lane]: fills `channels` lanes of each pixel, zero beyond.
  void (*normal_fill)(float *dst, int32_t memoryLanes, int32_t pixels, int32_t channels, ck_words words);

  /// dst[p][l] ← lanes[l][16·p], lanes[l] being the first pixel of a lane of any block; zero where it is null.
  void (*gather_lanes)(float *dst, const float *const *lanes, int32_t pixels);
  /// dst[p][l] ← (accumulate ? dst[p][l] : 0) + Σ_i src[p][i·part + l] for l < part; zero beyond where not accumulated.
  void (*fold_lanes)(float *dst, const float *src, int32_t part, int32_t pixels, int32_t accumulate);
  /// Maxima of 2×2 pixels, stride 2, of one block; and dst += gradient at the first maximum of each 2×2 pixels of src.
  void (*halve_maximum)(float *dst, const float *src, int32_t height, int32_t width);
  void (*halve_maximum_backward)(float *dst, const float *gradient, const float *src, int32_t height, int32_t width);
  /// dst ← (accumulate ? dst : 0) + dropout of src. One block.
  void (*dropout)(float *dst, const float *src, int32_t memoryLanes, int32_t pixels, ck_dropout drop, int32_t accumulate);

  /// y ← y + a·x.
  void (*add_scaled)(float *y, const float *x, float a, int64_t count);
  /// Lane sums of squares over blocks of 4,096 values, added in double: Σ x².
  double (*sum_squares)(const float *x, int64_t count);
  void (*momentum_step)(float *w, float *v, const float *g, ck_sgd step, int64_t count);
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

/// What a loop does between two looks at a word that another thread will change: it costs little power, and leaves the units of
/// the core to its other hardware thread.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Processors that the calling thread may run on, one bit each in words that the caller has cleared; −1 where the system
/// doesn't tell, or has more than fit.
int32_t ck_get_affinity(uint64_t *words, int32_t count);
/// Puts the calling thread on these processors; −1 where the system refuses or binds no threads.
int32_t ck_set_affinity(const uint64_t *words, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
