// SPDX-License-Identifier: Apache-2.0

// Package precision chooses which values of a network have 16 bits and which 8.
//
// In comes a Problem: the roles whose width can be chosen, how an integer graph is
// made of a choice, what the graph loses against the float network and what it costs
// to run. Out goes the cheapest Choice found that loses no more than a bound, with the
// measured sensitivity of every role. Nothing in it knows operators or hardware; open
// search.go.
package precision
