// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"encoding/json"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// params are the parameters of all operators; each uses some of them.
type params struct {
	InputScale, InputZP, Input1Scale, Input1ZP, Input2Scale, Input2ZP float64
	OutputScale, OutputZP, Scale, ZP                                  float64

	Activation                             string
	WeightScale                            json.RawMessage
	Weights                                [][]float64
	WeightsShape                           []int
	Bias                                   json.RawMessage
	BiasDType                              string
	Axis, NumSplits, Num, ValuesCount      int
	SizeSplits, Begin, End, Size, Strides  []float64
	BeginMask, EndMask, ShrinkAxisMask     int
	NewShape                               []int
	Perm                                   []float64
	Beta                                   float64
	Time, InputSize, Hidden                int
	HiddenScale, HiddenZP, CellScale, Clip float64
	FinalCell                              []int16
	InputWeights, RecurrentWeights         map[string]matrix
}

type matrix struct {
	Scale float64
	Data  [][]float64
}

// UnmarshalJSON maps the file's snake_case keys.
func (p *params) UnmarshalJSON(b []byte) error {
	fields := map[string]any{
		"input_scale": &p.InputScale, "input_zp": &p.InputZP, "input1_scale": &p.Input1Scale, "input1_zp": &p.Input1ZP,
		"input2_scale": &p.Input2Scale, "input2_zp": &p.Input2ZP, "output_scale": &p.OutputScale, "output_zp": &p.OutputZP,
		"scale": &p.Scale, "zp": &p.ZP, "activation": &p.Activation, "weight_scale": &p.WeightScale, "weights": &p.Weights,
		"weights_shape": &p.WeightsShape, "bias": &p.Bias, "bias_dtype": &p.BiasDType, "axis": &p.Axis, "num_splits": &p.NumSplits,
		"num": &p.Num, "values_count": &p.ValuesCount, "size_splits": &p.SizeSplits, "begin": &p.Begin, "end": &p.End, "size": &p.Size,
		"strides": &p.Strides, "begin_mask": &p.BeginMask, "end_mask": &p.EndMask, "shrink_axis_mask": &p.ShrinkAxisMask,
		"new_shape": &p.NewShape, "perm": &p.Perm, "beta": &p.Beta, "time": &p.Time, "input_size": &p.InputSize, "hidden": &p.Hidden,
		"hidden_scale": &p.HiddenScale, "hidden_zp": &p.HiddenZP, "cell_scale": &p.CellScale, "cell_clip": &p.Clip,
		"final_cell": &p.FinalCell, "input_weights": &p.InputWeights, "recurrent_weights": &p.RecurrentWeights,
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	for key, value := range raw {
		if dst, ok := fields[key]; ok {
			if err := json.Unmarshal(value, dst); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

var activations = map[string]graph.Activation{
	"": graph.ActNone, "NONE": graph.ActNone, "RELU": graph.ActRelu, "RELU_N1_TO_1": graph.ActReluN1To1, "RELU6": graph.ActRelu6,
}

var kinds = map[string]graph.Kind{
	"FULLY_CONNECTED": graph.FullyConnected, "CONV_2D": graph.Conv2D, "ADD": graph.Add, "SUB": graph.Sub, "MUL": graph.Mul,
	"LOGISTIC": graph.Logistic, "TANH": graph.Tanh, "QUANTIZE": graph.Quantize, "QUANTIZE_F32": graph.Quantize,
	"DEQUANTIZE": graph.Dequantize, "RELU": graph.Relu, "RELU6": graph.Relu6, "SPLIT": graph.Split, "SPLIT_V": graph.SplitV,
	"UNPACK": graph.Unpack, "PACK": graph.Pack, "CONCATENATION": graph.Concatenation, "SLICE": graph.Slice,
	"STRIDED_SLICE": graph.StridedSlice, "RESHAPE": graph.Reshape, "TRANSPOSE": graph.Transpose, "SOFTMAX": graph.Softmax,
	"UNIDIRECTIONAL_SEQUENCE_LSTM": graph.UnidirectionalSequenceLSTM,
}

func perTensor(scale, zero float64) *graph.Quant {
	if scale == 0 {
		return nil
	}
	return graph.PerTensor(float32(scale), int32(zero))
}

// build makes the graph: inputs, the constants of the operator, outputs.
func (r *rawCase) build() (*Case, error) {
	kind, ok := kinds[r.Op]
	if !ok {
		return nil, fmt.Errorf("operator is not known")
	}
	g, p := &graph.Graph{Name: r.Op}, &r.Params
	c := &Case{Op: r.Op, Graph: g, NPUStream: r.NPUStream, FinalCell: p.FinalCell}
	op := &graph.Op{Kind: kind}
	g.Ops = []*graph.Op{op}
	for i, x := range r.Inputs {
		d := dtypes[x.DType]
		q := perTensor(p.InputScale, p.InputZP)
		switch {
		case p.Scale != 0:
			q = perTensor(p.Scale, p.ZP)
		case p.Input1Scale != 0 && i == 0:
			q = perTensor(p.Input1Scale, p.Input1ZP)
		case p.Input1Scale != 0:
			q = perTensor(p.Input2Scale, p.Input2ZP)
		}
		g.Inputs = append(g.Inputs, g.Add(&graph.Tensor{Name: fmt.Sprintf("x%d", i), Type: d, Shape: x.Shape, Quant: q}))
		c.Inputs = append(c.Inputs, Encode(d, x.Data))
	}
	op.Inputs = append(op.Inputs, g.Inputs...)
	if err := r.parameters(g, op); err != nil {
		return nil, err
	}
	for i, y := range r.Outputs {
		d := dtypes[y.DType]
		q := perTensor(p.OutputScale, p.OutputZP)
		if p.Scale != 0 {
			q = perTensor(p.Scale, p.ZP)
		}
		if kind == graph.UnidirectionalSequenceLSTM {
			q = perTensor(p.HiddenScale, p.HiddenZP)
		}
		g.Outputs = append(g.Outputs, g.Add(&graph.Tensor{Name: fmt.Sprintf("y%d", i), Type: d, Shape: y.Shape, Quant: q}))
		c.Outputs = append(c.Outputs, Encode(d, y.Data))
	}
	op.Outputs = g.Outputs
	return c, nil
}

// parameters sets the operator's attributes and adds its constant inputs.
func (r *rawCase) parameters(g *graph.Graph, op *graph.Op) error {
	p := &r.Params
	act := activations[p.Activation]
	ints := func(name string, v []float64) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v)}, Data: Encode(graph.Int32, v)})
	}
	scalar := func(name string, v int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int32, Data: Encode(graph.Int32, []float64{float64(v)})})
	}
	switch op.Kind {
	case graph.FullyConnected:
		op.Attr = graph.FullyConnectedAttr{Activation: act}
		return r.weights(g, op)
	case graph.Conv2D:
		op.Attr = graph.Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: act}
		return r.weights(g, op)
	case graph.Add:
		op.Attr = graph.AddAttr{Activation: act}
	case graph.Sub:
		op.Attr = graph.SubAttr{Activation: act}
	case graph.Mul:
		op.Attr = graph.MulAttr{Activation: act}
	case graph.Softmax:
		op.Attr = graph.SoftmaxAttr{Beta: float32(p.Beta)}
	case graph.Split:
		op.Attr = graph.SplitAttr{NumSplits: p.NumSplits}
		op.Inputs = []graph.TensorID{scalar("axis", p.Axis), op.Inputs[0]}
	case graph.SplitV:
		op.Attr = graph.SplitVAttr{NumSplits: len(p.SizeSplits)}
		op.Inputs = append(op.Inputs, ints("sizes", p.SizeSplits), scalar("axis", p.Axis))
	case graph.Unpack:
		op.Attr = graph.UnpackAttr{Axis: p.Axis, Num: p.Num}
	case graph.Pack:
		op.Attr = graph.PackAttr{Axis: p.Axis, ValuesCount: p.ValuesCount}
	case graph.Concatenation:
		op.Attr = graph.ConcatenationAttr{Axis: p.Axis}
	case graph.Slice:
		op.Inputs = append(op.Inputs, ints("begin", p.Begin), ints("size", p.Size))
	case graph.StridedSlice:
		op.Attr = graph.StridedSliceAttr{BeginMask: p.BeginMask, EndMask: p.EndMask, ShrinkAxisMask: p.ShrinkAxisMask}
		op.Inputs = append(op.Inputs, ints("begin", p.Begin), ints("end", p.End), ints("strides", p.Strides))
	case graph.Reshape:
		op.Attr = graph.ReshapeAttr{NewShape: p.NewShape}
	case graph.Transpose:
		op.Inputs = append(op.Inputs, ints("perm", p.Perm))
	case graph.UnidirectionalSequenceLSTM:
		return r.lstm(g, op)
	}
	return nil
}

// weights adds weights and bias of FULLY_CONNECTED and CONV_2D.
func (r *rawCase) weights(g *graph.Graph, op *graph.Op) error {
	p := &r.Params
	var q *graph.Quant
	var scales []float64
	var one float64
	if err := json.Unmarshal(p.WeightScale, &one); err == nil {
		q = graph.PerTensor(float32(one), 0)
	} else if err := json.Unmarshal(p.WeightScale, &scales); err == nil {
		var s []float32
		for _, v := range scales {
			s = append(s, float32(v))
		}
		q = graph.PerChannel(s, 0)
	} else {
		return err
	}
	shape := p.WeightsShape
	if shape == nil {
		shape = []int{len(p.Weights), len(p.Weights[0])}
	}
	op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: "weights", Type: graph.Int8, Shape: shape, Quant: q, Data: Encode(graph.Int8, flatten(p.Weights))}))
	var bias []float64
	if err := json.Unmarshal(p.Bias, &bias); err != nil || bias == nil {
		return err
	}
	d := graph.Int32
	if p.BiasDType == "int64" {
		d = graph.Int64
	}
	op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: "bias", Type: d, Shape: []int{len(bias)}, Data: Encode(d, bias)}))
	return nil
}

// lstm adds the 23 further inputs of UNIDIRECTIONAL_SEQUENCE_LSTM.
func (r *rawCase) lstm(g *graph.Graph, op *graph.Op) error {
	p := &r.Params
	var bias map[string][]float64
	if err := json.Unmarshal(p.Bias, &bias); err != nil {
		return err
	}
	op.Attr = graph.LSTMAttr{Activation: graph.ActTanh, CellClip: float32(p.Clip)}
	all := make([]graph.TensorID, 24)
	for i := range all {
		all[i] = graph.None
	}
	all[0] = op.Inputs[0]
	for k, gate := range []string{"i", "f", "c", "o"} {
		w, u := p.InputWeights[gate], p.RecurrentWeights[gate]
		all[1+k] = g.Add(&graph.Tensor{Name: "w_" + gate, Type: graph.Int8, Shape: []int{p.Hidden, p.InputSize}, Quant: perTensor(w.Scale, 0), Data: Encode(graph.Int8, flatten(w.Data))})
		all[5+k] = g.Add(&graph.Tensor{Name: "u_" + gate, Type: graph.Int8, Shape: []int{p.Hidden, p.Hidden}, Quant: perTensor(u.Scale, 0), Data: Encode(graph.Int8, flatten(u.Data))})
		all[12+k] = g.Add(&graph.Tensor{Name: "b_" + gate, Type: graph.Int32, Shape: []int{p.Hidden}, Data: Encode(graph.Int32, bias[gate])})
	}
	all[18] = g.Add(&graph.Tensor{Name: "hidden", Type: graph.Int8, Shape: []int{1, p.Hidden}, Quant: perTensor(p.HiddenScale, p.HiddenZP), Variable: true})
	all[19] = g.Add(&graph.Tensor{Name: "cell", Type: graph.Int16, Shape: []int{1, p.Hidden}, Quant: perTensor(p.CellScale, 0), Variable: true})
	op.Inputs = all
	return nil
}

func flatten(rows [][]float64) (all []float64) {
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}
