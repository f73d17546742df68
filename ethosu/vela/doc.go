// SPDX-License-Identifier: Apache-2.0

// Package vela reads and writes compiled networks in the container of the Vela
// compiler: a .tflite with one "ethos-u" custom operator, whose first inputs are
// the driver payload with the command stream, the constants, the arena and the
// fast scratch. TensorFlow Lite Micro runs such a file as it is.
//
// In comes an ethosu.Program or a file, ours or Vela's; out goes the other. Our
// files carry one piece of metadata more, the names of operations and places, so
// that a program comes back whole.
//
// Open write.go and read.go for the two directions, notes.go for that metadata.
package vela
