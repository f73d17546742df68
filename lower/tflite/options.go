package tflite

import "github.com/unroll-npu/unroll/lower/graph"

// fields visits the fields of an options table, reading or writing them. What
// equals the default is not stored.
type fields interface {
	byte(slot int, v *uint8, def uint8)
	bool(slot int, v *bool, def bool)
	int(slot int, v *int, def int)
	float(slot int, v *float32)
	ints(slot int, v *[]int)
}

// optionRow describes the builtin options of one operator: the number of its
// table in the schema's union, and how its attributes lie in that table. The
// same function reads and writes: it gets the attributes (or nil), visits
// their fields and returns them.
type optionRow struct {
	union uint8
	visit func(f fields, attr any) any
}

// bare is for operators whose options table has no fields that matter.
func bare(fields, any) any { return nil }

// options has one row for every operator that is supported.
var options = map[graph.Kind]optionRow{
	graph.Add: {11, func(f fields, attr any) any {
		a, _ := attr.(graph.AddAttr)
		f.byte(0, (*uint8)(&a.Activation), 0)
		f.bool(1, &a.PotScale16, true)
		return a
	}},
	graph.Sub: {28, func(f fields, attr any) any {
		a, _ := attr.(graph.SubAttr)
		f.byte(0, (*uint8)(&a.Activation), 0)
		f.bool(1, &a.PotScale16, true)
		return a
	}},
	graph.Mul: {21, func(f fields, attr any) any {
		a, _ := attr.(graph.MulAttr)
		f.byte(0, (*uint8)(&a.Activation), 0)
		return a
	}},
	graph.FullyConnected: {8, func(f fields, attr any) any {
		a, _ := attr.(graph.FullyConnectedAttr)
		f.byte(0, (*uint8)(&a.Activation), 0)
		var format uint8
		f.byte(1, &format, 0)
		f.bool(2, &a.KeepNumDims, false)
		visitBias32(f, 4, &a.Bias32)
		return a
	}},
	graph.Conv2D: {1, func(f fields, attr any) any {
		a, _ := attr.(graph.Conv2DAttr)
		f.byte(0, (*uint8)(&a.Padding), 0)
		f.int(1, &a.StrideW, 0)
		f.int(2, &a.StrideH, 0)
		f.byte(3, (*uint8)(&a.Activation), 0)
		f.int(4, &a.DilationW, 1)
		f.int(5, &a.DilationH, 1)
		visitBias32(f, 6, &a.Bias32)
		return a
	}},
	graph.DepthwiseConv2D: {2, func(f fields, attr any) any {
		a, _ := attr.(graph.DepthwiseConv2DAttr)
		f.byte(0, (*uint8)(&a.Padding), 0)
		f.int(1, &a.StrideW, 0)
		f.int(2, &a.StrideH, 0)
		f.int(3, &a.DepthMultiplier, 0)
		f.byte(4, (*uint8)(&a.Activation), 0)
		f.int(5, &a.DilationW, 1)
		f.int(6, &a.DilationH, 1)
		return a
	}},
	graph.AveragePool2D: {5, visitPool},
	graph.MaxPool2D:     {5, visitPool},
	graph.Softmax: {9, func(f fields, attr any) any {
		a, _ := attr.(graph.SoftmaxAttr)
		f.float(0, &a.Beta)
		return a
	}},
	graph.Concatenation: {10, func(f fields, attr any) any {
		a, _ := attr.(graph.ConcatenationAttr)
		f.int(0, &a.Axis, 0)
		f.byte(1, (*uint8)(&a.Activation), 0)
		return a
	}},
	graph.Reshape: {17, func(f fields, attr any) any {
		a, _ := attr.(graph.ReshapeAttr)
		f.ints(0, &a.NewShape)
		return a
	}},
	graph.StridedSlice: {32, func(f fields, attr any) any {
		a, _ := attr.(graph.StridedSliceAttr)
		for slot, v := range []*int{&a.BeginMask, &a.EndMask, &a.EllipsisMask, &a.NewAxisMask, &a.ShrinkAxisMask} {
			f.int(slot, v, 0)
		}
		return a
	}},
	graph.Split: {35, func(f fields, attr any) any {
		a, _ := attr.(graph.SplitAttr)
		f.int(0, &a.NumSplits, 0)
		return a
	}},
	graph.SplitV: {79, func(f fields, attr any) any {
		a, _ := attr.(graph.SplitVAttr)
		f.int(0, &a.NumSplits, 0)
		return a
	}},
	graph.Pack: {59, func(f fields, attr any) any {
		a, _ := attr.(graph.PackAttr)
		f.int(0, &a.ValuesCount, 0)
		f.int(1, &a.Axis, 0)
		return a
	}},
	graph.Unpack: {64, func(f fields, attr any) any {
		a, _ := attr.(graph.UnpackAttr)
		f.int(0, &a.Num, 0)
		f.int(1, &a.Axis, 0)
		return a
	}},
	graph.UnidirectionalSequenceLSTM: {71, func(f fields, attr any) any {
		a, _ := attr.(graph.LSTMAttr)
		f.byte(0, (*uint8)(&a.Activation), 0)
		f.float(1, &a.CellClip)
		f.float(2, &a.ProjClip)
		f.bool(3, &a.TimeMajor, false)
		return a
	}},
	graph.Cast: {37, func(f fields, attr any) any {
		a, _ := attr.(graph.CastAttr)
		f.byte(0, (*uint8)(&a.In), 0)
		f.byte(1, (*uint8)(&a.Out), 0)
		return a
	}},
	graph.Transpose:  {26, bare},
	graph.Slice:      {48, bare},
	graph.Dequantize: {38, bare},
	graph.Quantize:   {89, bare},
	graph.Maximum:    {39, bare},
	graph.Minimum:    {39, bare},
	graph.Logistic:   {0, bare},
	graph.Tanh:       {0, bare},
	graph.Relu:       {0, bare},
	graph.Relu6:      {0, bare},
}

func visitPool(f fields, attr any) any {
	a, _ := attr.(graph.Pool2DAttr)
	f.byte(0, (*uint8)(&a.Padding), 0)
	f.int(1, &a.StrideW, 0)
	f.int(2, &a.StrideH, 0)
	f.int(3, &a.FilterW, 0)
	f.int(4, &a.FilterH, 0)
	f.byte(5, (*uint8)(&a.Activation), 0)
	return a
}

// visitBias32 maps quantized_bias_type, a tensor type, to "is INT32".
func visitBias32(f fields, slot int, v *bool) {
	var t uint8
	if *v {
		t = uint8(graph.Int32)
	}
	f.byte(slot, &t, 0)
	*v = t == uint8(graph.Int32)
}
