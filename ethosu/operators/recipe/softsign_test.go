// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Softsign is x / (1 + |x|), an operator that no schema has. This file is all that there
// is of it: the row of its kind.
const Softsign graph.Kind = 9001

func init() {
	graph.Register(graph.Descriptor{
		Kind: Softsign, Name: "SOFTSIGN",
		Inputs: graph.Count{Min: 1, Max: 1}, Outputs: graph.Count{Min: 1, Max: 1},
		Types: graph.TypesEqual, Shapes: graph.ShapesSame,
		Real: func(_ *graph.Op, x float64) float64 { return x / (1 + math.Abs(x)) },
		File: graph.File{Fields: graph.NoFields},
	})
}
