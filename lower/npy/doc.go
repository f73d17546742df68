// SPDX-License-Identifier: Apache-2.0

// Package npy reads and writes NumPy arrays of any number of dimensions, single
// (.npy) or in archives (.npz). Headers are parsed by npyio; data are read and
// checked here, because a file that ends early must be an error. Open array.go.
package npy
