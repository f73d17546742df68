// SPDX-License-Identifier: Apache-2.0

// Package calibrate finds the ranges of an unrolled graph's values on
// representative samples.
//
// In comes an unroll.Plan and samples; out goes, for every role, a Range that
// quantization can use. States are rolled out: after the first pass, which
// starts at zero, every sequence goes on with the next sample from the state it
// has reached, until the ranges settle. Open collect.go first, then
// estimate.go for the estimators and moments.go for what rounding of weights is
// guided by.
package calibrate
