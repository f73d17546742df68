// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"path"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/testdata"
)

// recorded names the recorded inputs and outputs of a network: the folder and the file.
func recorded(network string) (folder, name string) {
	switch network {
	case "kws_micronet_m", "person_detect":
		return "others", network
	case "rnnoise_int8":
		return "models", "rnnoise_int8_published"
	}
	return "models", network
}

func u85Accelerator(t testing.TB, file string) *ethosu.Accelerator {
	t.Helper()
	_, config, _ := strings.Cut(strings.TrimSuffix(file, ".tflite"), "-u85-")
	a, err := ethosu.ParseAccelerator("ethos-u85-" + config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// start puts the variables of a network to their zero points.
func (c *compiled) start(m Memory) {
	for _, v := range c.variables {
		for i := range v.size {
			m[1][v.at+i] = byte(v.zero)
		}
	}
}

// TestU85Networks runs the streams that Vela compiled for the U85, fed as recorded.
func TestU85Networks(t *testing.T) {
	for _, file := range testdata.Glob(t, "data", "u85", "*.vela51-u85-*.tflite") {
		base := path.Base(file)
		t.Run(base, func(t *testing.T) {
			network, _, _ := strings.Cut(base, ".")
			c := compiledFrom(t, u85Accelerator(t, base), base, testdata.ReadShared(t, file))
			folder, name := recorded(network)
			g := readGoldenIn(t, folder, name)
			s, err := Prepare(c.accel, c.words, c.regions)
			if err != nil {
				t.Fatal(err)
			}
			noRacesU85(t, s)
			m := s.NewMemory()
			c.start(m)
			bad := map[string]int{}
			for n := range g.Count {
				for i, in := range g.Inputs {
					copy(m[1][c.in[i]:], g.bin[in.Offset+n*in.Bytes:][:in.Bytes])
				}
				if err := s.Run(m); err != nil {
					t.Fatal(err)
				}
				for i, out := range g.Outputs {
					want := g.bin[out.Offset+n*out.Bytes:][:out.Bytes]
					if got := m[1][c.out[i]:][:out.Bytes]; !bytes.Equal(got, want) {
						bad[out.Name]++
					}
				}
			}
			for name, n := range bad {
				t.Errorf("output %q differs in %d of %d inferences", name, n, g.Count)
			}
			if network == "gru16_t4" || network == "rnnoise_int8" || network == "tflm_mnist_lstm20_int8" {
				sameInEveryOrder(t, base, s, true)
			}
		})
	}
}
