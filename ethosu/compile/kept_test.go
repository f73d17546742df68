// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"reflect"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestKept compiles a network with every room for its weights, once as the explorer does,
// which takes what another room gave where both keep the same weights, and once whenever it
// is asked. What the explorer takes for the same must be the same, in every stage.
func TestKept(t *testing.T) {
	for _, c := range []struct{ model, accel string }{
		{"gru32x40_stream", "ethos-u55-128"}, {"gru16_t4", "ethos-u65-512"}, {"lstm64_mnist_state", "ethos-u65-256"}, {"tflm_mnist_lstm20_int8", "ethos-u55-32"},
	} {
		g, err := tflite.Read(c.model, testdata.ReadShared(t, "data", "models", c.model+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := ethosu.ParseAccelerator(c.accel)
		if err != nil {
			t.Fatal(err)
		}
		opt := Options{Accel: a}
		e, err := newExplorer(g, &opt, places{})
		if err != nil {
			t.Fatal(err)
		}
		free := e.compile(Variant{Room: -1})
		saved := 0
		stages := map[string][]ethosu.Stage{} // of the first room that keeps the same
		for k := 1; k <= rooms; k += 3 {
			v := Variant{Room: free.room(k)}
			before := len(e.kept)
			got, want := e.compile(v), e.compileAlone(v, nil)
			if len(e.kept) == before {
				saved++
			}
			if want.Err == nil {
				kept := e.residency[Variant{}].Kept(v.Room)
				if stages[kept] == nil {
					stages[kept] = want.result.program().Stages
				} else if !reflect.DeepEqual(want.result.program().Stages, stages[kept]) {
					t.Errorf("%s on %s: room %d has another program than a smaller one that keeps the same", c.model, c.accel, k)
				}
			}
			if (got.Err == nil) != (want.Err == nil) || got.SRAM != want.SRAM || got.cycles() != want.cycles() || got.Weights != want.Weights || got.Variant != v {
				t.Errorf("%s on %s, room %d: %d cycles, %d bytes of SRAM, %v; alone %d, %d, %v", c.model, c.accel, k, got.cycles(), got.SRAM, got.Err, want.cycles(), want.SRAM, want.Err)
			}
		}
		if saved < 10 {
			t.Errorf("%s on %s: %d rooms of %d were not compiled again, expected more", c.model, c.accel, saved, rooms/3)
		}
		// Tight feature maps are left out where they change nothing.
		if tight := e.compileAlone(Variant{Room: 0, Tight: true}, nil); !free.maps {
			if plain := e.compileAlone(Variant{Room: 0}, nil); tight.SRAM != plain.SRAM || tight.cycles() != plain.cycles() {
				t.Errorf("%s on %s: tight feature maps make a difference", c.model, c.accel)
			}
		}
	}
}
