// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"math/bits"
	"math/rand/v2"
	"sync"

	"github.com/unroll-npu/unroll/lower/fault"
)

// DigitSide is the height and width of a procedural digit in pixels.
const DigitSide = 28

// Digits draws two sets of digits 0..9, 28 x 28 pixels, every one different:
// glyph variant, control points, rotation, shear, size, place, stroke width, ink
// and noise are drawn from (seed, set, number). Everything is integer arithmetic,
// so the same seed gives the same pixels on every machine. Classes are drawn at
// random; picture i does not depend on how many are asked for.
func Digits(seed uint64, train, test int) (*Set, *Set) {
	return drawDigits("digits train", seed, 0, train), drawDigits("digits test", seed, 1, test)
}

func drawDigits(name string, seed, part uint64, n int) *Set {
	const size = DigitSide * DigitSide
	s := &Set{Name: name, Steps: DigitSide, Features: DigitSide, Outputs: 10, Classes: digitNames(), n: n,
		pixels: make([]uint8, n*size), labels: make([]int32, n)}
	const workers = 8
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			defer fault.Catch()
			for i := w; i < n; i += workers {
				// One generator a sample, so that sample i does not depend on n.
				d := drawer{rng: rand.NewPCG(seed, part<<32|uint64(i))}
				class := int(d.rng.Uint64() % 10)
				s.labels[i] = int32(class)
				d.draw(class, s.pixels[i*size:(i+1)*size])
			}
		})
	}
	wg.Wait()
	return s
}

// Lengths are integers in units of 1/one pixel. Glyph coordinates are given in a
// box of 100 x 100 with y downwards and are scaled to these units first.
const one = 256

type point struct{ x, y int64 }

// drawer draws one digit; its generator is used up in a fixed order.
type drawer struct{ rng *rand.PCG }

// sym returns a value in -a..a, uniform.
func (d *drawer) sym(a int64) int64 {
	return int64(d.rng.Uint64()>>1)%(2*a+1) - a
}

// bell returns a value in -a..a that favours the middle.
func (d *drawer) bell(a int64) int64 { return (d.sym(a) + d.sym(a) + d.sym(a)) / 3 }

func (d *drawer) draw(class int, pixels []uint8) {
	variants := glyphs[class]
	strokes := variants[d.rng.Uint64()%uint64(len(variants))]

	// The matrix, in 1/1024: scale by axis, then shear, then a small rotation
	// whose cosine is replaced by 1 - s*s/2, which is good to 0.05 % here.
	sx, sy := 1024+d.bell(300), 1024+d.bell(200)
	shear, turn := d.bell(420), d.bell(330)
	cos := 1024 - turn*turn/2048
	shiftX, shiftY := d.bell(4*one), d.bell(4*one)
	radius := one*100/100 + d.bell(one*70/100) // half the stroke width
	ink := 215 + d.sym(40)

	var lines [][]point
	for _, stroke := range strokes {
		path := make([]point, len(stroke))
		for i, p := range stroke {
			// Centre the glyph box, 18 pixels high, and move every control point a little.
			x := (p.x-50)*18*one/100 + d.bell(one*190/100)
			y := (p.y-50)*18*one/100 + d.bell(one*190/100)
			x = x * sx / 1024 * 82 / 100
			y = y * sy / 1024
			x -= y * shear / 1024
			path[i] = point{
				DigitSide*one/2 + shiftX + (x*cos-y*turn)/1024,
				DigitSide*one/2 + shiftY + (x*turn+y*cos)/1024,
			}
		}
		lines = append(lines, smooth(path))
	}
	near := distances(lines, radius+one/2)
	for i := range pixels {
		// Ink fades over one pixel around the stroke's edge.
		v := int64(0)
		if near[i] < (radius+one/2)*(radius+one/2) {
			v = min((radius+one/2-isqrt(near[i]))*ink/one, ink) + d.sym(22)
		}
		if d.rng.Uint64()%24 == 0 {
			v += d.sym(60) // a speck on the paper or a gap in the stroke
		}
		pixels[i] = uint8(min(max(v, 0), 255))
	}
}

// smooth turns control points into a fine line: corners are cut three times at
// a quarter and three quarters of each side (Chaikin's scheme), ends stay.
func smooth(p []point) []point {
	for range 3 {
		if len(p) < 3 {
			return p
		}
		q := make([]point, 0, 2*len(p))
		q = append(q, p[0])
		for i := range len(p) - 1 {
			a, b := p[i], p[i+1]
			if i > 0 {
				q = append(q, point{(3*a.x + b.x) / 4, (3*a.y + b.y) / 4})
			}
			if i < len(p)-2 {
				q = append(q, point{(a.x + 3*b.x) / 4, (a.y + 3*b.y) / 4})
			}
		}
		p = append(q, p[len(p)-1])
	}
	return p
}

// distances returns, for every pixel, the squared distance of its centre to the
// nearest line where that is below reach squared, and reach squared elsewhere.
func distances(lines [][]point, reach int64) *[DigitSide * DigitSide]int64 {
	var near [DigitSide * DigitSide]int64
	for i := range near {
		near[i] = reach * reach
	}
	first := func(v int64) int64 { return min(max((v-reach)/one, 0), DigitSide) }
	after := func(v int64) int64 { return min(max((v+reach)/one+1, 0), DigitSide) }
	for _, l := range lines {
		for i := range len(l) - 1 {
			a, b := l[i], l[i+1]
			dx, dy := b.x-a.x, b.y-a.y
			n := max(dx*dx+dy*dy, 1)
			x0, x1 := first(min(a.x, b.x)), after(max(a.x, b.x))
			for y := first(min(a.y, b.y)); y < after(max(a.y, b.y)); y++ {
				for x := x0; x < x1; x++ {
					px, py := x*one+one/2-a.x, y*one+one/2-a.y
					// The nearest point of the line is at t/65536 of its length.
					t := int64(0)
					if along := px*dx + py*dy; along >= n {
						t = 1 << 16
					} else if along > 0 {
						t = along << 16 / n
					}
					px, py = px-dx*t>>16, py-dy*t>>16
					if d := px*px + py*py; d < near[y*DigitSide+x] {
						near[y*DigitSide+x] = d
					}
				}
			}
		}
	}
	return &near
}

// isqrt returns the integer square root by Newton's method.
func isqrt(v int64) int64 {
	if v < 2 {
		return v
	}
	r := int64(1) << (bits.Len64(uint64(v))/2 + 1) // not below the root
	for {
		next := (r + v/r) / 2
		if next >= r {
			return r
		}
		r = next
	}
}
