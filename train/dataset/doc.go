// SPDX-License-Identifier: Apache-2.0

// Package dataset holds labelled sequences: what training, calibration and the
// accuracy reports read.
//
// In come files (IDX, and other formats one file each) or a seed for the
// procedural sets; out goes a Set, N sequences of T steps with F features and
// their labels or targets. Values come out as the network is fed, before
// standardization. Open set.go first, then the file named after the format.
package dataset
