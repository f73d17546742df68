// SPDX-License-Identifier: Apache-2.0

// Command asm writes the vector kernels of package mac: kernel_avx2_amd64.s and the
// Go declaration beside it. Run it through go generate in the package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rows is the number of matrix rows that share one read of the vector.
const rows = 4

func main() {
	words()
	bytesVNNI()
	Generate()
}

// bytesVNNI multiplies unsigned with signed bytes, 64 at a time.
func bytesVNNI() {
	TEXT("matVecVNNI", NOSPLIT, "func(acc *int32, x *uint8, w *int8, count, n, stride int)")
	Pragma("noescape")
	Doc("matVecVNNI computes count sums of n products of bytes; n is a multiple of 64, stride is in bytes.")
	acc := Load(Param("acc"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	count := Load(Param("count"), GP64())
	n := Load(Param("n"), GP64())
	stride := Load(Param("stride"), GP64())
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	i := GP64()

	Label("four")
	CMPQ(count, Imm(rows))
	JLT(LabelRef("one"))
	var sums []VecVirtual
	for range rows {
		s := ZMM()
		VPXORQ(s, s, s)
		sums = append(sums, s)
	}
	XORQ(i, i)
	base := GP64()
	MOVQ(w, base)
	Label("fourLoop")
	x0 := ZMM()
	VMOVDQU64(Mem{Base: x, Index: i, Scale: 1}, x0)
	for r, s := range sums {
		at := Mem{Base: base}
		switch r {
		case 1, 2:
			at.Index, at.Scale = stride, uint8(r)
		case 3:
			at.Index, at.Scale = stride3, 1
		}
		VPDPBUSD(at, x0, s)
	}
	ADDQ(Imm(64), base)
	ADDQ(Imm(64), i)
	CMPQ(i, n)
	JLT(LabelRef("fourLoop"))
	var half []VecVirtual
	for _, s := range sums {
		h := YMM()
		VEXTRACTI64X4(Imm(1), s, h)
		VPADDD(s.AsY(), h, h)
		half = append(half, h)
	}
	VPHADDD(half[1], half[0], half[0])
	VPHADDD(half[3], half[2], half[2])
	VPHADDD(half[2], half[0], half[0])
	high := XMM()
	VEXTRACTI128(Imm(1), half[0], high)
	VPADDD(high, half[0].AsX(), high)
	VMOVDQU(high, Mem{Base: acc})
	ADDQ(Imm(4*rows), acc)
	LEAQ(Mem{Base: w, Index: stride, Scale: 4}, w)
	SUBQ(Imm(rows), count)
	JMP(LabelRef("four"))

	Label("one")
	CMPQ(count, Imm(0))
	JEQ(LabelRef("done"))
	s := ZMM()
	VPXORQ(s, s, s)
	XORQ(i, i)
	Label("oneLoop")
	v := ZMM()
	VMOVDQU64(Mem{Base: x, Index: i, Scale: 1}, v)
	VPDPBUSD(Mem{Base: w, Index: i, Scale: 1}, v, s)
	ADDQ(Imm(64), i)
	CMPQ(i, n)
	JLT(LabelRef("oneLoop"))
	y, h := YMM(), XMM()
	VEXTRACTI64X4(Imm(1), s, y)
	VPADDD(s.AsY(), y, y)
	VEXTRACTI128(Imm(1), y, h)
	VPADDD(h, y.AsX(), h)
	VPHADDD(h, h, h)
	VPHADDD(h, h, h)
	VMOVD(h, Mem{Base: acc})
	ADDQ(Imm(4), acc)
	ADDQ(stride, w)
	DECQ(count)
	JMP(LabelRef("one"))

	Label("done")
	VZEROUPPER()
	RET()
}

// words multiplies signed 16-bit values, 16 at a time.
func words() {
	TEXT("matVecAVX2", NOSPLIT, "func(acc *int32, x, w *int16, count, n, stride int)")
	Pragma("noescape")
	Doc("matVecAVX2 computes count sums of n products; n is a multiple of 32, stride is in bytes.")
	acc := Load(Param("acc"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	count := Load(Param("count"), GP64())
	n := Load(Param("n"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(Imm(1), n) // bytes
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	i := GP64()

	Label("four")
	CMPQ(count, Imm(rows))
	JLT(LabelRef("one"))
	var sums []VecVirtual
	for range rows {
		sums = append(sums, YMM())
	}
	clearAll(sums)
	XORQ(i, i)
	base := GP64()
	MOVQ(w, base)
	Label("fourLoop")
	x0, x1 := YMM(), YMM()
	VMOVDQU(Mem{Base: x, Index: i, Scale: 1}, x0)
	VMOVDQU(Mem{Base: x, Index: i, Scale: 1, Disp: 32}, x1)
	for r, s := range sums {
		at := Mem{Base: base}
		switch r {
		case 1, 2:
			at.Index, at.Scale = stride, uint8(r)
		case 3:
			at.Index, at.Scale = stride3, 1
		}
		product := YMM()
		VPMADDWD(at, x0, product)
		VPADDD(product, s, s)
		at.Disp = 32
		VPMADDWD(at, x1, product)
		VPADDD(product, s, s)
	}
	ADDQ(Imm(64), base)
	ADDQ(Imm(64), i)
	CMPQ(i, n)
	JLT(LabelRef("fourLoop"))
	// Two rounds of pairwise sums leave one lane for each row in both halves.
	VPHADDD(sums[1], sums[0], sums[0])
	VPHADDD(sums[3], sums[2], sums[2])
	VPHADDD(sums[2], sums[0], sums[0])
	high := XMM()
	VEXTRACTI128(Imm(1), sums[0], high)
	VPADDD(high, sums[0].AsX(), high)
	VMOVDQU(high, Mem{Base: acc})
	ADDQ(Imm(4*rows), acc)
	LEAQ(Mem{Base: w, Index: stride, Scale: 4}, w)
	SUBQ(Imm(rows), count)
	JMP(LabelRef("four"))

	Label("one")
	CMPQ(count, Imm(0))
	JEQ(LabelRef("done"))
	s := []VecVirtual{YMM(), YMM()}
	clearAll(s)
	XORQ(i, i)
	Label("oneLoop")
	for half := range s {
		v := YMM()
		VMOVDQU(Mem{Base: x, Index: i, Scale: 1, Disp: 32 * half}, v)
		VPMADDWD(Mem{Base: w, Index: i, Scale: 1, Disp: 32 * half}, v, v)
		VPADDD(v, s[half], s[half])
	}
	ADDQ(Imm(64), i)
	CMPQ(i, n)
	JLT(LabelRef("oneLoop"))
	VPADDD(s[1], s[0], s[0])
	h := XMM()
	VEXTRACTI128(Imm(1), s[0], h)
	VPADDD(h, s[0].AsX(), h)
	VPHADDD(h, h, h)
	VPHADDD(h, h, h)
	VMOVD(h, Mem{Base: acc})
	ADDQ(Imm(4), acc)
	ADDQ(stride, w)
	DECQ(count)
	JMP(LabelRef("one"))

	Label("done")
	VZEROUPPER()
	RET()
}

func clearAll(regs []VecVirtual) {
	for _, r := range regs {
		VPXOR(r, r, r)
	}
}
