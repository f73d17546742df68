// SPDX-License-Identifier: Apache-2.0

// Package schedule decides how and when kernels run: their form and order, the blocks
// that they compute, which constants come to SRAM before, and where the transfers that
// bring them start, so that kernels hide them.
//
// Open plan.go first: Plan is what the passes work on, Input what they are given. One
// file is one pass, named like it. draft.go makes the timeline that most decisions are
// tried on; check.go has what holds between passes.
package schedule
