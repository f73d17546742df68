// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Kind is an operator kind. The values are TFLite's BuiltinOperator numbers.
type Kind int32

// Operators, numbered as in the TFLite schema. Describe has everything else about
// them: the row of each is in a file kind_*.go of its family.
const (
	Add                        Kind = 0
	AveragePool2D              Kind = 1
	Concatenation              Kind = 2
	Conv2D                     Kind = 3
	DepthwiseConv2D            Kind = 4
	DepthToSpace               Kind = 5
	Dequantize                 Kind = 6
	EmbeddingLookup            Kind = 7
	Floor                      Kind = 8
	FullyConnected             Kind = 9
	L2Normalization            Kind = 11
	L2Pool2D                   Kind = 12
	LocalResponseNormalization Kind = 13
	Logistic                   Kind = 14
	MaxPool2D                  Kind = 17
	Mul                        Kind = 18
	Relu                       Kind = 19
	ReluN1To1                  Kind = 20
	Relu6                      Kind = 21
	Reshape                    Kind = 22
	ResizeBilinear             Kind = 23
	Softmax                    Kind = 25
	SpaceToDepth               Kind = 26
	SVDF                       Kind = 27
	Tanh                       Kind = 28
	Custom                     Kind = 32
	Pad                        Kind = 34
	UnidirectionalSequenceRNN  Kind = 35
	Gather                     Kind = 36
	BatchToSpaceND             Kind = 37
	SpaceToBatchND             Kind = 38
	Transpose                  Kind = 39
	Mean                       Kind = 40
	Sub                        Kind = 41
	Div                        Kind = 42
	Squeeze                    Kind = 43
	UnidirectionalSequenceLSTM Kind = 44
	StridedSlice               Kind = 45
	Exp                        Kind = 47
	Split                      Kind = 49
	LogSoftmax                 Kind = 50
	Cast                       Kind = 53
	PRelu                      Kind = 54
	Maximum                    Kind = 55
	ArgMax                     Kind = 56
	Minimum                    Kind = 57
	Less                       Kind = 58
	Neg                        Kind = 59
	PadV2                      Kind = 60
	Greater                    Kind = 61
	GreaterEqual               Kind = 62
	LessEqual                  Kind = 63
	Select                     Kind = 64
	Slice                      Kind = 65
	Sin                        Kind = 66
	TransposeConv              Kind = 67
	SparseToDense              Kind = 68
	Tile                       Kind = 69
	ExpandDims                 Kind = 70
	Equal                      Kind = 71
	NotEqual                   Kind = 72
	Log                        Kind = 73
	Sum                        Kind = 74
	Sqrt                       Kind = 75
	Rsqrt                      Kind = 76
	Shape                      Kind = 77
	Pow                        Kind = 78
	ArgMin                     Kind = 79
	ReduceProd                 Kind = 81
	ReduceMax                  Kind = 82
	Pack                       Kind = 83
	LogicalOr                  Kind = 84
	OneHot                     Kind = 85
	LogicalAnd                 Kind = 86
	LogicalNot                 Kind = 87
	Unpack                     Kind = 88
	ReduceMin                  Kind = 89
	FloorDiv                   Kind = 90
	ReduceAny                  Kind = 91
	Square                     Kind = 92
	ZerosLike                  Kind = 93
	Fill                       Kind = 94
	FloorMod                   Kind = 95
	Range                      Kind = 96
	ResizeNearestNeighbor      Kind = 97
	LeakyRelu                  Kind = 98
	SquaredDifference          Kind = 99
	MirrorPad                  Kind = 100
	Abs                        Kind = 101
	SplitV                     Kind = 102
	Ceil                       Kind = 104
	ReverseV2                  Kind = 105
	AddN                       Kind = 106
	GatherND                   Kind = 107
	Cos                        Kind = 108
	Rank                       Kind = 110
	Elu                        Kind = 111
	ReverseSequence            Kind = 112
	MatrixDiag                 Kind = 113
	Quantize                   Kind = 114
	MatrixSetDiag              Kind = 115
	Round                      Kind = 116
	HardSwish                  Kind = 117
	If                         Kind = 118
	While                      Kind = 119
	ScatterND                  Kind = 122
	SelectV2                   Kind = 123
	BatchMatMul                Kind = 126
	Cumsum                     Kind = 128
	CallOnce                   Kind = 129
	BroadcastTo                Kind = 130
	RFFT2D                     Kind = 131
	Imag                       Kind = 133
	RealPart                   Kind = 134
	ComplexAbs                 Kind = 135
	ReduceAll                  Kind = 140
	VarHandle                  Kind = 142
	ReadVariable               Kind = 143
	AssignVariable             Kind = 144
	BroadcastArgs              Kind = 145
	Gelu                       Kind = 150
	DynamicUpdateSlice         Kind = 151
	Relu0To1                   Kind = 152
	Sign                       Kind = 158
)

// Known reports whether there is a description of the operator.
func (k Kind) Known() bool { return descriptors[k] != nil }

func (k Kind) String() string {
	if d := descriptors[k]; d != nil {
		return d.Name
	}
	return fmt.Sprintf("Op(%d)", int32(k))
}

// Moves reports whether the operator copies values and computes none, so that
// its inputs and outputs have one quantization.
func (k Kind) Moves() bool {
	d := descriptors[k]
	return d != nil && d.Class == Movement
}
