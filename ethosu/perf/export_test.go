// SPDX-License-Identifier: Apache-2.0

package perf

// Update is for the tests outside, which read files with a package that needs this one.
var Update = update
