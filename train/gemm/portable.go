// SPDX-License-Identifier: Apache-2.0

package gemm

// mulPortable computes rows first..first+rows-1 of the product in plain Go, two
// rows by four columns at a time. Each product is rounded before it is added, so
// that compilers which fuse the two give the same bits as those which do not.
func mulPortable(p *Product, first, rows int) {
	for q := range p.Panels {
		b := p.B[q*p.BPanel:][:p.Inner*Width]
		for i := first; i < first+rows; i += 2 {
			two := i+1 < first+rows
			a0 := p.A[i*p.ARow:]
			a1 := a0
			if two {
				a1 = p.A[(i+1)*p.ARow:]
			}
			for j := 0; j < Width; j += 4 {
				var r [2][4]float32
				dot2x4(&r, p.Inner, a0, a1, p.AInner, b[j:])
				store4(p, i, q, j, &r[0])
				if two {
					store4(p, i+1, q, j, &r[1])
				}
			}
		}
	}
}

func dot2x4(r *[2][4]float32, inner int, a0, a1 []float32, stride int, b []float32) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	for k := range inner {
		x, y := a0[k*stride], a1[k*stride]
		row := b[k*Width:][:4]
		s00 += float32(x * row[0])
		s01 += float32(x * row[1])
		s02 += float32(x * row[2])
		s03 += float32(x * row[3])
		s10 += float32(y * row[0])
		s11 += float32(y * row[1])
		s12 += float32(y * row[2])
		s13 += float32(y * row[3])
	}
	r[0] = [4]float32{s00, s01, s02, s03}
	r[1] = [4]float32{s10, s11, s12, s13}
}

func store4(p *Product, i, q, j int, r *[4]float32) {
	c := p.C[q*p.CPanel+i*p.CRow+j:][:4]
	for n := range c {
		if p.Add {
			c[n] += r[n]
		} else {
			c[n] = r[n]
		}
	}
}

// spinPortable is the plain Go counterpart of the peak loops.
func spinPortable(turns int) (flop float64) {
	var a, b, c, d, e, f, g, h float32
	x := float32(turns & 1)
	for range turns {
		a += float32(x * x)
		b += float32(x * x)
		c += float32(x * x)
		d += float32(x * x)
		e += float32(x * x)
		f += float32(x * x)
		g += float32(x * x)
		h += float32(x * x)
	}
	// The sum takes part in the result so that the loop is not dropped.
	return float64(turns)*16 + 0*float64(a+b+c+d+e+f+g+h)
}
