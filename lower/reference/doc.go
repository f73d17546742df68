// SPDX-License-Identifier: Apache-2.0

// Package reference executes an int8 or int16 graph exactly as TensorFlow Lite
// Micro's reference kernels do, byte for byte. It says what a network means;
// the NPU simulator is compared with it and shares no arithmetic with it.
//
// In comes a graph.Graph; out goes an Interpreter with the raw bytes of every
// tensor. All parameters are computed once, in New, and Invoke allocates
// nothing.
//
// Open interpreter.go first; plan.go has one row for every operator and names
// the file of its kernel. dot_amd64.s holds the only hand-tuned loop.
package reference

//go:generate go run ./asm -out dot_amd64.s -stubs dot_stub_amd64.go -pkg reference
