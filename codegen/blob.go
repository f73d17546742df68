// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
)

const (
	blobMagic       = 0x424c4e55 // "UNLB"
	blobFormat      = 1
	blobHeaderBytes = 64
)

// blobID is a hash of all that the generated C has of a program beside its stream and
// constants: a blob with the same one can take their place.
func blobID(prog *ethosu.Program) uint64 {
	var s strings.Builder
	fmt.Fprintf(&s, "%08x %08x %s %s %d %d\n", prog.Accel.ConfigWord, archVersion, prog.System.Name, prog.Mode.Name, prog.ArenaSize, prog.FastSize)
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
	return crc64.Checksum([]byte(s.String()), crcTable)
}

// addBlob writes the model as a file that PREFIX_init_from takes: a header of 16 words
// (magic, format, id, bytes, offset and size of stream and of constants), both parts at
// multiples of 32, and a CRC of all that.
func addBlob(t Tree, p *Project, v *view) error {
	if !v.Blob {
		return nil
	}
	stream := wordBytes(v.Streams[0].Commands)
	b := make([]byte, blobHeaderBytes)
	word := func(i, value int) { binary.LittleEndian.PutUint32(b[4*i:], uint32(value)) }
	binary.LittleEndian.PutUint64(b[8:], blobID(p.Program))
	word(0, blobMagic)
	word(1, blobFormat)
	word(5, len(b))
	word(6, len(stream))
	b = append(b, stream...)
	b = append(b, make([]byte, roundUp(len(b), cacheLine)-len(b))...)
	word(7, len(b))
	word(8, len(p.Program.Constants))
	b = append(b, p.Program.Constants...)
	b = append(b, make([]byte, roundUp(len(b), 8)-len(b))...)
	word(4, len(b)+8)
	t["model/"+p.Prefix+".blob"] = binary.LittleEndian.AppendUint64(b, crc64.Checksum(b, crcTable))
	return nil
}
