// SPDX-License-Identifier: Apache-2.0

// Package hdf5 reads the HDF5 files that Keras writes: groups, attributes that are
// strings, and arrays of floats that lie in one piece.
//
// In comes a file in memory; out comes its tree. The format is large; what Keras and
// h5py use by default is small, and what they do not use is named in an error. Every
// address, size and count of the file is checked. Open file.go first.
//
// Source: the HDF5 File Format Specification, version 3.0 (The HDF Group), with
// superblocks of version 0 and object headers of version 1.
package hdf5
