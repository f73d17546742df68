// SPDX-License-Identifier: Apache-2.0

// Command asm writes the vector kernel of package reference: dot_amd64.s and
// the Go declaration beside it. Run it through go generate in the package's
// folder; the same input always gives the same bytes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const rows, cols = 4, 16 // groupRows, blockCols

func main() {
	TEXT("dotAVX2", NOSPLIT, "func(acc *int32, w *int8, x *int16, groups, blocks int)")
	Pragma("noescape")
	Doc("dotAVX2 computes 4 sums for each group: products of the group's weights with blocks of 16 values of x.")
	acc := Load(Param("acc"), GP64())
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	groups := Load(Param("groups"), GP64())
	blocks := Load(Param("blocks"), GP64())
	at, left := GP64(), GP64()
	var sums [rows]VecVirtual

	Label("group")
	for r := range sums {
		sums[r] = YMM()
		VPXOR(sums[r], sums[r], sums[r])
	}
	MOVQ(x, at)
	MOVQ(blocks, left)
	Label("block")
	values := YMM()
	VMOVDQU(Mem{Base: at}, values)
	for r := range sums {
		product := YMM()
		VPMOVSXBW(Mem{Base: w, Disp: cols * r}, product)
		VPMADDWD(values, product, product)
		VPADDD(product, sums[r], sums[r])
	}
	ADDQ(U8(2*cols), at)
	ADDQ(U8(rows*cols), w)
	DECQ(left)
	JNZ(LabelRef("block"))

	// Eight partial sums of four rows to four sums.
	VPHADDD(sums[1], sums[0], sums[0])
	VPHADDD(sums[3], sums[2], sums[2])
	VPHADDD(sums[2], sums[0], sums[0])
	high := XMM()
	VEXTRACTI128(U8(1), sums[0], high)
	VPADDD(high, sums[0].AsX(), high)
	VMOVDQU(high, Mem{Base: acc})
	ADDQ(U8(4*rows), acc)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
	Generate()
}
