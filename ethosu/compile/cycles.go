// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Cycles returns the estimated NPU cycles of one call of a graph, compiled with the
// given options. Errors are those of Compile.
func Cycles(g *graph.Graph, opt Options) (float64, error) {
	p, err := Compile(g, opt)
	if err != nil {
		return 0, err
	}
	r, err := perf.Estimate(p)
	if err != nil {
		return 0, err
	}
	return float64(r.Total), nil
}
