package graph

import "fmt"

// Kind is an operator kind. The values are TFLite's BuiltinOperator numbers.
type Kind int32

// Operators, numbered as in the TFLite schema, with the type of Op.Attr.
const (
	Add                        Kind = 0   // AddAttr
	AveragePool2D              Kind = 1   // Pool2DAttr
	Concatenation              Kind = 2   // ConcatenationAttr
	Conv2D                     Kind = 3   // Conv2DAttr
	DepthwiseConv2D            Kind = 4   // DepthwiseConv2DAttr
	Dequantize                 Kind = 6   // nil
	FullyConnected             Kind = 9   // FullyConnectedAttr
	Logistic                   Kind = 14  // nil
	MaxPool2D                  Kind = 17  // Pool2DAttr
	Mul                        Kind = 18  // MulAttr
	Relu                       Kind = 19  // nil
	Relu6                      Kind = 21  // nil
	Reshape                    Kind = 22  // ReshapeAttr
	Softmax                    Kind = 25  // SoftmaxAttr
	Tanh                       Kind = 28  // nil
	Custom                     Kind = 32  // CustomAttr
	Transpose                  Kind = 39  // nil, permutation is input 1
	Sub                        Kind = 41  // SubAttr
	UnidirectionalSequenceLSTM Kind = 44  // LSTMAttr
	StridedSlice               Kind = 45  // StridedSliceAttr
	Split                      Kind = 49  // SplitAttr
	Cast                       Kind = 53  // CastAttr
	Maximum                    Kind = 55  // nil
	Minimum                    Kind = 57  // nil
	Slice                      Kind = 65  // nil
	Pack                       Kind = 83  // PackAttr
	Unpack                     Kind = 88  // UnpackAttr
	SplitV                     Kind = 102 // SplitVAttr
	Quantize                   Kind = 114 // nil
)

var kindNames = map[Kind]string{
	Add: "ADD", AveragePool2D: "AVERAGE_POOL_2D", Concatenation: "CONCATENATION", Conv2D: "CONV_2D",
	DepthwiseConv2D: "DEPTHWISE_CONV_2D", Dequantize: "DEQUANTIZE", FullyConnected: "FULLY_CONNECTED",
	Logistic: "LOGISTIC", MaxPool2D: "MAX_POOL_2D", Mul: "MUL", Relu: "RELU", Relu6: "RELU6",
	Reshape: "RESHAPE", Softmax: "SOFTMAX", Tanh: "TANH", Custom: "CUSTOM", Transpose: "TRANSPOSE",
	Sub: "SUB", UnidirectionalSequenceLSTM: "UNIDIRECTIONAL_SEQUENCE_LSTM", StridedSlice: "STRIDED_SLICE",
	Split: "SPLIT", Maximum: "MAXIMUM", Minimum: "MINIMUM", Slice: "SLICE", Pack: "PACK", Unpack: "UNPACK",
	SplitV: "SPLIT_V", Quantize: "QUANTIZE", Cast: "CAST",
}

// Known reports whether the operator is one this project can execute.
func (k Kind) Known() bool { _, ok := kindNames[k]; return ok }

func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("Op(%d)", int32(k))
}
