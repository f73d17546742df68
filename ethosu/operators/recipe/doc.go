// SPDX-License-Identifier: Apache-2.0

// Package recipe adds an operator in a test, by the steps of CONTRIBUTING.md: it has a
// program of its own, since the tables of kinds are filled once. Open softsign_test.go,
// which is the whole operator.
package recipe
