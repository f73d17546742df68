package lower

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Report says what quantization did to a network.
type Report struct {
	Samples int // calibration samples
	Rounds  int // passes over them until the ranges of carried states settled
	Tensors []TensorReport
}

// TensorReport describes one role: the tensors of all steps that share a
// quantization.
type TensorReport struct {
	Role      string
	Count     int        // tensors of the role in the graph
	Min, Max  float32    // seen in calibration
	Type      string     // "int8" or "int16"
	Scale     float32    //
	ZeroPoint int32      //
	Low, High float32    // real values of the lowest and highest integer
	SQNR      float64    // dB, against the float graph; 0 before Measure
	Steps     []StepSQNR // of every tensor of the role; nil before Measure
}

// StepSQNR is the signal-to-quantization-noise ratio of one tensor.
type StepSQNR struct {
	Tensor string
	SQNR   float64 // dB
}

// roles lists the roles of the quantized graph in execution order.
func (r *Result) roles(seen map[string]*calibrate.Observation) []TensorReport {
	index := map[string]int{}
	var out []TensorReport
	for id, role := range r.plan.Role {
		if role == "" {
			continue
		}
		i, ok := index[role]
		if !ok {
			t := r.Int8.Tensors[r.Int8.Find(r.Float.Tensors[id].Name)]
			i = len(out)
			index[role] = i
			limit := int32(math.MaxInt8)
			if t.Type == graph.Int16 {
				limit = math.MaxInt16
			}
			s, z := t.Scale(), t.ZeroPoint()
			out = append(out, TensorReport{
				Role: role, Min: seen[role].Min, Max: seen[role].Max,
				Type: t.Type.String(), Scale: s, ZeroPoint: z,
				Low: s * float32(-limit-1-z), High: s * float32(limit-z),
			})
		}
		out[i].Count++
	}
	return out
}

// WriteText writes the report as a table.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "calibrated on %d samples, %d rounds\n", r.Samples, r.Rounds)
	fmt.Fprintf(&b, "%-18s %5s  %-5s %12s %5s  %21s  %21s  %7s\n", "role", "count", "type", "scale", "zero", "seen", "held", "SQNR dB")
	for _, t := range r.Tensors {
		sqnr := "-"
		if t.Steps != nil {
			sqnr = fmt.Sprintf("%.1f", t.SQNR)
		}
		fmt.Fprintf(&b, "%-18s %5d  %-5s %12.6g %5d  %10.4g %10.4g  %10.4g %10.4g  %7s\n",
			t.Role, t.Count, t.Type, t.Scale, t.ZeroPoint, t.Min, t.Max, t.Low, t.High, sqnr)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
