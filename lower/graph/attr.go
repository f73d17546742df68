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
	// CastAttr belongs to CAST. Kernels go by the tensors' types, as we do.
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
	// CustomAttr belongs to CUSTOM operators such as "ethos-u".
	CustomAttr struct {
		Code    string
		Options []byte
	}
)
