// SPDX-License-Identifier: Apache-2.0

package lower

import "math"

// margin is the part of a bound on errors that is aimed at: they are measured on the data
// that decided the ranges, and other data lose more. Over five seeds of three cells,
// networks of turbofan engines lost up to 1.1 times as much on the test part, and ones of
// 48 short sequences 1.3 times.
const margin = 0.75

// aimNumbers is the error on the calibration data that keeps a bound elsewhere: of numbers
// the relative one, of probabilities the mean.
func aimNumbers(bound float64) float64 { return margin * bound }

// Of decisions, see aimDecisions.
const (
	foreseen = 2      // times as many as are expected are lost by other data at most
	seldom   = 1.645  // standard deviations, beyond which one of twenty sets lies
	noneLost = 0.0513 // lost in the mean where nineteen of twenty sets lose none: -ln 0.95
)

// aimDecisions is the part of n decisions of the calibration data that is expected to be
// lost where a bound is kept elsewhere. Two things stand between the two. Networks are surer
// of what they were trained on, so that other data are nearer to the border: test parts lost
// up to twice as many as was expected, also where the network names three times as many of
// them wrongly. And what is rare comes in numbers that differ: not the mean of sets of n
// decisions but nineteen of twenty of them shall lose no more than the bound, or the next
// decision beyond it. For few decisions that is far less in the mean, for very many it is
// half of the bound.
func aimDecisions(bound float64, n int) float64 {
	if n < 1 {
		return bound / foreseen
	}
	// A Poisson variable of mean m stays below m + seldom·√m so often.
	most := float64(bound * float64(n))
	root := math.Sqrt(float64(seldom*seldom/4)+most) - float64(seldom)/2
	mean := math.Max(float64(root*root), noneLost)
	return math.Min(mean/float64(n), bound) / foreseen
}
