package graph

import (
	"fmt"
	"reflect"
)

// A rule says what an operator's tensors have to look like. Adding an operator
// is a constant in kind.go, one row here and the functions that it names.
type rule struct {
	attr           any // of the type that Op.Attr must have, or nil
	minIn, maxIn   int
	minOut, maxOut int

	// optional are the input positions that may be None.
	optional func(pos int) bool

	// types checks element types and quantization; shapes returns the
	// outputs' shapes. Both may rely on the number of inputs and outputs.
	types  func(g *Graph, op *Op) error
	shapes func(g *Graph, op *Op) ([][]int, error)
}

const many = 1 << 16

func biasOnly(pos int) bool { return pos == 2 }

var rules = map[Kind]rule{
	Add:                        {AddAttr{}, 2, 2, 1, 1, nil, typesEqual, shapesBroadcast},
	Sub:                        {SubAttr{}, 2, 2, 1, 1, nil, typesEqual, shapesBroadcast},
	Mul:                        {MulAttr{}, 2, 2, 1, 1, nil, typesEqual, shapesBroadcast},
	Maximum:                    {nil, 2, 2, 1, 1, nil, typesMoved, shapesBroadcast},
	Minimum:                    {nil, 2, 2, 1, 1, nil, typesMoved, shapesBroadcast},
	AveragePool2D:              {Pool2DAttr{}, 1, 1, 1, 1, nil, typesMoved, shapesPool},
	MaxPool2D:                  {Pool2DAttr{}, 1, 1, 1, 1, nil, typesMoved, shapesPool},
	FullyConnected:             {FullyConnectedAttr{}, 2, 3, 1, 1, biasOnly, typesMAC, shapesFullyConnected},
	Conv2D:                     {Conv2DAttr{}, 2, 3, 1, 1, biasOnly, typesMAC, shapesConv},
	DepthwiseConv2D:            {DepthwiseConv2DAttr{}, 2, 3, 1, 1, biasOnly, typesMAC, shapesDepthwise},
	Quantize:                   {nil, 1, 1, 1, 1, nil, typesQuantize, shapesSame},
	Cast:                       {CastAttr{}, 1, 1, 1, 1, nil, typesCast, shapesSame},
	Dequantize:                 {nil, 1, 1, 1, 1, nil, typesDequantize, shapesSame},
	Logistic:                   {nil, 1, 1, 1, 1, nil, typesEqual, shapesSame},
	Tanh:                       {nil, 1, 1, 1, 1, nil, typesEqual, shapesSame},
	Relu:                       {nil, 1, 1, 1, 1, nil, typesEqual, shapesSame},
	Relu6:                      {nil, 1, 1, 1, 1, nil, typesEqual, shapesSame},
	Softmax:                    {SoftmaxAttr{}, 1, 1, 1, 1, nil, typesSoftmax, shapesSame},
	Reshape:                    {ReshapeAttr{}, 1, 2, 1, 1, nil, typesMoved, shapesReshape},
	Concatenation:              {ConcatenationAttr{}, 1, many, 1, 1, nil, typesMoved, shapesConcatenation},
	Pack:                       {PackAttr{}, 1, many, 1, 1, nil, typesMoved, shapesPack},
	Unpack:                     {UnpackAttr{}, 1, 1, 1, many, nil, typesMoved, shapesUnpack},
	Split:                      {SplitAttr{}, 2, 2, 1, many, nil, typesMoved, shapesSplit},
	SplitV:                     {SplitVAttr{}, 3, 3, 1, many, nil, typesMoved, shapesSplitV},
	Slice:                      {nil, 3, 3, 1, 1, nil, typesMoved, shapesSlice},
	StridedSlice:               {StridedSliceAttr{}, 4, 4, 1, 1, nil, typesMoved, shapesStridedSlice},
	Transpose:                  {nil, 2, 2, 1, 1, nil, typesMoved, shapesTranspose},
	UnidirectionalSequenceLSTM: {LSTMAttr{}, 24, 24, 1, 1, lstmOptional, typesLSTM, shapesLSTM},
	Custom:                     {CustomAttr{}, 0, many, 0, many, func(int) bool { return true }, nil, nil},
}

// lstmOptional are the peephole, projection and layer normalization inputs.
func lstmOptional(pos int) bool {
	return pos >= 9 && pos <= 11 || pos == 16 || pos == 17 || pos >= 20
}

// CheckOp checks one operator whose tensor ids are in range.
func (g *Graph) CheckOp(op *Op) error {
	want, err := g.InferShapes(op)
	if err != nil || want == nil {
		return err
	}
	for i, id := range op.Outputs {
		if got := g.Tensors[id].Shape; !equalShape(got, want[i]) {
			return fmt.Errorf("output %d %q has shape %v, expected %v", i, g.Tensors[id].Name, got, want[i])
		}
	}
	return nil
}

// InferShapes checks the operator's inputs, types and quantization and returns
// the shapes that its outputs must have; nil for CUSTOM, whose are its own.
// The outputs' present shapes matter only where they decide: RESHAPE, the
// extents of SPLIT_V and the leading dimensions of FULLY_CONNECTED.
func (g *Graph) InferShapes(op *Op) ([][]int, error) {
	r, ok := rules[op.Kind]
	if !ok {
		return nil, fmt.Errorf("operator kind %v is not supported", op.Kind)
	}
	if reflect.TypeOf(op.Attr) != reflect.TypeOf(r.attr) {
		return nil, fmt.Errorf("attributes are %T, expected %T", op.Attr, r.attr)
	}
	if n := len(op.Inputs); n < r.minIn || n > r.maxIn {
		return nil, fmt.Errorf("has %d inputs, expected %s", n, span(r.minIn, r.maxIn))
	}
	if n := len(op.Outputs); n < r.minOut || n > r.maxOut {
		return nil, fmt.Errorf("has %d outputs, expected %s", n, span(r.minOut, r.maxOut))
	}
	for pos, id := range op.Inputs {
		if id == None && (r.optional == nil || !r.optional(pos)) {
			return nil, fmt.Errorf("input %d is absent, expected a tensor", pos)
		}
	}
	if r.shapes == nil {
		return nil, nil
	}
	if err := r.types(g, op); err != nil {
		return nil, err
	}
	return r.shapes(g, op)
}

func span(lo, hi int) string {
	switch {
	case lo == hi:
		return fmt.Sprint(lo)
	case hi == many:
		return fmt.Sprintf("at least %d", lo)
	}
	return fmt.Sprintf("%d to %d", lo, hi)
}
