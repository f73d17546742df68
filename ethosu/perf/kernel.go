package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
)

// Cost is the time of one block operation on its own.
type Cost struct {
	NPU    float64 // cycles inside the NPU
	Cycles float64 // with the slowest memory
	Reason Reason
	Where  string // the memory that bounds it; empty when the NPU does
	MACs   int64  // multiplications that the network asks for
	Access []Access
}

// Kernel returns the cost of a block operation.
func Kernel(a *ethosu.Accelerator, w *Work) Cost {
	var c Cost
	if w.Kind == block.Elementwise {
		c.NPU, c.Reason = ElementwiseCycles(a, w)
	} else {
		c.NPU, c.Reason = MACCycles(a, w)
		c.MACs = int64(max(w.KH, 1)) * int64(max(w.KW, 1)) * int64(w.OFM.Elements())
		if w.Kind.SumsDepth() {
			c.MACs *= int64(w.IFM.D)
		}
	}
	c.Cycles = c.NPU
	c.Access = accesses(a, w)
	for i := range c.Access {
		m := &c.Access[i]
		if m.Cycles > c.Cycles {
			c.Cycles, c.Where = m.Cycles, m.Name
			c.Reason = AXI
			if m.weights*2 > m.Read+m.Write {
				c.Reason = Weights
			}
		}
	}
	return c
}

// DMACycles returns the time of a transfer; a nil place is the SHRAM.
func DMACycles(a *ethosu.Accelerator, bytes int64, from, to *Place) float64 {
	var c float64
	if from != nil {
		c = float64(int64(float64(bytes)/from.Bandwidth(a))) + float64(from.ReadLatency)
	}
	if to != nil {
		c = max(c, float64(int64(float64(bytes)/to.Bandwidth(a))))
	}
	return c
}
