// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"sync"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// mostStreams is how many bytes of encoded weights, and of the weights themselves, are
// remembered at most.
const mostStreams = 256 << 20

// Cycles returns a function that gives the estimated cycles of a call of a graph. Graphs
// that share weights are compiled faster one after the other: each matrix is encoded once.
// The function may be called from several goroutines.
func Cycles(opt Options) func(g *graph.Graph) (float64, error) {
	var mu sync.Mutex
	streams := schedule.NewStreams()
	return func(g *graph.Graph) (float64, error) {
		mu.Lock()
		defer mu.Unlock()
		if streams.Bytes() > mostStreams {
			streams = schedule.NewStreams()
		}
		own := opt
		own.streams = streams
		p, err := Compile(g, own)
		if err != nil {
			return 0, err
		}
		r, err := perf.Estimate(p)
		if err != nil {
			return 0, err
		}
		return float64(r.Total), nil
	}
}
