package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
)

// module is a program under construction: what the passes hand to each other.
type module struct {
	g     *graph.Graph
	opt   Options
	accel *ethosu.Accelerator

	places places // wishes of a sequence

	ops     []*op
	consts  *pool
	tables  []*table
	weights []*kernelWeights

	streams    map[streamKey]*stream
	streamList []*stream
	prefetch   bool // constants lie in a slower memory than feature maps
	copies     map[*kernelWeights]copyMode
	operands   *operandCopy
	room       int         // SRAM bytes for weights, -1 for no limit
	small      bool        // feature maps are tight: prefer small ones to fewer kernels
	rows       int         // at most so many rows become one kernel's, 0 for no limit
	together   int         // the most rows that did
	uploads    []*transfer // table uploads
	times      map[perf.Work]kernelTime
	spilled    bool         // feature maps did not fit the fast memory
	statePairs [][2]*buffer // input and output of a state, candidates for one place

	inputs, outputs, variables []boundView
	arenaSize, fastSize        int
	bound                      int // lower bound of both sizes that the allocator reports
	records                    map[*buffer]*coded
	blob                       []byte
	sums                       map[sumKey]depthSum
	words                      []uint32
	choices                    map[perf.Work]blockChoice
}

// boundView ties a graph tensor of the interface to its place.
type boundView struct {
	id graph.TensorID
	v  view
}

// copyMode says what is copied to SRAM before weights are used, once for all uses
// unless it says otherwise.
type copyMode uint8

const (
	readDirect  copyMode = iota // nothing: kernels read the constants
	copyWeights                 // the weight stream
	copyBoth                    // the records, too, in one transfer
	copyEach                    // the weight stream before every use, into memory that is free again behind it
)

type opKind uint8

const (
	opConv opKind = iota
	opDepthwise
	opPool
	opElementwise
	opDMA
)

// Modes of pooling and elementwise operations, as in the command words.
const (
	poolMax, poolAverage, poolReduceSum = 0, 1, 2

	ewMul, ewAdd, ewSub, ewMin, ewMax, ewLRelu, ewAbs, ewClz, ewShr, ewShl = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
)

// Rounding modes of the output stage.
const (
	roundTFL     = 0
	roundNatural = 2
)

// fmap is a feature map as an operation addresses it: height x width x channels
// in NHWC with byte strides; channels of one pixel are contiguous. See bricks for
// the other format.
type fmap struct {
	buf *buffer
	off int
	h, w, c,
	sy, sx int
	dt   graph.DType
	zp   int
	name string

	// low, when set, holds the rows from 1 on (tile 2): two rows anywhere in one
	// region make a map of height 2.
	low     *buffer
	lowOff  int
	lowName string

	brick bool // pixels of 16 channels side by side: NHCWB16 where addresses allow it
}

func (f *fmap) elems() int { return f.h * f.w * f.c }

// bricks reports whether the map is written as NHCWB16, of which one pixel has one brick:
// the bytes are those of NHWC, but the NPU moves several pixels in one burst. Bricks have
// addresses that are multiples of 16.
func (f *fmap) bricks() bool {
	return f.brick && f.off%16 == 0 && (f.low == nil || f.lowOff%16 == 0)
}

func (f *fmap) bits() int { return f.dt.Size() * 8 }

// scale is a multiplier S * 2^-Shift.
type scale struct {
	mul   uint32
	shift int
}

// function is what the output stage does between scaling and storing.
type function uint8

const (
	fnNone    function = 0
	fnTanh    function = 3
	fnSigmoid function = 4
	fnTable   function = 16
)

// op is one operation of the command stream before it has words.
type op struct {
	kind   opKind
	mode   int
	name   string
	source string
	step   int

	ifm, ifm2, ofm *fmap
	scalar         bool // IFM2 is the constant of the register
	scalarValue    int
	swapped        bool // IFM2 is the first mathematical operand

	kh, kw, strideH, strideW, dilH, dilW int
	padTop, padLeft, padBottom, padRight int
	partKernel                           bool

	weights *kernelWeights
	stream  *stream
	records []weights.Record
	recBuf  *coded

	fetchRecords bool // the records come to SRAM right before

	forms []*op // the same operation with its maps in other shapes

	operandMode int   // IFM scale_mode of ADD and SUB
	opa         scale // OPA_SCALE
	opb         uint32
	out         scale // OFM_SCALE
	global      bool  // OFM_SCALE applies
	round       int

	fn       function
	table    *table
	slot     int
	lo, hi   int
	acc40    bool
	block    block.Shape
	ibEnd    int
	ib2Start int
	abStart  int

	blockdep   int
	kernelWait int // -1: none
	dmaWait    int

	// DMA
	src, dst       *buffer
	srcOff, dstOff int
	length         int
	toLUT          bool // destination is table memory at dstOff
	after          *op  // kernel whose memory the destination may take over, or nil

	word int // offset of the operation word once emitted
}

func (o *op) isKernel() bool { return o.kind != opDMA }

func (o *op) usesTable() bool { return o.fn == fnTable }

// reads calls f for every buffer the operation reads.
func (o *op) reads(f func(*buffer)) {
	if o.kind == opDMA {
		f(o.src)
		return
	}
	f(o.ifm.buf)
	if o.ifm.low != nil {
		f(o.ifm.low)
	}
	if o.ifm2 != nil && !o.scalar {
		f(o.ifm2.buf)
		if o.ifm2.low != nil {
			f(o.ifm2.low)
		}
	}
	if o.stream != nil {
		f(o.stream.home())
	}
	if o.recBuf != nil {
		f(o.recBuf.home())
	}
}

// writes calls f for every buffer the operation writes.
func (o *op) writes(f func(*buffer)) {
	if o.kind == opDMA {
		if o.dst != nil {
			f(o.dst)
		}
		return
	}
	f(o.ofm.buf)
	if o.ofm.low != nil {
		f(o.ofm.low)
	}
}

// table is the content of lookup-table memory for one activation.
type table struct {
	name     string
	data     []byte // 256, 1024 or 2048 bytes
	from, to int    // the part that is loaded; all of it when both are 0
}

// loaded returns the part of the table that is loaded.
func (t *table) loaded() []byte {
	if t.to == 0 {
		return t.data
	}
	return t.data[t.from:t.to]
}

// slots returns how many of the eight table slots it takes.
func (t *table) slots() int { return len(t.data) / 256 }

// opError is a failure that names the operator.
func (m *module) opError(i int, format string, args ...any) error {
	return fmt.Errorf("%s: %s", m.g.OpString(i), fmt.Sprintf(format, args...))
}
