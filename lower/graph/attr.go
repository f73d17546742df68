// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Activation is a fused activation function, numbered as in the TFLite schema.
type Activation uint8

// Fused activations.
const (
	ActNone      Activation = 0
	ActRelu      Activation = 1
	ActReluN1To1 Activation = 2
	ActRelu6     Activation = 3
	ActTanh      Activation = 4
)

var activationNames = [...]string{"NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH"}

func (a Activation) String() string {
	if int(a) < len(activationNames) {
		return activationNames[a]
	}
	return fmt.Sprintf("Activation(%d)", uint8(a))
}

// Padding is the padding scheme of a convolution or pooling operator.
type Padding uint8

// Padding schemes, numbered as in the TFLite schema.
const (
	PadSame  Padding = 0
	PadValid Padding = 1
)

// Attribute types, one for each operator that has attributes.
type (
	// AddAttr belongs to ADD.
	AddAttr struct {
		Activation Activation
		PotScale16 bool // pot_scale_int16; has no effect on the arithmetic
	}
	// SubAttr belongs to SUB.
	SubAttr struct {
		Activation Activation
		PotScale16 bool
	}
	// MulAttr belongs to MUL.
	MulAttr struct{ Activation Activation }
	// FullyConnectedAttr belongs to FULLY_CONNECTED: input, weights [O,I], optional bias [O].
	FullyConnectedAttr struct {
		Activation  Activation
		KeepNumDims bool

		// Bias32 is quantized_bias_type INT32: int16 activations accumulate in
		// 32 bits also when there is no bias.
		Bias32 bool
	}
	// Conv2DAttr belongs to CONV_2D: input NHWC, weights OHWI, optional bias.
	Conv2DAttr struct {
		Padding              Padding
		StrideH, StrideW     int
		DilationH, DilationW int
		Activation           Activation
		Bias32               bool // as in FullyConnectedAttr
	}
	// DepthwiseConv2DAttr belongs to DEPTHWISE_CONV_2D: input NHWC, weights 1HWC, optional bias.
	DepthwiseConv2DAttr struct {
		Padding              Padding
		StrideH, StrideW     int
		DilationH, DilationW int
		DepthMultiplier      int
		Activation           Activation
	}
	// Pool2DAttr belongs to AVERAGE_POOL_2D and MAX_POOL_2D.
	Pool2DAttr struct {
		Padding          Padding
		StrideH, StrideW int
		FilterH, FilterW int
		Activation       Activation
	}
	// ConcatenationAttr belongs to CONCATENATION.
	ConcatenationAttr struct {
		Axis       int
		Activation Activation
	}
	// ReshapeAttr belongs to RESHAPE; the output tensor's shape decides.
	ReshapeAttr struct{ NewShape []int }
	// SoftmaxAttr belongs to SOFTMAX, over the last dimension.
	SoftmaxAttr struct{ Beta float32 }
	// StridedSliceAttr belongs to STRIDED_SLICE: input, begin, end, strides.
	StridedSliceAttr struct {
		BeginMask, EndMask, EllipsisMask, NewAxisMask, ShrinkAxisMask int
	}
	// SplitAttr belongs to SPLIT: axis (scalar tensor), input.
	SplitAttr struct{ NumSplits int }
	// CastAttr belongs to CAST. Kernels go by the tensors' types, which have to be these;
	// both float32, the schema's default, stands for nothing said.
	CastAttr struct{ In, Out DType }
	// SplitVAttr belongs to SPLIT_V: input, sizes, axis.
	SplitVAttr struct{ NumSplits int }
	// PackAttr belongs to PACK.
	PackAttr struct{ Axis, ValuesCount int }
	// UnpackAttr belongs to UNPACK.
	UnpackAttr struct{ Axis, Num int }
	// LSTMAttr belongs to UNIDIRECTIONAL_SEQUENCE_LSTM, 24 inputs.
	LSTMAttr struct {
		Activation         Activation
		CellClip, ProjClip float32
		TimeMajor          bool
	}
	// SequenceRNNAttr belongs to UNIDIRECTIONAL_SEQUENCE_RNN: input, weights, recurrent
	// weights, bias, state.
	SequenceRNNAttr struct {
		TimeMajor  bool
		Activation Activation
	}
	// ReducerAttr belongs to MEAN, SUM, REDUCE_MAX and REDUCE_MIN: input, axes.
	ReducerAttr struct{ KeepDims bool }
	// MirrorPadAttr belongs to MIRROR_PAD: REFLECT leaves the edge out, SYMMETRIC repeats it.
	MirrorPadAttr struct{ Symmetric bool }
	// LeakyReluAttr belongs to LEAKY_RELU: x, or Alpha*x below 0.
	LeakyReluAttr struct{ Alpha float32 }
	// TransposeConvAttr belongs to TRANSPOSE_CONV: output shape, weights OHWI, input NHWC, optional bias.
	TransposeConvAttr struct {
		Padding          Padding
		StrideH, StrideW int
		Activation       Activation
		Bias32           bool // as in FullyConnectedAttr
	}
	// ResizeAttr belongs to RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: input NHWC, [height, width].
	ResizeAttr struct{ AlignCorners, HalfPixelCenters bool }
	// DivAttr belongs to DIV.
	DivAttr struct{ Activation Activation }
	// SVDFAttr belongs to SVDF: input, feature weights, time weights, optional bias, state.
	SVDFAttr struct {
		Rank       int
		Activation Activation
		Asymmetric bool // asymmetric_quantize_inputs, for hybrid kernels alone
	}
	// BatchMatMulAttr belongs to BATCH_MATMUL: x, y; Adj transposes the last two dimensions.
	BatchMatMulAttr struct {
		AdjX, AdjY bool
		Asymmetric bool // asymmetric_quantize_inputs, for hybrid kernels alone
	}
	// ArgAttr belongs to ARG_MAX and ARG_MIN: input, axis.
	ArgAttr struct{ Output DType }
	// GatherAttr belongs to GATHER: input, indices.
	GatherAttr struct{ Axis, BatchDims int }
	// SqueezeAttr belongs to SQUEEZE; no Dims are all dimensions of 1.
	SqueezeAttr struct{ Dims []int }
	// BlockAttr belongs to SPACE_TO_DEPTH and DEPTH_TO_SPACE.
	BlockAttr struct{ Size int }
	// L2NormAttr belongs to L2_NORMALIZATION, over the last dimension.
	L2NormAttr struct{ Activation Activation }
	// CumsumAttr belongs to CUMSUM: input, axis.
	CumsumAttr struct{ Exclusive, Reverse bool }
	// GeluAttr belongs to GELU; Approximate is the form with TANH.
	GeluAttr struct{ Approximate bool }
	// ShapeAttr belongs to SHAPE.
	ShapeAttr struct{ Output DType }
	// CallOnceAttr belongs to CALL_ONCE: the subgraph that a program runs before all others.
	CallOnceAttr struct{ Subgraph int }
	// VarHandleAttr belongs to VAR_HANDLE. The name of the variable is a string of the file.
	VarHandleAttr struct{ Container, Name string }
	// LRNAttr belongs to LOCAL_RESPONSE_NORMALIZATION: over 2*Radius+1 channels.
	LRNAttr struct {
		Radius            int
		Bias, Alpha, Beta float32
	}
	// OneHotAttr belongs to ONE_HOT: indices, depth, value of the one, value of the others.
	OneHotAttr struct{ Axis int }
	// ReverseSequenceAttr belongs to REVERSE_SEQUENCE: input, lengths.
	ReverseSequenceAttr struct{ Dim, BatchDim int }
	// IfAttr belongs to IF: the subgraphs of which one is run.
	IfAttr struct{ Then, Else int }
	// WhileAttr belongs to WHILE: the subgraph that says whether to go on, and what is repeated.
	WhileAttr struct{ Cond, Body int }
	// CustomAttr belongs to CUSTOM operators such as "ethos-u".
	CustomAttr struct {
		Code    string
		Options []byte
	}
)
