// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
)

const (
	blobMagic       = 0x424c4e55 // "UNLB"
	blobFormat      = 3
	blobHeaderBytes = 64

	blobCRCBytes     = 16
	blobTrailerBytes = blobCRCBytes + 32
)

var crcTable = crc64.MakeTable(crc64.ISO)

// blobID is a hash of all that the generated C has of a program beside its stream and
// constants: a blob with the same one can take their place. What the CPU computes is in the
// C, with its tables.
func blobID(prog *ethosu.Program, v *view) uint64 {
	var s strings.Builder
	fmt.Fprintf(&s, "%08x %08x %s %s %d %d\n", prog.Accel.ConfigWord, archVersion(prog.Accel), prog.System.Name, prog.Mode.Name, prog.ArenaSize, prog.FastSize)
	if v.Arm {
		s.WriteString("payloads of Arm's driver\n")
	}
	bindings := func(list []ethosu.Binding) {
		for _, b := range list {
			fmt.Fprintf(&s, "%s %v %v %d %d %d %d", b.Name, b.Type, b.Shape, b.Offset, b.Size, b.Rows, b.Stride)
			if b.Quant != nil {
				fmt.Fprintf(&s, " %x %v", b.Quant.Scales, b.Quant.ZeroPoints)
			}
			s.WriteByte('\n')
		}
		s.WriteString("--\n")
	}
	bindings(prog.Inputs)
	bindings(prog.Outputs)
	bindings(prog.Variables)
	fmt.Fprintln(&s, prog.States)
	if prog.Steps > 0 || len(prog.Stages) > 1 {
		for _, stage := range prog.Stages {
			fmt.Fprintln(&s, stage.Name, stage.Times, stage.Windows)
		}
		fmt.Fprintln(&s, len(prog.Constants))
	}
	for _, o := range v.CPU {
		fmt.Fprintln(&s, o.Stage, o.Calls, o.Tables, o.Lists)
	}
	return crc64.Checksum([]byte(s.String()), crcTable)
}

// stateID is a hash of what a saved state means: tensors, their order, scales and zero points.
func stateID(v *view) uint64 {
	var s strings.Builder
	for _, t := range v.States {
		fmt.Fprintf(&s, "%s %s %d %d %v %s %d\n", t.Tensor, t.CType, t.StateOffset, t.Bytes, t.Quantized, t.Scale, t.ZeroPoint)
	}
	return crc64.Checksum([]byte(s.String()), crcTable)
}

// addBlob writes the model as a file that PREFIX_init_from takes: a header of 16 words
// (magic, format, id, bytes, offset and size of the constants, number of streams), a table
// with offset and size of each stream, the parts at multiples of 32, padding to a multiple of 16,
// CRC-32 of all that and three words of zeros, and the sums of all before them.
func addBlob(t Tree, p *Project, v *view) error {
	b := make([]byte, roundUp(blobHeaderBytes+8*len(v.Streams), cacheLine))
	word := func(i, value int) { binary.LittleEndian.PutUint32(b[4*i:], uint32(value)) }
	pad := func(to int) { b = append(b, make([]byte, roundUp(len(b), to)-len(b))...) }
	binary.LittleEndian.PutUint64(b[8:], blobID(p.Program, v))
	word(0, blobMagic)
	word(1, blobFormat)
	word(7, len(v.Streams))
	for i, s := range v.Streams {
		stream := wordBytes(s.Words())
		word(16+2*i, len(b))
		word(17+2*i, len(stream))
		b = append(b, stream...)
		pad(cacheLine)
	}
	word(5, len(b))
	word(6, len(p.Program.Constants))
	b = append(b, p.Program.Constants...)
	pad(16)
	word(4, len(b)+blobTrailerBytes)
	t["model/"+p.Prefix+".blob"] = sealed(b)
	return nil
}

// sealed appends what a blob ends in.
func sealed(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, make([]byte, blobCRCBytes-4)...)
	for _, w := range sumWords(b) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
