#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_interp.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_spline.h>
#include <gsl/gsl_statistics_double.h>

/* The type is a global variable of GSL, which Swift takes for shared mutable state. */
static inline gsl_spline *zarts_spline_alloc_steffen(size_t size) { return gsl_spline_alloc(gsl_interp_steffen, size); }
