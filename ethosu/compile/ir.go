package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// module is a program under construction: what the passes hand to each other.
type module struct {
	g     *graph.Graph
	opt   Options
	accel *ethosu.Accelerator

	places places // wishes of a sequence

	low *kernel.Module

	ops []*op

	streams    map[streamKey]*stream
	streamList []*stream
	guesses    map[*kernel.Weights]int // bytes of a stream, before it is encoded
	prefetch   bool                    // constants lie in a slower memory than feature maps
	copies     map[*kernel.Weights]copyMode
	operands   *operandCopy
	room       int         // SRAM bytes for weights, -1 for no limit
	small      bool        // feature maps are tight: prefer small ones to fewer kernels
	rows       int         // at most so many rows become one kernel's, 0 for no limit
	together   int         // the most rows that did
	uploads    []*transfer // table uploads
	times      map[perf.Work]kernelTime
	spilled    bool // feature maps did not fit the fast memory

	arenaSize, fastSize int
	bound               int // lower bound of both sizes that the allocator reports
	records             map[*kernel.Buffer]*coded
	blob                []byte
	sums                map[sumKey]depthSum
	words               []uint32
	choices             map[perf.Work]blockChoice
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

// op is one operation of the command stream before it has words: a kernel, or a transfer.
type op struct {
	kernel.Kernel
	dma bool

	stream *stream
	recBuf *coded

	fetchRecords bool // the records come to SRAM right before

	forms []*op // the same operation with its maps in other shapes

	slot     int
	block    block.Shape
	ibEnd    int
	ib2Start int
	abStart  int

	blockdep   int
	kernelWait int // -1: none
	dmaWait    int

	// DMA
	src, dst       *kernel.Buffer
	srcOff, dstOff int
	length         int
	toLUT          bool // destination is table memory at dstOff
	after          *op  // kernel whose memory the destination may take over, or nil

	word int // offset of the operation word once emitted
}

func (o *op) isKernel() bool { return !o.dma }

// reads calls f for every buffer the operation reads.
func (o *op) reads(f func(*kernel.Buffer)) {
	if o.dma {
		f(o.src)
		return
	}
	o.Reads(f)
	if o.stream != nil {
		f(o.stream.home())
	}
	if o.recBuf != nil {
		f(o.recBuf.home())
	}
}

// writes calls f for every buffer the operation writes.
func (o *op) writes(f func(*kernel.Buffer)) {
	if o.dma {
		if o.dst != nil {
			f(o.dst)
		}
		return
	}
	o.Writes(f)
}
