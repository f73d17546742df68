package tflite

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// versions gives the operator version that a runtime must know, by the type
// of the operand that decides: float32, int8, int16. Cases that depend on
// more are in operatorVersion.
var versions = map[graph.Kind][3]int{
	graph.Add:                        {1, 2, 3},
	graph.AveragePool2D:              {1, 2, 3},
	graph.Cast:                       {1, 3, 1},
	graph.Concatenation:              {1, 2, 3},
	graph.Conv2D:                     {1, 3, 4},
	graph.DepthwiseConv2D:            {1, 3, 5},
	graph.Dequantize:                 {1, 2, 3},
	graph.FullyConnected:             {1, 4, 7},
	graph.Logistic:                   {1, 2, 3},
	graph.MaxPool2D:                  {1, 2, 3},
	graph.Maximum:                    {1, 2, 4},
	graph.Minimum:                    {1, 2, 4},
	graph.Mul:                        {1, 2, 4},
	graph.Pack:                       {1, 2, 3},
	graph.Quantize:                   {1, 1, 1},
	graph.Relu:                       {1, 2, 3},
	graph.Relu6:                      {1, 2, 3},
	graph.Reshape:                    {1, 1, 1},
	graph.Slice:                      {1, 2, 4},
	graph.Softmax:                    {1, 2, 3},
	graph.Split:                      {1, 2, 4},
	graph.SplitV:                     {1, 2, 1},
	graph.StridedSlice:               {1, 2, 1},
	graph.Sub:                        {1, 2, 5},
	graph.Tanh:                       {1, 2, 3},
	graph.Transpose:                  {1, 2, 5},
	graph.UnidirectionalSequenceLSTM: {1, 1, 1},
	graph.Unpack:                     {1, 2, 4},
}

// operatorVersion returns the version of a validated operator.
func operatorVersion(g *graph.Graph, op *graph.Op) int {
	row, ok := versions[op.Kind]
	if !ok {
		return 1
	}
	in := g.Tensors[op.Inputs[0]]
	if op.Kind == graph.Split {
		in = g.Tensors[op.Inputs[1]]
	}
	rank := len(in.Shape)
	v := row[0]
	switch in.Type {
	case graph.Int8:
		v = row[1]
	case graph.Int16:
		v = row[2]
	}
	switch op.Kind {
	case graph.FullyConnected:
		a := op.Attr.(graph.FullyConnectedAttr)
		switch {
		case in.Type == graph.Int16 && a.Bias32:
			return 11
		case in.Type == graph.Int16:
			return v
		case len(op.Inputs) == 2:
			return 6
		case a.KeepNumDims:
			return 5
		}
	case graph.Conv2D:
		if in.Type == graph.Int16 && op.Attr.(graph.Conv2DAttr).Bias32 {
			return 8
		}
	case graph.Mul:
		a, b, y := in.Scale(), g.Tensors[op.Inputs[1]].Scale(), g.Tensors[op.Outputs[0]].Scale()
		if in.Type == graph.Int8 && float32(a*b)/y >= 1 {
			return 3
		}
	case graph.Add:
		if in.Type == graph.Int16 && op.Attr.(graph.AddAttr).PotScale16 {
			return 1
		}
	case graph.Sub:
		if in.Type == graph.Int16 && op.Attr.(graph.SubAttr).PotScale16 {
			return 1
		}
	case graph.Transpose:
		switch {
		case rank > 5:
			return 6
		case rank == 5 && in.Type != graph.Int16:
			return 4
		}
	case graph.Slice:
		if rank > 4 {
			return 5
		}
	case graph.StridedSlice:
		if rank > 4 {
			return 4
		}
	case graph.Quantize: // what it makes decides, not what it takes
		if g.Tensors[op.Outputs[0]].Type == graph.Int16 {
			return 2
		}
	}
	return v
}

// runtimeMetadata names the blob with the oldest runtime that has all
// operators: 16 bytes, padded with zeros.
const (
	runtimeMetadata = "min_runtime_version"
	runtimeBytes    = 16
)

// release is a TensorFlow release that first had an operator version.
type release struct{ major, minor int }

// String returns the release's number. What came with 1.13 came with its patch.
func (r release) String() string {
	if r == (release{1, 13}) {
		return "1.13.1"
	}
	return fmt.Sprintf("%d.%d.0", r.major, r.minor)
}

// releases has the first release of each version, from version 1.
var releases = map[graph.Kind][]release{
	graph.Add:                        {{1, 5}, {1, 14}, {2, 4}, {2, 6}},
	graph.AveragePool2D:              {{1, 5}, {1, 14}, {2, 3}},
	graph.Cast:                       {{1, 5}, {2, 7}, {2, 8}, {2, 9}, {2, 12}},
	graph.Concatenation:              {{1, 5}, {1, 14}, {2, 3}},
	graph.Conv2D:                     {{1, 5}, {1, 14}, {1, 14}, {2, 3}, {2, 4}, {2, 9}, {2, 12}, {2, 15}},
	graph.DepthwiseConv2D:            {{1, 5}, {1, 12}, {1, 14}, {2, 2}, {2, 3}, {2, 3}},
	graph.Dequantize:                 {{1, 13}, {1, 14}, {1, 15}, {2, 2}, {2, 7}},
	graph.FullyConnected:             {{1, 5}, {1, 10}, {1, 14}, {1, 14}, {2, 0}, {2, 1}, {2, 3}, {2, 3}, {2, 3}, {2, 12}, {2, 15}},
	graph.Logistic:                   {{1, 14}, {1, 14}, {2, 3}},
	graph.MaxPool2D:                  {{1, 5}, {1, 14}, {2, 3}},
	graph.Maximum:                    {{1, 14}, {1, 14}, {2, 3}, {2, 3}},
	graph.Minimum:                    {{1, 14}, {1, 14}, {2, 3}, {2, 3}},
	graph.Mul:                        {{1, 5}, {1, 14}, {1, 15}, {2, 3}},
	graph.Pack:                       {{1, 11}, {1, 14}, {2, 3}},
	graph.Quantize:                   {{1, 14}, {1, 15}, {2, 7}},
	graph.Relu:                       {{1, 5}, {2, 1}, {2, 5}},
	graph.Relu6:                      {{1, 5}, {1, 14}, {2, 5}},
	graph.Reshape:                    {{1, 5}},
	graph.Slice:                      {{1, 14}, {1, 14}, {1, 14}, {2, 4}, {2, 5}},
	graph.Softmax:                    {{1, 5}, {1, 14}, {2, 3}},
	graph.Split:                      {{1, 5}, {1, 14}, {1, 14}, {2, 3}},
	graph.SplitV:                     {{1, 13}, {2, 3}},
	graph.StridedSlice:               {{1, 6}, {1, 14}, {2, 1}, {2, 2}, {2, 5}, {2, 6}},
	graph.Sub:                        {{1, 6}, {1, 14}, {2, 3}, {2, 4}, {2, 4}},
	graph.Tanh:                       {{1, 14}, {1, 14}, {2, 3}},
	graph.Transpose:                  {{1, 6}, {1, 14}, {1, 15}, {2, 3}, {2, 4}, {2, 12}},
	graph.UnidirectionalSequenceLSTM: {{1, 13}, {1, 14}, {2, 3}},
	graph.Unpack:                     {{1, 11}, {1, 14}, {2, 2}, {2, 3}},
}

// minRuntimeVersion returns the metadata for the operator codes of a model.
func minRuntimeVersion(codes []opCode) []byte {
	newest := release{1, 5}
	for _, c := range codes {
		if known := releases[c.kind]; c.version >= 1 && c.version <= len(known) {
			if r := known[c.version-1]; r.major > newest.major || r.major == newest.major && r.minor > newest.minor {
				newest = r
			}
		}
	}
	b := make([]byte, runtimeBytes)
	copy(b, newest.String())
	return b
}
