// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"sync"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Options widen or narrow what Prepare accepts. The zero value is the default.
type Options struct {
	// MaxWork limits multiplications, elementwise results and copied bytes of one
	// run, so that a damaged stream ends. 0 stands for 2^36, far above any network for
	// these NPUs.
	MaxWork int64
	// Tensor names the tensor at a place in memory while the operation at a word
	// runs, for faults and traces.
	Tensor func(word int, at isa.Span) string
	// Output names the tensor that the operation at a word writes, where that is
	// known better than by its place.
	Output func(word int) string
	// SkipLayout leaves block dimensions and the SHRAM layout unchecked.
	SkipLayout bool
	slow       bool // only the generic plans
}

// Sim is a stream ready to run. It is immutable apart from caches that are safe for
// concurrent use.
type Sim struct {
	accel   *ethosu.Accelerator
	product isa.Product
	regions Regions
	opts    Options
	steps   []step
	order   []ordered
	touched uint8                        // regions that the stream accesses
	inner   [allRegions - firstChain]int // bytes of the regions inside the NPU
	store   *weightStore
	pool    sync.Pool // *context
}

// step is an operation ready to run.
type step interface {
	head() *base
	run(c *context) error
}

// base is what every step has: its place and the memory it touches.
type base struct {
	header
	access []Access
	output *isa.FeatureMap // nil for a DMA
	job    *job            // likewise
}

func (b *base) head() *base { return b }

func (b *base) touch(channel uint8, s isa.Span) {
	if s.End > s.Start {
		b.access = append(b.access, Access{s, channel})
	}
}

// context is the scratch of one run: buffers and the SHRAM.
type context struct {
	mem    memories
	shram  []byte
	a, b   []int32
	v      []int64
	q      []int32
	x      []int16
	bytes  []byte
	wide   []int32
	acc    []int32
	sum    []int64
	copies [2][]byte
	fetch  bool // weights are always taken from memory
}

// Prepare checks a stream and decodes it for the accelerator. The error is a *Fault
// that names the command.
func Prepare(accel *ethosu.Accelerator, commands []uint32, regions Regions) (*Sim, error) {
	return PrepareWith(accel, commands, regions, Options{})
}

// PrepareStage prepares a stage of a compiled program; faults name its tensors.
func PrepareStage(p *ethosu.Program, s *ethosu.Stage) (*Sim, error) {
	return PrepareWith(p.Accel, s.Commands, RegionsOf(p, s), Options{Tensor: TensorNames(s), Output: OutputNames(s)})
}

// PrepareWith is Prepare with options.
func PrepareWith(accel *ethosu.Accelerator, commands []uint32, regions Regions, opts Options) (*Sim, error) {
	if opts.MaxWork == 0 {
		opts.MaxWork = 1 << 36
	}
	s := &Sim{accel: accel, product: accel.Product, regions: regions, opts: opts, store: newWeightStore()}
	b := &builder{Sim: s, work: opts.MaxWork}
	err := accel.Product.WalkAll(commands, b.command, b.operation)
	if e, ok := err.(*isa.Error); ok {
		return nil, &Fault{Cause: BadCommand, Word: e.Word, Op: -1, Name: e.Name, Detail: e.What}
	}
	if err != nil {
		return nil, err
	}
	s.pool.New = func() any { return &context{shram: make([]byte, s.inside())} }
	return s, nil
}

// builder turns commands into steps.
type builder struct {
	*Sim
	work   int64
	origin origins
	shram  shramMap
	chain  chain // of the U85
}

// command checks one command against the table.
func (b *builder) command(in isa.Instruction) error {
	if err := in.Check(b.product); err != nil {
		return &isa.Error{Word: in.Word, Name: in.Code.String(), What: err.Error()}
	}
	return nil
}

func (b *builder) operation(o *isa.Operation) error {
	if !o.IsBlock() && !o.IsDMA() {
		return b.control(o)
	}
	h := header{word: o.Word, index: o.Index, op: o.Op, name: o.Name()}
	if unset := o.Unset(b.product, b.accel.Cores); unset != nil {
		return h.fault(UnsetRegister, "the stream never writes %v, which the operation reads", unset)
	}
	var st step
	var err error
	join := false
	switch u85 := b.product == isa.U85; {
	case o.IsDMA() && u85:
		st, err = b.dmaU85(h, o)
	case o.IsDMA():
		st, err = b.dma(h, o)
	case u85:
		st, join, err = b.blockU85(h, o)
	default:
		st, err = b.block(h, o)
	}
	if err != nil {
		return err
	}
	b.order = append(b.order, ordered{op: o.Op, step: len(b.steps), join: join})
	b.steps = append(b.steps, st)
	if o.IsBlock() && b.product != isa.U85 {
		st.head().job = newJob(o, b.accel)
	}
	for _, a := range st.head().access {
		if a.Write() {
			b.origin.forget(a.Span)
		}
		if a.Region < 8 {
			b.touched |= 1 << a.Region
		}
	}
	if d, ok := st.(*dmaPlan); ok {
		b.origin.record(d, &b.regions)
	}
	return nil
}

// outputOf returns a function that names the output of the operation at a word.
func (o Options) outputOf(word int, spans []isa.Span) func() string {
	return func() string {
		if o.Output != nil {
			if name := o.Output(word); name != "" {
				return name
			}
		}
		if o.Tensor != nil && len(spans) > 0 {
			return o.Tensor(word, spans[0])
		}
		return ""
	}
}

// spend takes n units of work, or reports that the stream asks for too much. n is a
// float so that absurd products cannot wrap.
func (b *builder) spend(h *header, n float64) error {
	if n > float64(b.work) {
		return h.fault(TooMuchWork, "the operation takes %.0f steps, %d of %d are left", n, b.work, b.opts.MaxWork)
	}
	b.work -= int64(n)
	return nil
}

// block checks what all block operations share and builds the plan of the kind.
func (b *builder) block(h header, o *isa.Operation) (step, error) {
	ifm, ofm := o.IFM(), o.OFM()
	if b.opts.Tensor != nil || b.opts.Output != nil {
		h.tensor = b.opts.outputOf(h.word, ofm.Spans())
	}
	k := o.Kernel()
	work := float64(ofm.H) * float64(ofm.W) * float64(ofm.C) * float64(k.H) * float64(k.W)
	if o.Sums() {
		work *= float64(ifm.C)
	}
	if err := b.spend(&h, work); err != nil {
		return nil, err
	}
	if err := b.checkShapes(&h, o, &ifm, &ofm); err != nil {
		return nil, err
	}
	p := blockPlan{base: base{header: h, output: &ofm}, ifm: newFmap(ifm), ofm: newFmap(ofm), kernel: k}
	p.upscale, p.factor = o.Upscale()
	p.hv, p.wv = o.InputExtent()
	if err := b.checkMap(&p.base, "IFM", &ifm, ChannelIFM); err != nil {
		return nil, err
	}
	if o.HasIFM2() {
		ifm2 := o.IFM2()
		p.ifm2 = newFmap(ifm2)
		if err := b.checkMap(&p.base, "IFM2", &ifm2, ChannelIFM); err != nil {
			return nil, err
		}
	}
	if err := b.checkMap(&p.base, "OFM", &ofm, ChannelOFM); err != nil {
		return nil, err
	}
	if !b.opts.SkipLayout {
		if err := b.checkLayout(&h, o, &ifm); err != nil {
			return nil, err
		}
	}
	var err error
	if p.stage, err = newStage(&h, o, &p.ofm, b.accel.LUTBase()); err != nil {
		return nil, err
	}
	if err := b.useSHRAM(&p, o); err != nil {
		return nil, err
	}
	p.aliases(o.HasIFM2(), o.Op == isa.OpElementwise)
	switch o.Op {
	case isa.OpConv:
		return b.conv(p, o)
	case isa.OpDepthwise:
		return b.depthwise(p, o)
	case isa.OpPool:
		return b.pooling(p, o)
	}
	return b.elementwise(p, o)
}

// control records the waits. In program order they change nothing.
func (b *builder) control(o *isa.Operation) error {
	h := header{word: o.Word, index: -1, op: o.Op, name: b.product.Name(o.Op)}
	switch o.Op {
	case isa.OpBranch:
		return h.fault(Unknown, "a stream that branches: when the result of an operation can be tested is not known, so nothing here follows it")
	case isa.OpStop:
		if b.chain.ops > 0 {
			return h.fault(Contradiction, "the stream ends inside the chain that operation %d (word %d) begins", b.chain.first.index, b.chain.first.word)
		}
	case isa.OpDMAWait, isa.OpKernelWait:
		b.order = append(b.order, ordered{op: o.Op, n: o.Outstanding(), step: -1})
	}
	return nil
}

// blockPlan is what all block operations share.
type blockPlan struct {
	base
	ifm, ifm2, ofm fmap
	kernel         isa.Kernel
	upscale        isa.UpscaleMode
	factor         int // of upscaling
	hv, wv         int // input extent after upscaling
	stage          stage
	copyIn         [2]isa.Span // inputs that must be read before the output is written
}

// aliases finds inputs that the operation overwrites. Reading and writing element by
// element is right when both walks visit the same addresses; anything else reads a
// copy of the input.
func (p *blockPlan) aliases(two, elementwise bool) {
	for i, f := range []*fmap{&p.ifm, &p.ifm2} {
		if i == 1 && !two || elementwise && f.sameWalk(&p.ofm) {
			continue
		}
		spans := f.Spans()
		if len(spans) == 0 {
			continue // POOL NONE has no IFM
		}
		all := spans[0]
		hit := false
		for _, s := range spans {
			all.Start, all.End = min(all.Start, s.Start), max(all.End, s.End)
			for _, w := range p.ofm.Spans() {
				hit = hit || s.Overlaps(w)
			}
		}
		if hit {
			p.copyIn[i] = all
			f.delta = int(all.Start)
		}
	}
}

// input returns the buffer that a feature map is read from.
func (p *blockPlan) input(c *context, i int, f *fmap) []byte {
	buf := c.mem[f.Region]
	if s := p.copyIn[i]; s.End > s.Start {
		c.copies[i] = append(c.copies[i][:0], buf[s.Start:s.End]...)
		return c.copies[i]
	}
	return buf
}

// sized returns a buffer of n elements, reusing the old one when it is large enough.
func sized[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}
