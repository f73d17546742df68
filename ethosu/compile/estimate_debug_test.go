package compile

import "testing"

// DebugEstimate logs the compiler's own estimate of the following compilations.
func DebugEstimate(t testing.TB) {
	debugEstimate = func(c float64) { t.Logf("estimate %.0f cycles", c) }
}
