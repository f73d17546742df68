// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// One frame that is taken twice is no slice of the frames.
func TestGatherOfOneFrameTwice(t *testing.T) {
	g := &graph.Graph{Name: "twice"}
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, 4, 3}})
	index := &graph.Tensor{Name: "index", Type: graph.Int32, Shape: []int{2}}
	index.SetInts([]int{2, 2})
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 2, 3}})
	g.Ops = []*graph.Op{{Kind: graph.Gather, Attr: graph.GatherAttr{Axis: 1}, Inputs: []graph.TensorID{x, g.Add(index)}, Outputs: []graph.TensorID{y}}}
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	_, err := Step(g, Options{Steps: 1, Axis: map[graph.TensorID]int{x: 1}})
	if err == nil || !strings.Contains(err.Error(), "order of its own") {
		t.Errorf("error %v, expected that it chooses frames in an order of its own", err)
	}
}
