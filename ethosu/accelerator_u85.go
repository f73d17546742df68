// SPDX-License-Identifier: Apache-2.0

package ethosu

import "fmt"

// RowU85 is what differs between the configurations of the Ethos-U85. Source: the Vela
// compiler's description of the architecture, and the streams that it writes.
type RowU85 struct {
	// MicroBlocks are those that an operation may choose from, in the order in which they
	// are looked through. Which of them it may have is its kind's matter and its input's.
	MicroBlocks []MicroBlock

	// Memories inside the NPU, in bytes: input blocks, accumulators, outputs, chains, and
	// tables.
	Inputs, Accumulators, Outputs, Chains, Tables int

	SRAMPorts, EXTPorts int // AXI ports to the memory on the chip and to the one outside

	Read ReadBuffersU85
}

// MicroBlock is the unit that an Ethos-U85 computes at a time, in elements.
type MicroBlock struct{ H, W, D int }

func (m MicroBlock) String() string { return fmt.Sprintf("%dx%dx%d", m.H, m.W, m.D) }

// Elements returns how many elements the micro-block has.
func (m MicroBlock) Elements() int { return m.H * m.W * m.D }

// ReadBuffersU85 are the buffers of the channels that read memory, in bytes.
type ReadBuffersU85 struct{ Transfers, Stream, Weights, FastWeights, Inputs, Records int }

func (r *RowU85) numbers() []float64 {
	b := &r.Read
	list := []float64{float64(len(r.MicroBlocks))}
	for _, n := range []int{r.Inputs, r.Accumulators, r.Outputs, r.Chains, r.Tables, r.SRAMPorts, r.EXTPorts,
		b.Transfers, b.Stream, b.Weights, b.FastWeights, b.Inputs, b.Records} {
		list = append(list, float64(n))
	}
	for _, m := range r.MicroBlocks {
		list = append(list, float64(m.Elements()))
	}
	return list
}

func u85(macs, cores int, config uint32, row RowU85) Accelerator {
	return Accelerator{Name: fmt.Sprintf("ethos-u85-%d", macs), Generation: U85, MACs: macs, Cores: cores, ConfigWord: config, U85: row}
}

var (
	rowU85_128 = RowU85{MicroBlocks: []MicroBlock{{1, 2, 8}, {1, 1, 16}},
		Inputs: 8192, Accumulators: 8192, Outputs: 2048, Chains: 768, Tables: 2048, SRAMPorts: 2, EXTPorts: 1,
		Read: ReadBuffersU85{64, 64, 128, 128, 104, 16}}
	rowU85_256 = RowU85{MicroBlocks: []MicroBlock{{1, 2, 16}, {1, 4, 8}, {2, 2, 8}},
		Inputs: 16384, Accumulators: 16384, Outputs: 2048, Chains: 1536, Tables: 2048, SRAMPorts: 2, EXTPorts: 1,
		Read: ReadBuffersU85{104, 104, 128, 128, 128, 16}}
	rowU85_512 = RowU85{MicroBlocks: []MicroBlock{{2, 2, 16}, {1, 4, 16}},
		Inputs: 16384, Accumulators: 32768, Outputs: 4096, Chains: 3072, Tables: 2048, SRAMPorts: 2, EXTPorts: 1,
		Read: ReadBuffersU85{128, 128, 256, 256, 128, 16}}
	rowU85_1024 = RowU85{MicroBlocks: []MicroBlock{{2, 2, 32}, {1, 4, 32}, {2, 4, 16}},
		Inputs: 16384, Accumulators: 65536, Outputs: 4096, Chains: 6144, Tables: 2048, SRAMPorts: 2, EXTPorts: 2,
		Read: ReadBuffersU85{256, 256, 416, 208, 256, 16}}
	rowU85_2048 = RowU85{MicroBlocks: []MicroBlock{{2, 2, 64}, {1, 4, 64}, {4, 4, 16}},
		Inputs: 32768, Accumulators: 131072, Outputs: 8192, Chains: 12288, Tables: 2048, SRAMPorts: 4, EXTPorts: 2,
		Read: ReadBuffersU85{256, 256, 512, 256, 256, 16}}
)
