// SPDX-License-Identifier: Apache-2.0

// Command asm writes the vector loops of package elementwise: cells_amd64.s and
// the Go declarations beside it. Run it through go generate in the package's
// folder; the same input always gives the same bytes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	constants()
	for _, g := range []gen{{lanes: 8, suffix: "AVX2"}, {lanes: 16, suffix: "AVX512"}} {
		g.activations()
		g.gru()
		g.lstm()
		g.rnn()
		g.minGRU()
		g.adam()
	}
	Generate()
}

// table holds the constants, each repeated over a whole vector so that it can be
// the memory operand of any instruction.
var (
	table     Mem
	addresses = map[string]int{}
)

func constants() {
	table = GLOBL("elementwiseConstants", 8|16) // RODATA|NOPTR
	for i, c := range []struct {
		name  string
		value float32
	}{
		{"-log2e", -1.4426950408889634},
		{"top", 126}, {"bottom", -126}, // 2^n stays a normal number
		// 2^f for f in -0.5..0.5, minimax for the relative error, 9.1e-8.
		{"c1", 0.6931470036506653}, {"c2", 0.24022242426872253}, {"c3", 0.05550733581185341},
		{"c4", 0.009671512991189957}, {"c5", 0.001326472731307149},
		{"1", 1}, {"2", 2}, {"0", 0},
	} {
		addresses[c.name] = 64 * i
		for lane := range 16 {
			DATA(64*i+4*lane, F32(c.value))
		}
	}
}

// k returns the memory operand of a constant.
func k(name string) Mem {
	at, ok := addresses[name]
	if !ok {
		panic("no constant " + name)
	}
	return table.Offset(at)
}

// gen emits the loops for one vector width.
type gen struct {
	lanes  int
	suffix string
}

func (g gen) vec() Op {
	if g.lanes == 16 {
		return ZMM()
	}
	return YMM()
}

func (g gen) load(m Mem) Op {
	x := g.vec()
	VMOVUPS(m, x)
	return x
}

func (g gen) mul(a, b Op) Op { x := g.vec(); VMULPS(a, b, x); return x } // b is a register
func (g gen) add(a, b Op) Op { x := g.vec(); VADDPS(a, b, x); return x } // b is a register
func (g gen) sub(a, b Op) Op { x := g.vec(); VSUBPS(b, a, x); return x } // a - b, a is a register

// oneMinus returns 1 - x.
func (g gen) oneMinus(x Op) Op { return g.sub(g.load(k("1")), x) }

// sigmoid returns 1/(1+2^t), t = x*(-log2 e) or twice that. A NaN passes through:
// the maximum and minimum instructions return their last operand for it.
func (g gen) sigmoid(x Op, twice bool) Op {
	t := g.mul(k("-log2e"), x)
	if twice {
		t = g.add(t, t)
	}
	VMAXPS(t, g.load(k("bottom")), t)
	VMINPS(t, g.load(k("top")), t)
	n, whole := g.vec(), g.vec()
	VCVTPS2DQ(t, n) // to nearest
	VCVTDQ2PS(n, whole)
	f := g.sub(t, whole)
	p := g.load(k("c5"))
	for _, c := range []string{"c4", "c3", "c2", "c1", "1"} {
		VFMADD213PS(k(c), f, p)
	}
	VPSLLD(Imm(23), n, n)
	VPADDD(n, p, p) // p * 2^n
	VADDPS(k("1"), p, p)
	s := g.load(k("1"))
	VDIVPS(p, s, s)
	return s
}

// tanh returns 2*sigmoid(2x) - 1.
func (g gen) tanh(x Op) Op {
	s := g.sigmoid(x, true)
	return g.sub(g.add(s, s), g.load(k("1")))
}

// loop emits a function over n floats, a multiple of 16. body gets one function
// that returns the operand of a pointer argument at the current place, block
// blocks of n floats further on.
func (g gen) loop(name, signature, doc string, args []string, body func(at func(arg string, block int) Mem)) {
	TEXT(name+g.suffix, 4, signature) // NOSPLIT
	Pragma("noescape")
	Doc(name + g.suffix + " " + doc)
	n := Load(Param("n"), GP64())
	type cursor struct{ base, third Mem }
	at := map[string]cursor{}
	stride := GP64()
	MOVQ(n, stride)
	SHLQ(Imm(2), stride)
	for _, a := range args {
		p := Load(Param(a), GP64())
		c := cursor{base: Mem{Base: p}}
		if a == "gates" {
			q := GP64()
			LEAQ(Mem{Base: p, Index: stride, Scale: 2}, q)
			ADDQ(stride, q)
			c.third = Mem{Base: q}
		}
		at[a] = c
	}
	Label("turn")
	body(func(arg string, block int) Mem {
		c := at[arg]
		if block == 3 {
			return c.third
		}
		if block > 0 {
			c.base.Index, c.base.Scale = stride, uint8(block)
		}
		return c.base
	})
	for _, a := range args {
		ADDQ(Imm(uint64(4*g.lanes)), at[a].base.Base)
		if at[a].third.Base != nil {
			ADDQ(Imm(uint64(4*g.lanes)), at[a].third.Base)
		}
	}
	SUBQ(Imm(uint64(g.lanes)), n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}

func (g gen) activations() {
	g.loop("sigmoid", "func(n int, x *float32)", "replaces n values by their sigmoid.", []string{"x"}, func(at func(string, int) Mem) {
		VMOVUPS(g.sigmoid(g.load(at("x", 0)), false), at("x", 0))
	})
	g.loop("tanh", "func(n int, x *float32)", "replaces n values by their tanh.", []string{"x"}, func(at func(string, int) Mem) {
		VMOVUPS(g.tanh(g.load(at("x", 0))), at("x", 0))
	})
}

func (g gen) gru() {
	g.loop("gruForward", "func(n int, gates, h0, h1 *float32)", "turns blocks xn, z, r, hn into n, z, r, hn and writes h1.",
		[]string{"gates", "h0", "h1"}, func(at func(string, int) Mem) {
			r := g.sigmoid(g.load(at("gates", 2)), false)
			VMOVUPS(r, at("gates", 2))
			z := g.sigmoid(g.load(at("gates", 1)), false)
			VMOVUPS(z, at("gates", 1))
			a := g.load(at("gates", 0))
			VFMADD231PS(at("gates", 3), r, a)
			n := g.tanh(a)
			VMOVUPS(n, at("gates", 0))
			// h1 = n + z*(h0 - n)
			d := g.sub(g.load(at("h0", 0)), n)
			VFMADD231PS(d, z, n)
			VMOVUPS(n, at("h1", 0))
		})
	g.loop("gruBackward", "func(n int, gates, h0, dh *float32)", "turns blocks n, z, r, hn into dn, dz, dr, dn*r and dh into dh*z.",
		[]string{"gates", "h0", "dh"}, func(at func(string, int) Mem) {
			n, z, r := g.load(at("gates", 0)), g.load(at("gates", 1)), g.load(at("gates", 2))
			dh := g.load(at("dh", 0))
			rest := g.oneMinus(z)
			dn := g.mul(dh, rest)
			square := g.load(k("1"))
			VFNMADD231PS(n, n, square) // 1 - n*n
			VMULPS(square, dn, dn)
			dz := g.mul(dh, g.sub(g.load(at("h0", 0)), n))
			VMULPS(z, dz, dz)
			VMULPS(rest, dz, dz)
			dr := g.mul(at("gates", 3), dn)
			VMULPS(r, dr, dr)
			VMULPS(g.oneMinus(r), dr, dr)
			VMOVUPS(dn, at("gates", 0))
			VMOVUPS(dz, at("gates", 1))
			VMOVUPS(dr, at("gates", 2))
			VMOVUPS(g.mul(dn, r), at("gates", 3))
			VMOVUPS(g.mul(dh, z), at("dh", 0))
		})
}

func (g gen) lstm() {
	g.loop("lstmForward", "func(n int, gates, c0, c1, q, h1 *float32)", "activates blocks i, f, g, o and writes c1, q = tanh(c1) and h1 = o*q.",
		[]string{"gates", "c0", "c1", "q", "h1"}, func(at func(string, int) Mem) {
			i := g.sigmoid(g.load(at("gates", 0)), false)
			VMOVUPS(i, at("gates", 0))
			f := g.sigmoid(g.load(at("gates", 1)), false)
			VMOVUPS(f, at("gates", 1))
			n := g.tanh(g.load(at("gates", 2)))
			VMOVUPS(n, at("gates", 2))
			c := g.mul(n, i)
			VFMADD231PS(at("c0", 0), f, c)
			VMOVUPS(c, at("c1", 0))
			q := g.tanh(c)
			VMOVUPS(q, at("q", 0))
			o := g.sigmoid(g.load(at("gates", 3)), false)
			VMOVUPS(o, at("gates", 3))
			VMOVUPS(g.mul(q, o), at("h1", 0))
		})
	g.loop("lstmBackward", "func(n int, gates, c0, q, dh, dc *float32)", "turns blocks i, f, g, o into di, df, dg, do and dc into dc*f.",
		[]string{"gates", "c0", "q", "dh", "dc"}, func(at func(string, int) Mem) {
			q, dh, o := g.load(at("q", 0)), g.load(at("dh", 0)), g.load(at("gates", 3))
			slope := g.load(k("1"))
			VFNMADD231PS(q, q, slope) // 1 - q*q
			VMULPS(o, slope, slope)
			dc := g.load(at("dc", 0))
			VFMADD231PS(slope, dh, dc)
			do := g.mul(dh, q)
			VMULPS(o, do, do)
			VMULPS(g.oneMinus(o), do, do)
			VMOVUPS(do, at("gates", 3))
			f := g.load(at("gates", 1))
			df := g.mul(at("c0", 0), dc)
			VMULPS(f, df, df)
			VMULPS(g.oneMinus(f), df, df)
			VMOVUPS(df, at("gates", 1))
			i, n := g.load(at("gates", 0)), g.load(at("gates", 2))
			di := g.mul(dc, n)
			VMULPS(i, di, di)
			VMULPS(g.oneMinus(i), di, di)
			VMOVUPS(di, at("gates", 0))
			dn := g.mul(dc, i)
			square := g.load(k("1"))
			VFNMADD231PS(n, n, square)
			VMULPS(square, dn, dn)
			VMOVUPS(dn, at("gates", 2))
			VMOVUPS(g.mul(dc, f), at("dc", 0))
		})
}

func (g gen) rnn() {
	g.loop("rnnTanhBackward", "func(n int, d, h, dh *float32)", "writes d = dh*(1-h*h).", []string{"d", "h", "dh"}, func(at func(string, int) Mem) {
		h := g.load(at("h", 0))
		square := g.load(k("1"))
		VFNMADD231PS(h, h, square)
		VMOVUPS(g.mul(at("dh", 0), square), at("d", 0))
	})
}

func (g gen) minGRU() {
	g.loop("minGRUForward", "func(n int, gates, h0, h1 *float32)", "activates blocks n, u and writes h1 = h0 + u*(n - h0).",
		[]string{"gates", "h0", "h1"}, func(at func(string, int) Mem) {
			u := g.sigmoid(g.load(at("gates", 1)), false)
			VMOVUPS(u, at("gates", 1))
			n := g.tanh(g.load(at("gates", 0)))
			VMOVUPS(n, at("gates", 0))
			h := g.load(at("h0", 0))
			VFMADD231PS(g.sub(n, h), u, h)
			VMOVUPS(h, at("h1", 0))
		})
	g.loop("minGRUBackward", "func(n int, gates, h0, dh *float32)", "turns blocks n, u into dn, du and dh into dh*(1-u).",
		[]string{"gates", "h0", "dh"}, func(at func(string, int) Mem) {
			n, u, dh := g.load(at("gates", 0)), g.load(at("gates", 1)), g.load(at("dh", 0))
			rest := g.mul(dh, g.oneMinus(u))
			dn := g.mul(dh, u)
			square := g.load(k("1"))
			VFNMADD231PS(n, n, square) // 1 - n*n
			VMULPS(square, dn, dn)
			du := g.sub(n, g.load(at("h0", 0)))
			VMULPS(u, du, du)
			VMULPS(rest, du, du)
			VMOVUPS(dn, at("gates", 0))
			VMOVUPS(du, at("gates", 1))
			VMOVUPS(rest, at("dh", 0))
		})
}

func (g gen) adam() {
	TEXT("adam"+g.suffix, 4, "func(n int, p, gradient, m, v *float32, scale, alpha, keep1, keep2, eps float32)")
	Pragma("noescape")
	Doc("adam" + g.suffix + " moves n parameters by one step of Adam.")
	n := Load(Param("n"), GP64())
	p := Mem{Base: Load(Param("p"), GP64())}
	gradient := Mem{Base: Load(Param("gradient"), GP64())}
	m := Mem{Base: Load(Param("m"), GP64())}
	v := Mem{Base: Load(Param("v"), GP64())}
	scalar := func(name string) Op {
		x, all := XMM(), g.vec()
		Load(Param(name), x)
		VBROADCASTSS(x, all)
		return all
	}
	scale, alpha, keep1, keep2, eps := scalar("scale"), scalar("alpha"), scalar("keep1"), scalar("keep2"), scalar("eps")
	Label("turn")
	d := g.mul(gradient, scale)
	mm, vv := g.load(m), g.load(v)
	VFMADD231PS(g.sub(d, mm), keep1, mm)
	VFMADD231PS(g.sub(g.mul(d, d), vv), keep2, vv)
	VMOVUPS(mm, m)
	VMOVUPS(vv, v)
	root := g.vec()
	VSQRTPS(vv, root)
	VADDPS(eps, root, root)
	move := g.mul(mm, alpha)
	VDIVPS(root, move, move)
	VMOVUPS(g.sub(g.load(p), move), p)
	for _, x := range []Mem{p, gradient, m, v} {
		ADDQ(Imm(uint64(4*g.lanes)), x.Base)
	}
	SUBQ(Imm(uint64(g.lanes)), n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}
