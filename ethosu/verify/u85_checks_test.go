// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// kindsU85 are operations of every kind, all with nothing to find, on maps of 4x4 pixels.
func kindsU85() (names []string, kinds []kernelU85) {
	of := func(base uint64, h, w, c int, t isa.DType) isa.MapU85 {
		return isa.MapU85{FeatureMap: plain(base, h, w, c, t)}
	}
	add := func(name string, change func(k *isa.KernelU85)) {
		unit := isa.ScaleU85{Value: 1}
		k := &isa.KernelU85{Op: isa.OpPool, Global: true, H: 4, W: 4, D: 32, OFMScale: unit, IFMScale: unit, IFM2Scale: unit,
			Window: isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}}
		k.IFM, k.IFM2, k.OFM = of(0, 4, 4, 32, typeS8), of(8192, 4, 4, 32, typeS8), of(16384, 4, 4, 32, typeS8)
		k.Activation = isa.ActivationU85{Clip: true, Min: 0xFF80, Max: 127}
		k.Acc.Micro = isa.Micro2x2
		change(k)
		names, kinds = append(names, name), append(kinds, kernelU85{KernelU85: k})
	}
	pool := func(name string, mode isa.PoolMode, change func(k *isa.KernelU85)) {
		add(name, func(k *isa.KernelU85) {
			k.Pool = mode
			if change != nil {
				change(k)
			}
		})
	}
	add("CONV", func(k *isa.KernelU85) { k.Op, k.Global = isa.OpConv, false })
	add("CONV of 3x3", func(k *isa.KernelU85) {
		k.Op, k.Global, k.Window.PartKernelFirst = isa.OpConv, false, true
		k.Window.H, k.Window.W, k.Window.DilatedH, k.Window.DilatedW, k.Window.Top, k.Window.Left, k.Window.Bottom, k.Window.Right = 3, 3, 3, 3, 1, 1, 1, 1
	})
	add("CONV from IFM2", func(k *isa.KernelU85) {
		k.Op, k.Global, k.Acc.Input, k.IFM2 = isa.OpConv, false, isa.AccIFM2, of(8192, 4, 4, 32, typeS32)
	})
	add("CONV with IFM2", func(k *isa.KernelU85) { k.Op, k.MatMul, k.IFM2 = isa.OpConv, true, of(8192, 1, 32, 32, typeS8) })
	add("DEPTHWISE", func(k *isa.KernelU85) {
		k.Op, k.Global, k.Window.H, k.Window.DilatedH, k.Window.Top = isa.OpDepthwise, false, 2, 2, 1
	})
	pool("MAX", isa.PoolMax, nil)
	pool("MAX of 2x2", isa.PoolMax, func(k *isa.KernelU85) {
		k.Window = isa.Kernel{H: 2, W: 2, StrideY: 2, StrideX: 2, DilationY: 1, DilationX: 1, DilatedH: 2, DilatedW: 2}
		k.IFM = of(0, 8, 8, 32, typeS8)
	})
	pool("MIN of S32", isa.PoolMin, func(k *isa.KernelU85) {
		k.IFM, k.OFM, k.Activation.Clip = of(0, 4, 4, 32, typeS32), of(16384, 4, 4, 32, typeS32), false
	})
	pool("AVERAGE", isa.PoolAverage, func(k *isa.KernelU85) { k.OFMScale.Round = isa.RoundHalfUp })
	pool("SUM", isa.PoolSum, func(k *isa.KernelU85) { k.IFM.ZeroPoint, k.OFM.ZeroPoint = 3, -3 })
	pool("REDUCE_SUM", isa.PoolReduceSum, func(k *isa.KernelU85) { k.OFM, k.Acc.Micro = of(16384, 4, 4, 1, typeS8), isa.Micro2x2 })
	pool("ARGMAX_X", isa.PoolArgmaxX, func(k *isa.KernelU85) {
		k.OFM, k.OFMScale, k.Activation.Clip = of(16384, 4, 4, 32, typeS32), isa.ScaleU85{Value: 1, Shift: 16, Round: isa.RoundDown}, false
	})
	pool("NONE", isa.PoolNone, func(k *isa.KernelU85) {
		k.Acc.Input, k.IFM2 = isa.AccIFM2, of(8192, 4, 4, 32, typeS32)
	})
	for _, e := range []isa.ElementwiseMode{isa.ElemAdd, isa.ElemSub, isa.ElemMul, isa.ElemMin, isa.ElemAnd, isa.ElemAbs, isa.ElemLRelu, isa.ElemNot} {
		add(fmt.Sprint(e), func(k *isa.KernelU85) { k.Op, k.Elem = isa.OpElementwise, e })
	}
	for _, e := range []isa.ElementwiseMode{isa.ElemAdd, isa.ElemMul, isa.ElemCLZ, isa.ElemSHL, isa.ElemSHR} {
		add(fmt.Sprint(e, " of S32"), func(k *isa.KernelU85) {
			k.Op, k.Elem, k.Activation.Clip = isa.OpElementwise, e, false
			k.IFM, k.IFM2, k.OFM = of(0, 4, 4, 32, typeS32), of(8192, 4, 4, 32, typeS32), of(16384, 4, 4, 32, typeS32)
		})
	}
	add("RESIZE", func(k *isa.KernelU85) {
		k.Op, k.Mode, k.OFMScale, k.H, k.D = isa.OpResize, isa.ResizeNearest, isa.ScaleU85{Value: 1, Shift: 16}, 1, 16
		k.IFM = of(0, 2, 2, 32, typeS8)
		k.Resize = [2]isa.ResizeU85{{N: 2, OneRest: 1, BlockRest: 0}, {N: 2, OneRest: 1, BlockRest: 1}}
	})
	return names, kinds
}

// changeU85 is one thing that is other than in an operation without a finding.
type changeU85 struct {
	what, value string
	f           func(k *kernelU85)
}

// changesU85 are the values at both sides of every border that a register has in a rule.
func changesU85() (list []changeU85) {
	add := func(what string, value any, f func(k *kernelU85)) {
		list = append(list, changeU85{what, fmt.Sprint(value), f})
	}
	each := func(name string, values []int, at func(k *kernelU85) *int) {
		for _, v := range values {
			add(name, v, func(k *kernelU85) { *at(k) = v })
		}
	}
	maps := map[string]func(k *kernelU85) *isa.MapU85{"IFM": func(k *kernelU85) *isa.MapU85 { return &k.IFM }, "IFM2": func(k *kernelU85) *isa.MapU85 { return &k.IFM2 }, "OFM": func(k *kernelU85) *isa.MapU85 { return &k.OFM }}
	for _, which := range []string{"IFM", "IFM2", "OFM"} {
		m := maps[which]
		each(which+" height", []int{1, 3, 5}, func(k *kernelU85) *int { return &m(k).H })
		each(which+" width", []int{1, 3, 5}, func(k *kernelU85) *int { return &m(k).W })
		each(which+" depth", []int{1, 8, 31, 33, 64}, func(k *kernelU85) *int { return &m(k).C })
		each(which+" height 0", []int{3, 5, 6}, func(k *kernelU85) *int { return &m(k).Height0 })
		each(which+" width 0", []int{3, 5, 6}, func(k *kernelU85) *int { return &m(k).Width0 })
		for _, zp := range []int32{-129, -128, 127, 128, 255, 32768} {
			add(which+" zero point", zp, func(k *kernelU85) { m(k).ZeroPoint = zp })
		}
		for _, t := range []isa.DType{typeU8, {Bits: 16}, typeS16, {Bits: 32}, typeS32, {Bits: 64, Signed: true}} {
			add(which, t, func(k *kernelU85) { m(k).Type = t })
		}
		for _, s := range []isa.Storage{isa.Tile2x2, isa.Tile3x1, isa.Chained, isa.NoStorage} {
			add(which+" in", s, func(k *kernelU85) { m(k).Storage = s })
		}
		add(which+" in", "the other buffer", func(k *kernelU85) { m(k).Storage, m(k).Buffer = isa.Chained, 1 })
		for _, b := range []isa.BroadcastU85{isa.BroadcastH, isa.BroadcastW, isa.BroadcastC} {
			add(which+" broadcast", b, func(k *kernelU85) { m(k).Broadcast = b })
		}
		add(which+" scalar", "", func(k *kernelU85) { m(k).Broadcast, m(k).Storage = isa.BroadcastScalar, isa.NoStorage })
		add(which+" scalar", "in memory", func(k *kernelU85) { m(k).Broadcast = isa.BroadcastScalar })
		add(which+" in bricks", "", func(k *kernelU85) { m(k).Format = isa.NHCWB16 })
		for _, to := range []uint64{0, 1, 1024, 8192} {
			add(which+" at", to, func(k *kernelU85) { m(k).Base[0] = to })
		}
	}
	each("kernel height", []int{2, 8, 9}, func(k *kernelU85) *int { return &k.Window.H })
	each("kernel width", []int{2, 8, 9}, func(k *kernelU85) *int { return &k.Window.W })
	each("extent in y", []int{2, 3, 8, 9}, func(k *kernelU85) *int { return &k.Window.DilatedH })
	each("extent in x", []int{2, 3, 8, 9}, func(k *kernelU85) *int { return &k.Window.DilatedW })
	each("step in y", []int{2, 3}, func(k *kernelU85) *int { return &k.Window.StrideY })
	each("step in x", []int{2, 3}, func(k *kernelU85) *int { return &k.Window.StrideX })
	each("dilation in y", []int{2}, func(k *kernelU85) *int { return &k.Window.DilationY })
	each("dilation in x", []int{2}, func(k *kernelU85) *int { return &k.Window.DilationX })
	each("top", []int{1, 2, 4}, func(k *kernelU85) *int { return &k.Window.Top })
	each("left", []int{1, 2, 4}, func(k *kernelU85) *int { return &k.Window.Left })
	each("bottom", []int{1, 2, 4}, func(k *kernelU85) *int { return &k.Window.Bottom })
	each("right", []int{1, 2, 4}, func(k *kernelU85) *int { return &k.Window.Right })
	each("block height", []int{1, 3, 8, 64, 128, 130}, func(k *kernelU85) *int { return &k.H })
	each("block width", []int{1, 3, 8, 64, 128, 130}, func(k *kernelU85) *int { return &k.W })
	each("block depth", []int{8, 16, 24, 48, 1024, 1040}, func(k *kernelU85) *int { return &k.D })
	each("BLOCKDEP", []int{1}, func(k *kernelU85) *int { return &k.Dep })
	add("part kernel first", "", func(k *kernelU85) { k.Window.PartKernelFirst = !k.Window.PartKernelFirst })
	add("sparse", "", func(k *kernelU85) { k.Sparse = true })
	add("MatMul", "", func(k *kernelU85) { k.MatMul = !k.MatMul })
	add("scale mode", "", func(k *kernelU85) { k.Global = !k.Global })
	for _, x := range []isa.Transpose{isa.TransposeWHC, isa.TransposeHCW, isa.TransposeWCH, isa.TransposeCHW, isa.TransposeCWH, 4} {
		add("transposed", x, func(k *kernelU85) { k.Transpose = x })
	}
	for _, x := range []isa.Reverse{isa.ReverseH, isa.ReverseW, isa.ReverseC} {
		add("reversed", x, func(k *kernelU85) { k.Reverse = x })
	}
	for x := range isa.Microblock(6) {
		add("micro-block", x, func(k *kernelU85) { k.Acc.Micro = x })
	}
	add("48 bits", "", func(k *kernelU85) { k.Acc.Format = isa.AccI48 })
	for x := range isa.AccInput(4) {
		add("start", x, func(k *kernelU85) { k.Acc.Input = x })
	}
	add("kept", "", func(k *kernelU85) { k.Acc.Hold = true })
	add("kept", "and not written", func(k *kernelU85) { k.Acc.Hold, k.OFM.Storage = true, isa.NoStorage })
	for _, x := range []isa.UpscaleMode{isa.UpscaleNearest, isa.UpscaleZeros} {
		add("upscale", x, func(k *kernelU85) { k.Upscale = x })
	}
	for x := range isa.PoolMode(8) {
		add("pool", x, func(k *kernelU85) { k.Pool = x })
	}
	for _, x := range []isa.ElementwiseMode{isa.ElemMax, isa.ElemLSR, isa.ElemDiv, isa.ElemCmpEQ, isa.ElemCmpGT, isa.ElemOr, isa.ElemXor, isa.ElemAndNot, isa.ElemSHR, isa.ElemSHL, isa.ElemCLZ} {
		add("mode", x, func(k *kernelU85) { k.Elem = x })
	}
	scales := map[string]func(k *kernelU85) *isa.ScaleU85{"OFM": func(k *kernelU85) *isa.ScaleU85 { return &k.OFMScale }, "IFM": func(k *kernelU85) *isa.ScaleU85 { return &k.IFMScale }, "IFM2": func(k *kernelU85) *isa.ScaleU85 { return &k.IFM2Scale }}
	for _, which := range []string{"OFM", "IFM", "IFM2"} {
		s := scales[which]
		for _, v := range []isa.ScaleU85{{Value: 2}, {Value: 1 << 30, Shift: 30}, {Value: 1 << 30}, {Value: 1, Shift: 30}, {Value: 1, Double: 9}, {Value: 1, Shift: 15}, {Value: 1, Shift: 16}, {Value: 1, Shift: 17}, {Value: 3 << 28, Shift: 33, Double: 20}} {
			add(which+" scale", v, func(k *kernelU85) { r := s(k).Round; *s(k) = v; s(k).Round = r })
		}
		for x := range isa.RoundModeU85(6) {
			add(which+" rounding", x, func(k *kernelU85) { s(k).Round = x })
			add(which+" rounding", fmt.Sprint(x, " of a scale"), func(k *kernelU85) { *s(k) = isa.ScaleU85{Value: 3, Shift: 2, Round: x} })
		}
	}
	for _, f := range []isa.FunctionU85{isa.FuncU8ToU8, isa.FuncS8ToS8, isa.FuncS8ToS16, isa.FuncS8ToS32, isa.FuncS16ToS16, isa.FuncS16ToS32, isa.FuncTanh, isa.FuncSigmoid} {
		_, out := f.Types()
		for table := range 3 {
			add("function", fmt.Sprint(f, " of table ", 3*table), func(k *kernelU85) { k.Activation.Function, k.Activation.Table, k.OFM.Type = f, 3*table, out })
		}
		add("function", f, func(k *kernelU85) { k.Activation.Function = f })
	}
	add("clip", "", func(k *kernelU85) { k.Activation.Clip = !k.Activation.Clip })
	for _, x := range [][2]uint16{{0, 127}, {127, 127}, {128, 127}, {0xFF80, 126}, {0xFF81, 127}, {127, 126}, {0x8000, 0x7FFF}, {0, 0xFFFF}, {0xFFFF, 0}} {
		add("clamp", x, func(k *kernelU85) { k.Activation.Min, k.Activation.Max = x[0], x[1] })
	}
	each("resize", []int{-3, -2, -1, 1, 2, 3}, func(k *kernelU85) *int { return &k.Resize[0].Offset })
	each("resize in x", []int{-3, -2, 1, 2}, func(k *kernelU85) *int { return &k.Resize[1].Offset })
	each("resize rest", []int{1, 2, 3}, func(k *kernelU85) *int { return &k.Resize[0].OneRest })
	each("resize rest of blocks", []int{1, 2, 3}, func(k *kernelU85) *int { return &k.Resize[1].BlockRest })
	add("resize linearly", "", func(k *kernelU85) { k.Mode++ })
	return list
}

func (k kernelU85) copy() kernelU85 {
	kernel := *k.KernelU85
	k.KernelU85 = &kernel
	return k
}

// judgedU85 tells what all rules of one operation say of it, behind the open chain or none,
// and a hash of what its values are.
func judgedU85(t *testing.T, a *ethosu.Accelerator, k kernelU85, in chainU85) [2]string {
	h := fnv.New32a()
	c := newChecker(a, Regions{1: {Size: 1 << 15}})
	c.defined[1].add(0, 1<<14)
	c.tables.add(0, 1024)
	table := make([]byte, 700)
	for i := range table {
		table[i] = byte(i*i + 3*i)
	}
	c.loaded.put(0, table)
	for i, b := range []bound{{-3000, 7000}, {1, 9}} { // of both inputs, where they are of 32 bits
		f := plain(uint64(8192*i), 4, 4, 32, typeS32)
		c.values.add(written{f: f, spans: f.Spans(), v: value{cells: []bound{b}, group: 4 * i, some: bound{5, 9}}})
	}
	k = k.copy()
	k.index = 4
	s := &stateU85{}
	if in.first != nil {
		open := in
		s.chain, s.value = &open, only(bound{-100, 90})
	}
	ok := c.storageU85(&k) && c.shapesU85(&k)
	fmt.Fprintln(h, ok)
	if ok {
		c.typesU85(&k)
		c.unknownU85(&k)
		c.blockU85(&k, s.chain != nil || k.OFM.Storage == isa.Chained)
		c.chained(s, &k)
		written := k.Written()
		k.out = written.Spans()
		fmt.Fprintln(h, c.tableU85(&k))
		c.readsU85(s, &k)
		c.overlapsU85(&k, &written)
		k.value, k.same = s.value, s.same
		v := c.resultU85(&k)
		fmt.Fprintln(h, v.hull(), v.group, v.some, len(v.cells))
		v = c.storedU85(&k, v)
		fmt.Fprintln(h, v.hull(), v.group, v.some, len(v.cells), k.unwritten)
		if s.value, s.same = (value{}), nil; len(c.findings) < 100 {
			c.overflowU85(s, &k, &written)
			fmt.Fprintln(h, len(c.values.all()), len(c.maxima), s.value.cells, s.same)
		}
	}
	said := brief(c.findings)
	if i := strings.LastIndexByte(said, ','); i >= 0 {
		said = said[:i] + " " + said[i+1:]
	}
	return [2]string{said, fmt.Sprintf("%04x", h.Sum32()&0xFFFF)}
}

// TestRecordedChecksU85: what the rules say of operations of all kinds with one register on
// either side of its borders, and with two such registers.
func TestRecordedChecksU85(t *testing.T) {
	b := testdata.NewRecording(t, "checks_u85.txt", *update)
	names, kinds := kindsU85()
	changes := changesU85()
	for i, name := range []string{"ethos-u85-256", "ethos-u85-512", "ethos-u85-2048"} {
		a, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, kind := range kinds {
			kind = kind.copy()
			for m := range isa.Microblock(6) {
				for _, b := range a.U85.MicroBlocks {
					if h, w := m.Size(); b.H == h && b.W == w && kind.mayHave(a, b.D) {
						if kind.Acc.Micro = m; kind.Op == isa.OpConv {
							kind.D = max(32, b.D)
						}
					}
				}
			}
			for _, in := range []bool{false, true} {
				var open chainU85
				k := kind.copy()
				if in {
					if kind.Op != isa.OpElementwise || i > 0 {
						continue
					}
					first := kind.copy()
					first.OFM.Storage, k.IFM.Storage = isa.Chained, isa.Chained
					open = chainU85{first: &first, members: 1, last: &first, inputs: first.inputs()}
				}
				same := judgedU85(t, a, k, open)
				fmt.Fprintf(b, "# %s, %s, in a chain %v: %s\n", name, names[n], in, strings.Join(same[:], " "))
				if same[0] != "-" {
					t.Errorf("%s of %s, in a chain %v: %s", names[n], name, in, same)
				}
				with := func(list ...changeU85) [2]string {
					changed := k.copy()
					for _, c := range list {
						c.f(&changed)
					}
					return judgedU85(t, a, changed, open)
				}
				for at := 0; at < len(changes); { // the values of a register in one line
					what, h, found := changes[at].what, fnv.New32a(), []string{}
					if i > 0 && !slices.ContainsFunc([]string{"block", "micro", "IFM", "depth", "48", "sparse", "step", "extent", "upscale"}, func(s string) bool { return strings.Contains(what, s) }) {
						at++ // the same on every accelerator
						continue
					}
					for ; at < len(changes) && changes[at].what == what; at++ {
						said := with(changes[at])
						fmt.Fprintln(h, said)
						rules, _, _ := strings.Cut(said[0], " ")
						if said == same {
							rules = "="
						}
						found = append(found, rules)
					}
					fmt.Fprintf(b, "%s: %s %04x\n", what, strings.Join(found, " "), h.Sum32()&0xFFFF)
					b.Part()
				}
				rng := rand.New(rand.NewPCG(uint64(n), 91))
				for range 24 >> i {
					one, other := changes[rng.IntN(len(changes))], changes[rng.IntN(len(changes))]
					said := with(one, other)
					fmt.Fprintf(b, "%s %s, %s %s: %s\n", one.what, one.value, other.what, other.value, strings.Join(said[:], " "))
					b.Part()
				}
			}
		}
	}
	b.End()
}
