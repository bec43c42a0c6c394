#define NAME(x) x##_baseline
#define SET_NAME "baseline"
#define WIDE_REGISTERS 0
#pragma clang diagnostic ignored "-Wpsabi"  // every function that takes a vector is inlined
#include "kernels.inc"
const ck_kernels ck_kernels_baseline = KERNEL_TABLE;
