// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// at runs f with each kernel set this machine has.
func at(t *testing.T, f func(t *testing.T)) {
	used := level
	defer func() { level = used }()
	for _, l := range available() {
		level = l
		t.Run(l.String(), f)
	}
}

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// product draws a product of the given shape with gaps in every stride; gaps of
// C hold a NaN.
func product(r *rand.Rand, rows, inner, panels int, transposed bool) *Product {
	p := &Product{Rows: rows, Inner: inner, Panels: panels, ARow: inner + 3, AInner: 1,
		BPanel: inner*Width + 5, CRow: Width*panels + 7, CPanel: Width}
	if transposed {
		p.ARow, p.AInner = 1, rows+2
		p.CRow, p.CPanel = Width, rows*Width+4
	}
	p.A = random(r, (rows-1)*p.ARow+(inner-1)*p.AInner+1)
	p.B = random(r, (panels-1)*p.BPanel+inner*Width)
	p.C = make([]float32, (panels-1)*p.CPanel+(rows-1)*p.CRow+Width)
	for i := range p.C {
		p.C[i] = float32(math.NaN())
	}
	for q := range panels {
		for i := range rows {
			for j := range Width {
				p.C[q*p.CPanel+i*p.CRow+j] = float32(q + i - j)
			}
		}
	}
	return p
}

func TestMul(t *testing.T) {
	at(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 600 {
			p := product(r, 1+r.IntN(30), 1+r.IntN(40), 1+r.IntN(4), n%2 == 0)
			if n%50 == 0 {
				p = product(r, 90+r.IntN(20), 300, 3, n%2 == 0)
			}
			p.Add = n%3 == 0
			before := slices.Clone(p.C)
			Mul(p)
			name := fmt.Sprintf("case %d: %d x %d x %d panels, add %v", n, p.Rows, p.Inner, p.Panels, p.Add)
			written := make([]bool, len(p.C))
			for q := range p.Panels {
				for i := range p.Rows {
					for j := range Width {
						want, size := 0.0, 0.0
						at := q*p.CPanel + i*p.CRow + j
						written[at] = true
						if p.Add {
							want = float64(before[at])
						}
						for k := range p.Inner {
							v := float64(p.A[i*p.ARow+k*p.AInner]) * float64(p.B[q*p.BPanel+k*Width+j])
							want += v
							size += math.Abs(v)
						}
						// Each of the inner additions errs by half a unit of the sum at most.
						if d := math.Abs(float64(p.C[at]) - want); !(d <= (size+math.Abs(want))*float64(p.Inner+2)*0x1p-24) {
							t.Fatalf("%s: C(%d, %d) of panel %d is %v, want %v", name, i, j, q, p.C[at], want)
						}
					}
				}
			}
			for i, w := range written {
				if !w && p.C[i] == p.C[i] {
					t.Fatalf("%s: wrote %v to float %d, which is no part of C", name, p.C[i], i)
				}
			}
		}
	})
}

// Bits must depend neither on how rows are cut nor on the kernel set.
func TestMulBits(t *testing.T) {
	if level == Portable {
		t.Skip("this machine has no vector kernels")
	}
	r := rand.New(rand.NewPCG(3, 4))
	p := product(r, 37, 257, 5, false)
	Mul(p)
	whole := slices.Clone(p.C)
	used := level
	defer func() { level = used }()
	for _, l := range available()[1:] {
		level = l
		for _, step := range []int{1, 2, 3, 5, 7, 12, 16, 37} {
			for i := 0; i < p.Rows; i += step {
				part := *p
				part.Rows = min(step, p.Rows-i)
				part.A, part.C = p.A[i*p.ARow:], p.C[i*p.CRow:]
				Mul(&part)
			}
			for i := range whole {
				if math.Float32bits(whole[i]) != math.Float32bits(p.C[i]) {
					t.Fatalf("%v, %d rows at a time: float %d is %v, but %v in one piece", l, step, i, p.C[i], whole[i])
				}
			}
		}
	}
}

// fused is a*b+c rounded once: the product of two float32 is exact in float64, and a sum that was
// rounded to odd there rounds on to what the exact one does.
func fused(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	t := s - p
	rest := (p - (s - t)) + (z - t) // what s has lost, exactly
	if bits := math.Float64bits(s); rest != 0 && bits&1 == 0 {
		if (rest > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// Vector kernels of every machine give the bits of sums in the order of the inner index with one
// rounding a step: this is what makes them one kind.
func TestFusedBits(t *testing.T) {
	if level == Portable {
		t.Skip("this machine has no vector kernels")
	}
	used := level
	defer func() { level = used }()
	for _, l := range available()[1:] {
		level = l
		r := rand.New(rand.NewPCG(21, 4))
		for n := range 40 {
			p := product(r, 1+r.IntN(14), 1+r.IntN(60), 1+r.IntN(3), n%2 == 0)
			p.Add = n%3 == 0
			before := slices.Clone(p.C)
			Mul(p)
			for q := range p.Panels {
				for i := range p.Rows {
					for j := range Width {
						sum := float32(0)
						for k := range p.Inner {
							sum = fused(p.A[i*p.ARow+k*p.AInner], p.B[q*p.BPanel+k*Width+j], sum)
						}
						at := q*p.CPanel + i*p.CRow + j
						if p.Add {
							sum += before[at]
						}
						if math.Float32bits(sum) != math.Float32bits(p.C[at]) {
							t.Fatalf("%v, case %d: C(%d, %d) of panel %d is %v, %v rounded once a step", l, n, i, j, q, p.C[at], sum)
						}
					}
				}
			}
		}
	}
}

func TestMulOfNothing(t *testing.T) {
	c := slices.Repeat([]float32{7}, 2*Width)
	Mul(&Product{Rows: 1, Panels: 1, C: c, CRow: Width, CPanel: Width, Add: true})
	if c[0] != 7 {
		t.Error("adding an empty product changed C")
	}
	Mul(&Product{Rows: 1, Panels: 1, C: c, CRow: Width, CPanel: Width})
	if c[0] != 0 || c[Width] != 7 {
		t.Error("an empty product must write zeros, and only to C")
	}
}

func TestPackUnpack(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, cols := range []int{1, 15, 16, 17, 40} {
		for _, transposed := range []bool{false, true} {
			const inner = 9
			b := random(r, inner*cols)
			row, col := cols, 1
			if transposed {
				row, col = 1, inner
			}
			panels := slices.Repeat([]float32{-1}, PanelSize(inner, cols))
			Pack(panels, inner, cols, b, row, col)
			back := make([]float32, len(b))
			Unpack(back, row, col, inner, cols, panels)
			if !slices.Equal(b, back) {
				t.Errorf("%d columns, transposed %v: unpacked values differ from packed ones", cols, transposed)
			}
			for i, v := range panels {
				if p, j := i/(inner*Width), i%Width; p*Width+j >= cols && v != 0 {
					t.Fatalf("%d columns: padding holds %v", cols, v)
				}
			}
		}
	}
}

func TestCut(t *testing.T) {
	for n := 1; n < 200; n++ {
		for _, h := range []int{6, 12} {
			tiles, base, longer := cut(n, h)
			if tiles*base+longer != n || longer >= tiles && tiles > 1 || base > h || base == h && longer > 0 {
				t.Errorf("cut(%d, %d) = %d tiles of %d, %d longer", n, h, tiles, base, longer)
			}
		}
	}
}

func BenchmarkMul(b *testing.B) {
	peak := Peak()
	for _, s := range []struct {
		name                string
		rows, inner, panels int
	}{{"hU 16x256x768", 16, 256, 48}, {"hU 32x256x768", 32, 256, 48}, {"GUt 32x768x256", 32, 768, 16},
		{"dU 256x224x768", 256, 224, 48}, {"xW 896x28x768", 896, 28, 48}} {
		b.Run(s.name, func(b *testing.B) {
			p := product(rand.New(rand.NewPCG(1, 1)), s.rows, s.inner, s.panels, false)
			for b.Loop() {
				Mul(p)
			}
			rate := float64(b.N) * 2 * float64(s.rows*s.inner*s.panels*Width) / b.Elapsed().Seconds()
			b.ReportMetric(rate/1e9, "GFLOP/s")
			b.ReportMetric(100*rate/peak, "%peak")
		})
	}
}

func TestColumns(t *testing.T) {
	at(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 9))
		const rows, width, panels = 2*BlockRows + 50, 29, 3
		a, b := random(r, rows*width), random(r, rows*panels*Width)
		c := NewColumns(rows, width)
		for k := range rows {
			c.SetRow(k, a[k*width:])
		}
		const gPanel = width*Width + 8
		g := make([]float32, panels*gPanel)
		packed := make([]float32, PanelSize(BlockRows, panels*Width))
		for block := 0; block*BlockRows < rows; block++ {
			n := min(BlockRows, rows-block*BlockRows)
			Pack(packed, n, panels*Width, b[block*BlockRows*panels*Width:], panels*Width, 1)
			c.MulAdd(block, n, packed, n*Width, panels, g, gPanel, block > 0)
		}
		for i := range width {
			for j := range panels * Width {
				want := 0.0
				for k := range rows {
					want += float64(a[k*width+i]) * float64(b[k*panels*Width+j])
				}
				if got := g[j/Width*gPanel+i*Width+j%Width]; math.Abs(float64(got)-want) > 1e-3 {
					t.Fatalf("element (%d, %d) is %v, want %v", i, j, got, want)
				}
			}
		}
	})
}
