// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// probe runs one call of a compiled model under observation.
func probe(t *testing.T, p *ethosu.Program, g *graph.Graph) (races []string, first, trace string) {
	t.Helper()
	var b strings.Builder
	m, err := NewProbed(p, Probe{Trace: &b, Adversarial: true, Expect: g,
		Report: func(f string) { races = append(races, f) }, Differs: func(f string) { first = f }})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSession(m, m.States())
	for i := range s.In {
		for k := range s.In[i] {
			s.In[i][k] = byte(17 * k)
		}
	}
	if err := s.Call(); err != nil {
		t.Fatal(err)
	}
	return races, first, b.String()
}

// TestProbe: a good stream has no findings; without its waits the races are reported
// and the outputs depend on the timing.
func TestProbe(t *testing.T) {
	const name = "gru16_t4.vela51-u55-128.tflite"
	p, err := vela.Read(name, testdata.ReadShared(t, "data", "models", name))
	if err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Read("gru16_t4.tflite", testdata.ReadShared(t, "data", "models", "gru16_t4.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	races, first, trace := probe(t, p, g)
	if races != nil || first != "" || strings.Count(trace, "\n") < 60 {
		t.Errorf("races %v, first difference %q, trace of %d lines", races, first, strings.Count(trace, "\n"))
	}
	broken, s := *p, p.Stages[0]
	s.Commands = append([]uint32(nil), s.Commands...)
	broken.Stages = []ethosu.Stage{s}
	for i, w := range s.Commands {
		if w == 0x00000011 { // NPU_OP_DMA_WAIT 0 waits for nothing as DMA_WAIT 1
			s.Commands[i] = 0x00010011
		}
	}
	races, _, _ = probe(t, &broken, nil)
	all := strings.Join(races, "\n")
	if !strings.Contains(all, "NPU_OP_DMA_WAIT is missing") || !strings.Contains(all, "with late DMAs") {
		t.Errorf("races %v", races)
	}
}
