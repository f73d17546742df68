// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// form is one kind of loops, and how it is chosen.
type form struct {
	name string
	use  func()
}

// each runs f with the portable code and with every vector form of this machine.
func each(t *testing.T, f func(t *testing.T)) {
	all := forms()
	defer all[len(all)-1].use()
	for _, k := range all {
		k.use()
		t.Run(k.name, f)
	}
}

func TestActivationBounds(t *testing.T) {
	var x []float32
	for v := -20.0; v <= 20; v += 0.00037 {
		x = append(x, float32(v))
	}
	inf := float32(math.Inf(1))
	x = append(x, 0, 87, -87, 88, -88, 1000, -1000, inf, -inf, math.MaxFloat32, math.SmallestNonzeroFloat32)
	each(t, func(t *testing.T) {
		for _, c := range []struct {
			name  string
			f     func([]float32)
			want  func(float64) float64
			bound float64
		}{
			{"sigmoid", Sigmoid, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }, 1.0e-7},
			{"tanh", Tanh, math.Tanh, 2.4e-7},
		} {
			y := slices.Clone(x)
			c.f(y)
			worst := 0.0
			for i := range y {
				d := math.Abs(float64(y[i]) - c.want(float64(x[i])))
				if !(d <= c.bound) {
					t.Fatalf("%s(%v) = %v, off by %.3g, more than %.3g", c.name, x[i], y[i], d, c.bound)
				}
				worst = max(worst, d)
			}
			t.Logf("%s: largest error %.3g", c.name, worst)
			nan := []float32{float32(math.NaN()), 1}
			c.f(nan)
			if nan[0] == nan[0] || nan[1] != nan[1] {
				t.Errorf("%s of NaN and 1 is %v", c.name, nan)
			}
		}
	})
}

// Every length, also those that do not fill a vector, and nothing past the end.
func TestActivationLengths(t *testing.T) {
	each(t, func(t *testing.T) {
		for n := range 50 {
			x := make([]float32, n+1)
			x[n] = 9
			Sigmoid(x[:n])
			for i, v := range x[:n] {
				if v != 0.5 {
					t.Fatalf("length %d: value %d is %v, want 0.5", n, i, v)
				}
			}
			if x[n] != 9 {
				t.Fatalf("length %d: wrote past the end", n)
			}
		}
	})
}

// The known answer of a run in float64; lr 1e-3, beta 0.9 and 0.999, eps 1e-7.
func TestAdamKnownAnswer(t *testing.T) {
	gradients := [][3]float32{{0.1, -1e-6, 3}, {-0.2, 2e-6, 1}, {0.3, 0, -2}}
	want := [][3]float64{
		{0.999000031622, -1.999759746927, 0.499000001054},
		{0.999366129971, -1.999911383089, 0.498128937975},
		{0.999022891792, -2.000028563933, 0.497901712945},
	}
	each(t, func(t *testing.T) {
		p, g, m, v := make([]float32, Lanes), make([]float32, Lanes), make([]float32, Lanes), make([]float32, Lanes)
		copy(p, []float32{1, -2, 0.5})
		for i := range gradients {
			copy(g, gradients[i][:])
			for j := range g {
				g[j] *= 2 // undone by Scale
			}
			step := float64(i + 1)
			a := Adam{Scale: 0.5, Keep1: 1 - 0.9, Keep2: 1 - 0.999, Epsilon: 1e-7,
				Alpha: float32(1e-3 * math.Sqrt(1-math.Pow(0.999, step)) / (1 - math.Pow(0.9, step)))}
			a.Step(p, g, m, v)
			for j, w := range want[i] {
				if math.Abs(float64(p[j])-w) > 2.5e-7 {
					t.Errorf("step %d: p[%d] is %.12f, want %.12f", i+1, j, p[j], w)
				}
			}
			if p[3] != 0 {
				t.Errorf("step %d: a parameter that is 0 with gradient 0 moved to %v", i+1, p[3])
			}
		}
	})
}

// loops are all of the package, on five rows of floats.
var loops = map[string]func(n int, rows [][]float32){
	"gruForward":     func(n int, r [][]float32) { GRUForward(n, r[0], r[1], r[2]) },
	"gruBackward":    func(n int, r [][]float32) { GRUBackward(n, r[0], r[1], r[2]) },
	"lstmForward":    func(n int, r [][]float32) { LSTMForward(n, r[0], r[1], r[2], r[3], r[4]) },
	"lstmBackward":   func(n int, r [][]float32) { LSTMBackward(n, r[0], r[1], r[2], r[3], r[4]) },
	"minGRUForward":  func(n int, r [][]float32) { MinGRUForward(n, r[0], r[1], r[2]) },
	"minGRUBackward": func(n int, r [][]float32) { MinGRUBackward(n, r[0], r[1], r[2]) },
	"rnnBackward":    func(n int, r [][]float32) { RNNTanhBackward(n, r[0], r[1], r[2]) },
	"adam": func(n int, r [][]float32) {
		for i := range r[3][:n] {
			r[3][i] = float32(math.Abs(float64(r[3][i])))
		}
		a := Adam{Scale: 0.7, Alpha: 0.01, Keep1: 0.1, Keep2: 0.001, Epsilon: 1e-7}
		a.Step(r[0][:n], r[1][:n], r[2][:n], r[3][:n])
	},
}

// ran returns what a loop makes of drawn rows, which end in a float that no loop may touch.
func ran(name string, n int) [][]float32 {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	rows := make([][]float32, 5)
	for i := range rows {
		rows[i] = make([]float32, 4*n+1)
		for j := range rows[i] {
			rows[i][j] = r.Float32()*2 - 1
		}
		rows[i][4*n] = 1234
	}
	loops[name](n, rows)
	return rows
}

// Vector loops against the plain Go ones.
func TestCellLoops(t *testing.T) {
	if len(forms()) == 1 {
		t.Skip("this machine has no vector loops")
	}
	for name := range loops {
		for _, n := range []int{16, 48, 256} {
			var results [][][]float32
			each(t, func(t *testing.T) { results = append(results, ran(name, n)) })
			for form := 1; form < len(results); form++ {
				for i := range results[0] {
					for j, want := range results[0][i] {
						if got := results[form][i][j]; math.Abs(float64(got-want)) > 1e-6*(1+math.Abs(float64(want))) {
							t.Fatalf("%s, n %d, form %d: row %d, float %d is %v, plain Go gives %v", name, n, form, i, j, got, want)
						}
					}
				}
			}
		}
	}
}

// vectorBits is the hash of what all vector loops make of drawn rows.
const vectorBits = "2a89418a483d63feaf6c193f7d607b9d2ba74f1fae58318ddf3fbcdaff31adb8"

// Vector loops of all machines give the same bits: they are one kind.
func TestVectorBits(t *testing.T) {
	for _, f := range forms()[1:] {
		f.use()
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(loops)) {
			for _, n := range []int{16, 48, 256} {
				for _, row := range ran(name, n) {
					for _, v := range row {
						h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
					}
				}
			}
		}
		x := make([]float32, 0, 4096)
		for i := range cap(x) {
			x = append(x, float32(i-2048)/17)
		}
		y := slices.Clone(x)
		Sigmoid(x)
		Tanh(y)
		for _, v := range slices.Concat(x, y) {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != vectorBits {
			t.Errorf("%s: %s, expected %s", f.name, got, vectorBits)
		}
	}
}
