#ifndef ZARTS_CHDF5_SHIM_H
#define ZARTS_CHDF5_SHIM_H

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

// Types and flags of HDF5 are macros that call the library, which Swift cannot see: what is needed of them lives here.
// Files are opened from bytes and made in memory, so that reading takes no lock of a file system and writing is whole
// or not at all. Functions return a negative number where the library does.

// The library prints its errors otherwise.
static inline void zarts_h5_be_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static inline hid_t zarts_h5_memory_access(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access >= 0 && H5Pset_fapl_core(access, 1 << 16, 0) < 0) {
    H5Pclose(access);
    return -1;
  }
  return access;
}

// The library keeps a copy of the bytes.
static inline hid_t zarts_h5_open(const void *bytes, size_t count) {
  hid_t access = zarts_h5_memory_access();
  if (access < 0) return -1;
  hid_t file = -1;
  if (H5Pset_file_image(access, (void *)bytes, count) >= 0) file = H5Fopen("memory", H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return file;
}

static inline hid_t zarts_h5_create(void) {
  hid_t access = zarts_h5_memory_access();
  if (access < 0) return -1;
  hid_t file = H5Fcreate("memory", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  return file;
}

// The bytes of a file; their number alone where `bytes` is NULL.
static inline int64_t zarts_h5_image(hid_t file, void *bytes, size_t room) {
  if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) return -1;
  return (int64_t)H5Fget_file_image(file, bytes, room);
}

// No time is stored: the same input gives the same bytes.
static inline int zarts_h5_write(hid_t file, const char *name, int rank, const uint64_t *shape, const double *values) {
  hsize_t extent[2] = {rank > 0 ? shape[0] : 1, rank > 1 ? shape[1] : 1};
  hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, extent, NULL), data = -1;
  int status = -1;
  if (properties >= 0 && space >= 0 && H5Pset_obj_track_times(properties, 0) >= 0)
    data = H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  if (data >= 0) {
    status = H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? -1 : 0;
    if (H5Dclose(data) < 0) status = -1;
  }
  if (space >= 0) H5Sclose(space);
  if (properties >= 0) H5Pclose(properties);
  return status;
}

// A text of the file's root, `count` bytes of UTF-8.
static inline int zarts_h5_write_text(hid_t file, const char *name, const char *text, size_t count) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attribute = -1;
  int status = -1;
  if (type >= 0 && space >= 0 && H5Tset_size(type, count) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
      H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    status = H5Awrite(attribute, type, text) < 0 ? -1 : 0;
    H5Aclose(attribute);
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return status;
}

// The name of an entry of the root, in the order of names, into `name`; its length, or a negative number after the last.
static inline int64_t zarts_h5_name(hid_t file, uint64_t index, char *name, size_t room) {
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0 || index >= info.nlinks) return -1;
  return (int64_t)H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, index, name, room, H5P_DEFAULT);
}

// 1 for a dataset of numbers of at most two dimensions, with its shape; 0 for anything else.
static inline int zarts_h5_shape(hid_t file, const char *name, int *rank, uint64_t *shape) {
  hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0) return 0;
  int found = 0;
  if (H5Iget_type(object) == H5I_DATASET) {
    hid_t type = H5Dget_type(object), space = H5Dget_space(object);
    H5T_class_t kind = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
    *rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    if ((kind == H5T_FLOAT || kind == H5T_INTEGER) && *rank >= 0 && *rank <= 2) {
      hsize_t extent[2] = {1, 1};
      H5Sget_simple_extent_dims(space, extent, NULL);
      shape[0] = extent[0];
      shape[1] = extent[1];
      found = 1;
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
  }
  H5Oclose(object);
  return found;
}

// All values of a dataset of numbers, as many as its shape says.
static inline int zarts_h5_read(hid_t file, const char *name, double *values) {
  hid_t data = H5Dopen2(file, name, H5P_DEFAULT);
  if (data < 0) return -1;
  int status = H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? -1 : 0;
  H5Dclose(data);
  return status;
}

#endif
