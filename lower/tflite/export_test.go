// SPDX-License-Identifier: Apache-2.0

package tflite

import "github.com/unroll-npu/unroll/lower/graph"

// Encode writes a graph that is not checked, and subgraphs, as converters write them.
func Encode(g *graph.Graph, more ...*graph.Graph) []byte { return encode(&Model{Graph: g}, more...) }

// Names are the schema's names of all operators, by number.
var Names = foreignNames
