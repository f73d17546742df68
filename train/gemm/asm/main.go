// SPDX-License-Identifier: Apache-2.0

// Command asm writes the vector kernels of package gemm: tile_amd64.s and the Go
// declarations beside it. Run it through go generate in the package's folder; the
// same input always gives the same bytes.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	for rows := 1; rows <= 6; rows++ {
		tile{rows: rows, vectors: 2, lanes: 8, name: fmt.Sprintf("tileAVX2x%d", rows)}.emit()
	}
	for rows := 1; rows <= 12; rows++ {
		tile{rows: rows, vectors: 2, lanes: 16, name: fmt.Sprintf("tileAVX512x%d", rows)}.emit()
	}
	peak("peakAVX2", YMM)
	peak("peakAVX512", ZMM)
	Generate()
}

// tile multiplies rows of A with two vectors of packed columns of B. In AVX2 form
// the two vectors are the halves of one panel, in AVX-512 form they are two panels.
type tile struct {
	rows, vectors, lanes int
	name                 string
}

// unroll is the number of inner steps in one turn of the loop. The order of the
// sum does not depend on it: every element of C has one accumulator.
const unroll = 4

func (t tile) emit() {
	TEXT(t.name, NOSPLIT, "func(inner int, a *float32, aRow, aInner int, b *float32, bPanel int, c *float32, cRow, cPanel int, add bool)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d rows of two vectors of %d columns; all strides are in bytes.", t.name, t.rows, t.lanes))
	wide := t.lanes == 16
	inner := Load(Param("inner"), GP64())
	aRow := Load(Param("aRow"), GP64())
	aInner := Load(Param("aInner"), GP64())
	b := Load(Param("b"), GP64())

	// Three rows share a base register: base, base+aRow, base+2*aRow.
	bases := []Register{Load(Param("a"), GP64())}
	for len(bases) < (t.rows+2)/3 {
		next := GP64()
		LEAQ(Mem{Base: bases[len(bases)-1], Index: aRow, Scale: 2}, next)
		ADDQ(aRow, next)
		bases = append(bases, next)
	}
	at := func(row int) Mem {
		m := Mem{Base: bases[row/3]}
		if row%3 > 0 {
			m.Index, m.Scale = aRow, uint8(row%3)
		}
		return m
	}
	// The second vector: the other half of the panel, or the next panel.
	bNext := Register(nil)
	if wide {
		bNext = Load(Param("bPanel"), GP64())
		ADDQ(b, bNext)
	}

	vec := func() Op {
		if wide {
			return ZMM()
		}
		return YMM()
	}
	acc := make([][2]Op, t.rows)
	for i := range acc {
		for j := range acc[i] {
			acc[i][j] = vec()
			if wide {
				VPXORD(acc[i][j], acc[i][j], acc[i][j])
			} else {
				VXORPS(acc[i][j], acc[i][j], acc[i][j])
			}
		}
	}
	b0, b1 := vec(), vec()
	step := func(i int) {
		VMOVUPS(Mem{Base: b, Disp: 64 * i}, b0)
		if wide {
			VMOVUPS(Mem{Base: bNext, Disp: 64 * i}, b1)
		} else {
			VMOVUPS(Mem{Base: b, Disp: 64*i + 32}, b1)
		}
		for r := range t.rows {
			x := vec()
			VBROADCASTSS(at(r), x)
			VFMADD231PS(b0, x, acc[r][0])
			VFMADD231PS(b1, x, acc[r][1])
		}
		for _, base := range bases {
			ADDQ(aInner, base)
		}
	}
	advance := func(n int) {
		ADDQ(I32(int32(64*n)), b)
		if wide {
			ADDQ(I32(int32(64*n)), bNext)
		}
	}
	SUBQ(Imm(unroll), inner)
	JL(LabelRef("rest"))
	Label("turn")
	for i := range unroll {
		step(i)
	}
	advance(unroll)
	SUBQ(Imm(unroll), inner)
	JGE(LabelRef("turn"))
	Label("rest")
	ADDQ(Imm(unroll), inner)
	JZ(LabelRef("store"))
	Label("single")
	step(0)
	advance(1)
	DECQ(inner)
	JNZ(LabelRef("single"))

	Label("store")
	c := Load(Param("c"), GP64())
	cRow := Load(Param("cRow"), GP64())
	cNext := Register(nil)
	if wide {
		cNext = Load(Param("cPanel"), GP64())
		ADDQ(c, cNext)
	}
	second := func() Mem {
		if wide {
			return Mem{Base: cNext}
		}
		return Mem{Base: c, Disp: 32}
	}
	add := Load(Param("add"), GP8())
	TESTB(add, add)
	JZ(LabelRef("write"))
	for r := range t.rows {
		VADDPS(Mem{Base: c}, acc[r][0], acc[r][0])
		VADDPS(second(), acc[r][1], acc[r][1])
		VMOVUPS(acc[r][0], Mem{Base: c})
		VMOVUPS(acc[r][1], second())
		if r < t.rows-1 {
			ADDQ(cRow, c)
			if wide {
				ADDQ(cRow, cNext)
			}
		}
	}
	VZEROUPPER()
	RET()
	Label("write")
	for r := range t.rows {
		VMOVUPS(acc[r][0], Mem{Base: c})
		VMOVUPS(acc[r][1], second())
		if r < t.rows-1 {
			ADDQ(cRow, c)
			if wide {
				ADDQ(cRow, cNext)
			}
		}
	}
	VZEROUPPER()
	RET()
}

// peak emits a loop of independent multiply-adds on registers alone: what it
// reaches is what the machine can do at best.
func peak[V Op](name string, vec func() V) {
	TEXT(name, NOSPLIT, "func(turns int)")
	Doc(fmt.Sprintf("%s runs turns x 12 independent multiply-adds of one vector.", name))
	n := Load(Param("turns"), GP64())
	x := vec()
	VXORPS(Op(X0), X0, X0)
	VBROADCASTSS(X0, x)
	var acc [12]Op
	for i := range acc {
		acc[i] = vec()
		VBROADCASTSS(X0, acc[i])
	}
	Label("turn")
	for _, a := range acc {
		VFMADD231PS(x, x, a)
	}
	DECQ(n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}
