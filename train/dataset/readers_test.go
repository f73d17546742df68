// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// touch uses a set as training and lowering do; whatever a reader let through must bear it.
func touch(t *testing.T, s *Set) {
	t.Helper()
	x := make([]float32, s.Steps*s.Features)
	y := make([]float32, s.Outputs*s.Steps)
	for i := range s.Len() {
		if n := s.Length(i); n < 1 || n > s.Steps {
			t.Fatalf("sequence %d has %d own steps of %d", i, n, s.Steps)
		}
		s.Sample(i, x)
		for _, v := range x {
			if v != v {
				t.Fatalf("sequence %d has a value that is no number", i)
			}
		}
		if s.Task == nn.Regression {
			s.Target(i, y)
			continue
		}
		if l := s.Label(i); l >= s.Outputs || l < 0 && !s.PerStep {
			t.Fatalf("sequence %d has label %d of %d", i, l, s.Outputs)
		}
		for step := range s.Steps {
			if l := 0; s.PerStep {
				if l = s.StepLabel(i, step); l < noLabel || l >= s.Outputs {
					t.Fatalf("sequence %d, step %d has label %d of %d", i, step, l, s.Outputs)
				}
			}
		}
	}
	s.Counts()
	if s.Check() != nil {
		return
	}
	if err := Standardize(s); err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Classes: append([]string{"other"}, s.Classes...), Task: s.Task}
	if m, _, err := s.MatchClasses(net); err == nil && s.Task == nn.Classification && m.Outputs != len(net.Classes) {
		t.Fatalf("%d outputs after matching", m.Outputs)
	}
	for _, by := range []string{"", ByTime, ByLot, ByClass, ByGroup} {
		divide, err := divisionFor(s, by)
		if err != nil {
			continue
		}
		d := *s
		d.divide = divide
		train, test, err := Split(&d, 0.3, 1)
		if err != nil {
			continue
		}
		if train.Len()+test.Len() != s.Len() || train.Len() == 0 || test.Len() == 0 {
			t.Fatalf("%d sequences became %d and %d", s.Len(), train.Len(), test.Len())
		}
		folds, err := Folds(train, test, 2, 1)
		if err == nil && folds[0].Test.Len()+folds[1].Test.Len() != s.Len() {
			t.Fatal("folds lose sequences")
		}
	}
	Describe(s, nil, s, func(string) {})
}

// FuzzArrays reads arrays of all types and shapes with masks, lengths, groups and labels that
// do not count: an error, or a set that bears use.
func FuzzArrays(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz0123456789"), uint64(0x0003020201), uint8(0), "")
	f.Add([]byte{1, 1, 0, 0, 1, 1, 0, 1, 1}, uint64(0x0102030201), uint8(0x7f), "-1")
	f.Add([]byte{0, 1, 2, 3, 255, 254, 0, 0}, uint64(0xffffffff), uint8(0x1a), "1")
	types := []string{"|u1", "|i1", "<f4", "<i2", "<i8", "<f8", "|b1", "<U2", "|S3"}
	f.Fuzz(func(t *testing.T, data []byte, shapes uint64, flags uint8, ignore string) {
		r := rand.New(rand.NewPCG(shapes, uint64(flags)))
		n, steps, features := 1+int(shapes%5), 1+int(shapes>>8%5), 1+int(shapes>>16%3)
		at := 0
		array := func(name string, shape ...int) *npy.Array {
			if r.IntN(8) == 0 { // a shape that fits nothing
				shape = append(shape, 1+r.IntN(2))
			}
			a := &npy.Array{Name: name, Type: types[r.IntN(len(types))], Shape: shape}
			size := a.Elements() * a.Width()
			for len(a.Data) < size {
				b := byte(0)
				if len(data) > 0 {
					b = data[at%len(data)]
				}
				a.Data, at = append(a.Data, b), at+1
			}
			if a.Kind() == 'f' && a.Type == "<f4" && r.IntN(3) > 0 { // most bit patterns are no values of use
				for i := range a.Elements() {
					binary.LittleEndian.PutUint32(a.Data[4*i:], math.Float32bits(float32(int8(a.Data[4*i]))))
				}
			}
			return a
		}
		arrays := map[string]*npy.Array{"x": array("x", n, steps, features)}
		switch flags & 3 {
		case 0:
			arrays["y"] = array("y", n)
		case 1:
			arrays["y"] = array("y", n, steps)
		case 2:
			arrays["y"] = array("y", n, steps, 1+r.IntN(2))
		default:
			arrays["Y"] = array("Y", n, 1+r.IntN(3))
		}
		if flags&4 != 0 {
			arrays["mask"] = array("mask", n, steps)
		}
		if flags&8 != 0 {
			arrays["lengths"] = array("lengths", n)
		}
		if flags&16 != 0 {
			arrays["group"] = array("group", n)
		}
		if flags&32 != 0 {
			arrays["x_test"], arrays["y_test"] = array("x_test", n, steps, features), array("y_test", n)
		}
		if flags&128 != 0 {
			arrays["x_val"], arrays["y_val"] = array("x_val", n, steps, features), array("y_val", n)
		}
		for _, name := range []string{"class_names", "feature_names", "split"} {
			if r.IntN(3) == 0 {
				arrays[name] = array(name, []int{1 + r.IntN(4), features, n}[r.IntN(3)])
			}
		}
		o := Options{IgnoreLabel: ignore, Layout: []string{"", "", "", "nft", "tnf", "fnt", "nt", "x"}[r.IntN(8)]}
		if flags&64 != 0 {
			o.Length = 1 + r.IntN(7)
		}
		train, test, err := fromArrays("fuzz", arrays, o)
		if err != nil {
			return
		}
		touch(t, train)
		if held := train.Validation(); held != nil {
			touch(t, held)
			Describe(train, held, held, func(string) {})
		}
		if test != nil {
			touch(t, test)
		}
	})
}

// FuzzTable reads text with every option of tables: an error, or a set that bears use.
func FuzzTable(f *testing.F) {
	f.Add("sequence,x,label\n1,0.5,a\n1,,a\n2,1,b\n3,2,a\n", uint16(0))
	f.Add("id;t;x;y;who\n1;0;0,5;up;p\n1;1;0,7;down;p\n2;0;1;;q\n", uint16(0x1ff))
	f.Add("x,label\n1,none\n2,a\n3,b\n", uint16(0x42))
	f.Fuzz(func(t *testing.T, text string, flags uint16) {
		o := Options{Regression: flags&1 != 0, RowSequences: flags&2 != 0, Empty: []string{EmptyPrevious, EmptyZero, EmptyDrop, EmptyError}[flags>>2&3]}
		if flags&16 != 0 {
			o.Length = 1 + int(flags>>8)%9
		}
		if flags&32 != 0 {
			o.Group = "who"
		}
		if flags&64 != 0 {
			o.IgnoreLabel = "none"
		}
		s, err := readCSV("fuzz.csv", strings.NewReader(text), o)
		if err != nil {
			return
		}
		touch(t, s)
	})
}

// A table of 10 GB is refused before it is read, and one whose numbers take more than may be
// held, many times its size as text, too.
func TestHugeTables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "huge.csv")
	write := func(head string, size int64) {
		if err := os.WriteFile(file, []byte(head), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, size); err != nil { // a hole: it takes no room
			t.Fatal(err)
		}
	}
	write("sequence,x,label\n", 10e9)
	if _, _, err := openCSV(file, Options{}); err == nil || !strings.Contains(err.Error(), "huge.csv: 10.0 GB, and at most") {
		t.Errorf("error %v", err)
	}
	row := strings.Repeat("1,", 500) + "a\n"
	write(strings.Repeat("x,", 500)+"label\n"+strings.Repeat(row, 60), 1<<30)
	was := budget.Limit()
	budget.SetLimit(3 << 30)
	defer budget.SetLimit(was)
	var over *budget.Error
	if _, _, err := openCSV(file, Options{}); !errors.As(err, &over) || !strings.Contains(err.Error(), "huge.csv") {
		t.Errorf("error %v", err)
	}
}

// One long sequence makes all others as long: what that takes is asked for before it is made,
// for tables and for arrays.
func TestBlownUpSequences(t *testing.T) {
	was := budget.Limit()
	budget.SetLimit(256 << 20)
	defer budget.SetLimit(was)
	var over *budget.Error
	var text strings.Builder
	text.WriteString("sequence,x,label\n")
	for range 20000 {
		text.WriteString("long,1,a\n")
	}
	for i := range 20000 {
		fmt.Fprintf(&text, "s%d,1,b\n", i)
	}
	if _, err := readCSV("long.csv", strings.NewReader(text.String()), Options{}); !errors.As(err, &over) || !strings.Contains(err.Error(), "long.csv: bringing 20001 sequences to 20000 steps") {
		t.Errorf("table: error %v", err)
	}
	const n = 20000
	x := &npy.Array{Name: "x", Type: "|u1", Shape: []int{n, 1, 1}, Data: make([]byte, n)}
	y := &npy.Array{Name: "y", Type: "|u1", Shape: []int{n}, Data: make([]byte, n)}
	if _, _, err := fromArrays("x.npz", map[string]*npy.Array{"x": x, "y": y}, Options{Length: 20000}); !errors.As(err, &over) {
		t.Errorf("arrays: error %v", err)
	}
}
