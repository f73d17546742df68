// SPDX-License-Identifier: Apache-2.0

package graph

// Summary is what a graph is from outside, for programs that read it as JSON. Its
// form is stable.
type Summary struct {
	Name          string         `json:"name"`
	Operators     int            `json:"operators"`
	OperatorsBy   map[string]int `json:"operators_by"` // count by name
	ConstantBytes int            `json:"constant_bytes"`
	Inputs        []Port         `json:"inputs"`
	Outputs       []Port         `json:"outputs"`
}

// Port is an input or output of a graph. State names the other end when it is carried
// from call to call. Without quantization the scale is 0.
type Port struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Shape     []int   `json:"shape"`
	Scale     float32 `json:"scale"`
	ZeroPoint int32   `json:"zero_point"`
	State     string  `json:"state,omitempty"`
}

// Summarize returns the summary of a valid graph.
func Summarize(g *Graph) Summary {
	s := Summary{Name: g.Name, Operators: len(g.Ops), OperatorsBy: map[string]int{}, ConstantBytes: g.constantBytes()}
	for _, op := range g.Ops {
		s.OperatorsBy[op.Kind.String()]++
	}
	other := map[TensorID]string{}
	for _, st := range g.States {
		other[st.In], other[st.Out] = g.Tensors[st.Out].Name, g.Tensors[st.In].Name
	}
	ports := func(ids []TensorID) []Port {
		list := make([]Port, len(ids))
		for i, id := range ids {
			t := g.Tensors[id]
			list[i] = Port{Name: t.Name, Type: t.Type.String(), Shape: append([]int{}, t.Shape...), State: other[id]}
			if t.Quant != nil && len(t.Quant.Scales) > 0 {
				list[i].Scale, list[i].ZeroPoint = t.Scale(), t.ZeroPoint()
			}
		}
		return list
	}
	s.Inputs, s.Outputs = ports(g.Inputs), ports(g.Outputs)
	return s
}
