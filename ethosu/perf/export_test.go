// SPDX-License-Identifier: Apache-2.0

package perf

// Recorded is for the tests outside, which read files with a package that needs this one.
var Recorded = recorded
