// SPDX-License-Identifier: Apache-2.0

// Package npy reads and writes NumPy arrays of any number of dimensions, single
// (.npy) or in archives (.npz). A file that ends early, or goes on, is an error. Open
// array.go.
package npy
