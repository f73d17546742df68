// SPDX-License-Identifier: Apache-2.0

package source

import (
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// proven converts one graph of nodes and compares it with its evaluation.
func proven(t *testing.T, shape []int, opset int64, write func(b *modelBuilder)) error {
	t.Helper()
	b := empty(7, shape...)
	b.m.Opset = opset
	b.number("half", 0.5)
	b.number("one", 1)
	b.number("zero", 0)
	b.number("infinite", float32(math.Inf(1)))
	write(b)
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	return b.prove(t)
}

// TestTruths computes comparisons, what logic makes of them, and choices.
func TestTruths(t *testing.T) {
	for name, write := range map[string]func(b *modelBuilder){
		"greater":   func(b *modelBuilder) { b.node("Greater", "y", "x", "half") },
		"less":      func(b *modelBuilder) { b.node("Less", "y", "half", "x") },
		"at least":  func(b *modelBuilder) { b.node("GreaterOrEqual", "y", "x", "half") },
		"at most":   func(b *modelBuilder) { b.node("LessOrEqual", "y", "x", "w") },
		"pairs":     func(b *modelBuilder) { b.node("Greater", "y", "x", "w") },
		"transpose": func(b *modelBuilder) { b.node("Transpose", "t", "x"); b.node("Less", "y", "t", "turned") },
		"equal": func(b *modelBuilder) { // also where both are: cut at 0
			b.node("Relu", "r", "x")
			b.node("Equal", "y", "r", "zero")
		},
		"border": func(b *modelBuilder) {
			b.node("Relu", "r", "x")
			b.node("GreaterOrEqual", "a", "r", "zero")
			b.node("Greater", "b", "r", "zero")
			b.node("Xor", "y", "a", "b")
		},
		"logic": func(b *modelBuilder) {
			b.node("Greater", "a", "x", "half")
			b.node("Less", "b", "x", "w")
			b.node("Or", "c", "a", "b")
			b.node("And", "d", "a", "b")
			b.node("Not", "e", "d")
			b.node("Xor", "f", "e", "c")
			b.node("Equal", "y", "f", "a")
		},
		"with known ones": func(b *modelBuilder) {
			b.node("Greater", "a", "x", "half")
			b.node("Greater", "k", "w", "zero")
			b.node("And", "b", "a", "k")
			b.node("Or", "y", "k", "b")
		},
		"moved": func(b *modelBuilder) {
			b.ints("shape", 4, 3)
			b.node("Greater", "a", "x", "half")
			b.node("Reshape", "r", "a", "shape")
			b.node("Transpose", "s", "r")
			b.node("Where", "y", "s", "x", "w")
		},
		"sum of a mask": func(b *modelBuilder) {
			b.node("Greater", "a", "x", "half")
			b.node("Cast", "f", "a").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
			b.node("ReduceSum", "y", "f")
		},
		"cast": func(b *modelBuilder) {
			b.node("Relu", "r", "x")
			b.node("Cast", "a", "r").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Bool)}
			b.node("Where", "y", "a", "half", "x")
		},
		"numbers":        func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Where", "y", "a", "half", "one") },
		"one side":       func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Where", "y", "a", "zero", "x") },
		"the other side": func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Where", "y", "a", "x", "zero") },
		"both sides": func(b *modelBuilder) {
			b.node("Tanh", "u", "x")
			b.node("Less", "a", "x", "w")
			b.node("Where", "y", "a", "u", "x")
		},
		"wider": func(b *modelBuilder) { // than the condition
			b.weights("big", 2, 3, 4)
			b.node("Less", "a", "x", "zero")
			b.node("Where", "y", "a", "half", "big")
		},
		"wider zero": func(b *modelBuilder) {
			b.weights("big", 2, 1, 1)
			b.m.Graph.Weights["big"].Data = floatBytes(0, 0)
			b.node("Less", "a", "x", "zero")
			b.node("Where", "y", "a", "x", "big")
		},
		"of numbers of unlike size": func(b *modelBuilder) {
			b.number("far", -1e9)
			b.node("Less", "a", "x", "zero")
			b.node("Where", "c", "a", "one", "far")
			b.node("Relu", "y", "c")
		},
		"of numbers far apart": func(b *modelBuilder) {
			b.number("top", 3e38)
			b.number("bottom", -3e38)
			b.node("Less", "a", "x", "zero")
			b.node("Where", "c", "a", "top", "bottom")
			b.node("Div", "y", "c", "top")
		},
		"joined with known ones": func(b *modelBuilder) {
			b.node("Greater", "a", "x", "half")
			b.node("Greater", "k", "w", "zero")
			b.node("Concat", "c", "k", "a").Attrs["axis"] = &onnx.Attr{}
			b.node("Not", "y", "c")
		},
		"triangle": func(b *modelBuilder) {
			b.node("Greater", "a", "x", "half")
			b.node("Trilu", "t", "a")
			b.node("Not", "y", "t")
		},
		"truths": func(b *modelBuilder) {
			b.node("Less", "a", "x", "zero")
			b.node("Less", "b", "x", "half")
			b.node("Not", "c", "a")
			b.node("Where", "d", "a", "b", "c")
			b.node("And", "y", "d", "c")
		},
		"no number": func(b *modelBuilder) {
			b.node("IsNaN", "a", "x")
			b.node("IsInf", "b", "x")
			b.node("Or", "c", "a", "b")
			b.node("Where", "y", "c", "infinite", "x")
		},
	} {
		if err := proven(t, []int{3, 4}, 17, func(b *modelBuilder) {
			b.weights("w", 3, 4)
			b.weights("turned", 4, 3)
			write(b)
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, write := range map[string]func(b *modelBuilder){
		"large enough":                     func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Where", "y", "a", "infinite", "x") },
		"largest number":                   func(b *modelBuilder) { b.node("Less", "y", "x", "infinite") },
		"condition is float":               func(b *modelBuilder) { b.node("Where", "y", "x", "x", "zero") },
		"expected truth":                   func(b *modelBuilder) { b.node("Not", "y", "x") },
		"is a truth value, expected float": func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Tanh", "y", "a") },
		"is a truth value":                 func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Add", "y", "a", "x") },
		"0 is a truth value":               func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Max", "y", "a", "x") },
		"1 is a truth value":               func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Pow", "y", "x", "a") },
		"compares bool with":               func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Equal", "y", "a", "x") },
		"between bool and":                 func(b *modelBuilder) { b.node("Less", "a", "x", "zero"); b.node("Where", "y", "a", "a", "x") },
		"integers with floats":             func(b *modelBuilder) { b.ints("i", 3); b.node("Less", "y", "x", "i") },
	} {
		if err := proven(t, []int{3, 4}, 17, write); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; expected %q", err, want)
		}
	}
}

// TestChoiceOfNone names a choice whose other side is no number.
func TestChoiceOfNone(t *testing.T) {
	b := empty(7, 3, 4)
	b.number("zero", 0)
	b.node("Less", "a", "zero", "x")
	b.node("Log", "l", "x")
	b.node("Where", "y", "a", "l", "zero")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	r, err := onnx.Convert(b.m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{Format: "ONNX", Graph: r.Graph}
	if err := n.prove(b.m, r); err == nil || !strings.Contains(err.Error(), "keep that side finite") {
		t.Errorf("%v; expected that the side is named", err)
	}
}

// TestBorders draws other inputs where a function jumps and float32 falls on its other side.
func TestBorders(t *testing.T) {
	if err := proven(t, []int{12000}, 17, func(b *modelBuilder) {
		b.number("many", 1000.1)
		b.node("Mul", "m", "x", "many")
		b.node("Floor", "y", "m")
	}); err != nil {
		t.Error(err)
	}
}

// TestCurves computes functions that the graph has no operator for.
func TestCurves(t *testing.T) {
	float := func(v float32) *onnx.Attr { return &onnx.Attr{Float: v} }
	for name, write := range map[string]func(b *modelBuilder){
		"sign":         func(b *modelBuilder) { b.node("Sign", "y", "x") },
		"sign of zero": func(b *modelBuilder) { b.node("Relu", "r", "x"); b.node("Sign", "y", "r") },
		"thresholded":  func(b *modelBuilder) { b.node("ThresholdedRelu", "y", "x").Attrs["alpha"] = float(0.3) },
		"below zero":   func(b *modelBuilder) { b.node("ThresholdedRelu", "y", "x").Attrs["alpha"] = float(-0.3) },
		"hard shrink":  func(b *modelBuilder) { b.node("Shrink", "y", "x") },
		"soft shrink":  func(b *modelBuilder) { b.node("Shrink", "y", "x").Attrs["bias"] = float(0.5) },
		"shrink with a bias": func(b *modelBuilder) {
			n := b.node("Shrink", "y", "x")
			n.Attrs["bias"], n.Attrs["lambd"] = float(-0.2), float(0.7)
		},
		"tan": func(b *modelBuilder) {
			b.node("Mul", "s", "x", "half")
			b.node("Sin", "t", "s")
			b.node("Tan", "y", "t")
		},
		"sinh": func(b *modelBuilder) { b.node("Sinh", "y", "x") }, "cosh": func(b *modelBuilder) { b.node("Cosh", "y", "x") },
		"asinh": func(b *modelBuilder) { b.node("Asinh", "y", "x") },
		"acosh": func(b *modelBuilder) {
			b.node("Abs", "a", "x")
			b.node("Add", "m", "a", "one")
			b.node("Acosh", "y", "m")
		},
		"atanh": func(b *modelBuilder) { b.node("Tanh", "a", "x"); b.node("Atanh", "y", "a") },
		"mod":   func(b *modelBuilder) { b.node("Mod", "y", "x", "half").Attrs["fmod"] = &onnx.Attr{Int: 1} },
		"mod of all": func(b *modelBuilder) {
			b.node("Mod", "y", "x", "w").Attrs["fmod"] = &onnx.Attr{Int: 1}
		},
		"product": func(b *modelBuilder) { b.node("ReduceProd", "y", "x").Attrs["axes"] = &onnx.Attr{Ints: []int64{1}} },
		"of all":  func(b *modelBuilder) { b.node("ReduceProd", "y", "x").Attrs["keepdims"] = &onnx.Attr{} },
		"hardmax": func(b *modelBuilder) { b.node("Hardmax", "y", "x").Attrs["axis"] = &onnx.Attr{Int: 2} },
		"of equals": func(b *modelBuilder) { // most of them zero, so that the first is taken
			b.node("Neg", "n", "x")
			b.node("Sub", "m", "n", "half")
			b.node("Relu", "r", "m")
			b.node("Hardmax", "y", "r").Attrs["axis"] = &onnx.Attr{Int: 1}
		},
		"lrn":          func(b *modelBuilder) { b.node("LRN", "y", "x").Attrs["size"] = &onnx.Attr{Int: 3} },
		"even lrn":     func(b *modelBuilder) { lrnOf(b, 4, 0.9, 0.75, 1) },
		"another beta": func(b *modelBuilder) { lrnOf(b, 5, 0.5, 0.6, 2) },
		"beta 1":       func(b *modelBuilder) { lrnOf(b, 3, 1, 1, 0.5) },
		"beta half":    func(b *modelBuilder) { lrnOf(b, 30, 1, 0.5, 0.5) },
		"lp pool":      func(b *modelBuilder) { lpOf(b, 2, 2, 1) },
		"l1 pool":      func(b *modelBuilder) { lpOf(b, 1, 3, 2) },
		"one hot": func(b *modelBuilder) {
			b.ints("i", 2, -1, 0, 7)
			b.ints("depth", 3)
			b.weights("v", 2)
			b.node("OneHot", "h", "i", "depth", "v").Attrs["axis"] = &onnx.Attr{Int: 0}
			b.node("Add", "y", "x", "h")
		},
		"unit": func(b *modelBuilder) { b.node("LpNormalization", "y", "x") },
		"unit of zeros": func(b *modelBuilder) {
			b.node("Mul", "o", "x", "zero")
			b.node("LpNormalization", "y", "o").Attrs["p"] = &onnx.Attr{Int: 1}
		},
		"unit of squares of zeros": func(b *modelBuilder) { b.node("Mul", "o", "x", "zero"); b.node("LpNormalization", "y", "o") },
	} {
		for _, opset := range []int64{11, 17} {
			if name == "hardmax" && opset == 11 {
				continue
			}
			if err := proven(t, []int{2, 3, 4}, opset, func(b *modelBuilder) { b.weights("w", 3, 4); write(b) }); err != nil {
				t.Errorf("%s, opset %d: %v", name, opset, err)
			}
		}
	}
	for want, write := range map[string]func(b *modelBuilder){
		"compute the angle":      func(b *modelBuilder) { b.node("Atan", "y", "x") },
		"fmod":                   func(b *modelBuilder) { b.node("Mod", "y", "x", "half") },
		"constant that is 0":     func(b *modelBuilder) { b.node("Mod", "y", "x", "zero").Attrs["fmod"] = &onnx.Attr{Int: 1} },
		"attribute p is 3":       func(b *modelBuilder) { lpOf(b, 3, 2, 1) },
		"attribute lambd is -1":  func(b *modelBuilder) { b.node("Shrink", "y", "x").Attrs["lambd"] = float(-1) },
		"indices are computed":   func(b *modelBuilder) { b.ints("depth", 3); b.weights("v", 2); b.node("OneHot", "y", "x", "depth", "v") },
		"seed is not known here": func(b *modelBuilder) { b.node("RandomNormalLike", "y", "x") },
	} {
		if err := proven(t, []int{2, 3, 4}, 17, write); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; expected %q", err, want)
		}
	}
}

func lrnOf(b *modelBuilder, size int64, alpha, beta, bias float32) {
	n := b.node("LRN", "y", "x")
	n.Attrs["size"], n.Attrs["alpha"] = &onnx.Attr{Int: size}, &onnx.Attr{Float: alpha}
	n.Attrs["beta"], n.Attrs["bias"] = &onnx.Attr{Float: beta}, &onnx.Attr{Float: bias}
}

func lpOf(b *modelBuilder, p, kernel, stride int64) {
	n := b.node("LpPool", "y", "x")
	n.Attrs["p"], n.Attrs["kernel_shape"] = &onnx.Attr{Int: p}, &onnx.Attr{Ints: []int64{kernel}}
	n.Attrs["strides"], n.Attrs["pads"] = &onnx.Attr{Ints: []int64{stride}}, &onnx.Attr{Ints: []int64{1, 0}}
}

// TestFarNumbers reads integers beyond 32 bits as far away, on every machine, and names the
// node whose matrix is too large.
func TestFarNumbers(t *testing.T) {
	const far = 1 << 40
	for name, write := range map[string]func(b *modelBuilder){
		"all": func(b *modelBuilder) {
			b.ints("from", math.MinInt64)
			b.ints("to", math.MaxInt64)
			b.node("Slice", "y", "x", "from", "to")
		},
		"backward": func(b *modelBuilder) {
			b.ints("from", far+1)
			b.ints("to", -far)
			b.ints("axis", 1)
			b.ints("step", 1-far)
			b.node("Slice", "y", "x", "from", "to", "axis", "step")
		},
		"one frame": func(b *modelBuilder) {
			b.ints("step", 1<<31+5)
			b.weights("window", 8)
			b.node("STFT", "y", "x", "step", "window")
		},
	} {
		if err := proven(t, []int{1, 12, 1}, 17, write); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, write := range map[string]func(b *modelBuilder){
		"is outside": func(b *modelBuilder) { b.node("Softmax", "y", "x").Attrs["axis"] = &onnx.Attr{Int: far + 1} },
		"group": func(b *modelBuilder) {
			b.weights("w", 12, 12, 1)
			b.node("Conv", "y", "x", "w").Attrs["group"] = &onnx.Attr{Int: far + 1}
		},
		"takes a matrix of": func(b *modelBuilder) {
			b.ints("length", 4096)
			b.node("DFT", "y", "x", "length")
		},
	} {
		if err := proven(t, []int{1, 12, 1}, 17, write); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; expected %q", err, want)
		}
	}
}

// TestTriangleOfInfinities masks what comes later, as PyTorch writes it.
func TestTriangleOfInfinities(t *testing.T) {
	if err := proven(t, []int{1, 3, 3}, 17, func(b *modelBuilder) {
		b.weights("all", 3, 3)
		var v []float32
		for range 9 {
			v = append(v, float32(math.Inf(-1)))
		}
		b.m.Graph.Weights["all"].Data = floatBytes(v...)
		b.ints("one", 1)
		b.m.Graph.Weights["one"].Shape = []int{}
		b.node("Trilu", "later", "all", "one")
		b.node("Add", "s", "x", "later")
		b.node("Softmax", "y", "s")
	}); err != nil {
		t.Error(err)
	}
}
