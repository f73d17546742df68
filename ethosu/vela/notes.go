// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/ethosu"
)

// Names of metadata buffers.
const (
	metaOffsets = "OfflineMemoryAllocation"
	metaNotes   = "unroll_program"
)

// notes is what a program holds beside what the runtime needs.
type notes struct {
	Name      string
	System    ethosu.SystemConfig
	Mode      ethosu.MemoryMode
	InSRAM    bool               `json:",omitempty"`
	Variables []ethosu.Binding   `json:",omitempty"`
	States    []ethosu.StatePair `json:",omitempty"`
	Map       []ethosu.Placement
	Ops       []ethosu.OpInfo

	Parts []partNotes `json:",omitempty"` // of a file of several operators
}

// partNotes is what a stage holds beside that, in the order of operators.
type partNotes struct {
	Name      string
	Constants int                // bytes of a stream's
	Map       []ethosu.Placement `json:",omitempty"`
	Ops       []ethosu.OpInfo    `json:",omitempty"`
	Why       string             `json:",omitempty"` // of an operator of the CPU
}

// maxNotes bounds what unpacking may allocate.
const maxNotes = 64 << 20

func packNotes(n any) ([]byte, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpackNotes fills n, a pointer, from the metadata of the given name.
func unpackNotes(name string, b []byte, n any) error {
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxNotes))
	if err != nil {
		return fmt.Errorf("metadata %s: %v", name, err)
	}
	if err := json.Unmarshal(text, n); err != nil {
		return fmt.Errorf("metadata %s: %v", name, err)
	}
	return nil
}
