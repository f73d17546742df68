// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Cache remembers rounded weights for graphs of one plan that differ in the widths of
// values alone: rounding by moments takes longer than the rest. It may be shared by
// goroutines; a nil cache remembers nothing.
type Cache struct {
	mu   sync.Mutex
	made map[cacheKey]*cached
}

// cacheKey is what rounding depends on beside the plan and the options.
type cacheKey struct {
	id     graph.TensorID
	in     float32
	scales string
}

type cached struct {
	once sync.Once
	roundedWeights
}

// roundedWeights are integers, and what their errors add to each output on average where
// moments say so.
type roundedWeights struct {
	data []byte
	mean []float64
}

// rounded returns what make gives, which it calls once for the same weights, scale of
// inputs and scales of weights.
func (c *Cache) rounded(id graph.TensorID, in float32, scales []float32, make func() roundedWeights) roundedWeights {
	if c == nil {
		return make()
	}
	var b []byte
	for _, s := range scales {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s))
	}
	key := cacheKey{id, in, string(b)}
	c.mu.Lock()
	if c.made == nil {
		c.made = map[cacheKey]*cached{}
	}
	e := c.made[key]
	if e == nil {
		e = &cached{}
		c.made[key] = e
	}
	c.mu.Unlock()
	e.once.Do(func() { e.roundedWeights = make() })
	return e.roundedWeights
}
