// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// A bound is called kept or broken only where the number of decisions can show it.
func TestBoundVerdict(t *testing.T) {
	for _, c := range []struct {
		lost, decisions int
		loss            float64
		want            string
	}{
		{0, 54, 0, boundOpen}, // one lost would be 1.85 points
		{1, 54, 0, boundOpen}, // expected 0.16: one set in seven has one
		{2, 54, 0, boundBroken},
		{0, 300, 0, boundOpen}, // expected 0.9: two sets in five have none
		{3, 300, 0, boundOpen},
		{4, 300, 0, boundBroken},
		{0, 1000, 0, boundKept},
		{1, 1500, 0, boundOpen},
		{20, 10000, 0, boundKept},
		{30, 10000, 0, boundOpen},
		{41, 10000, 0, boundBroken},
		{0, 0, 0.003, boundKept}, // numbers are measured, not counted
		{0, 0, 0.0031, boundBroken},
	} {
		if got := boundVerdict(0.003, c.loss, c.lost, c.decisions); got != c.want {
			t.Errorf("%d of %d lost, or %v: %s, expected %s", c.lost, c.decisions, c.loss, got, c.want)
		}
	}
}
