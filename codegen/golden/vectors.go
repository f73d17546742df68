// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// Path is where a project keeps its golden vectors.
const Path = "testdata/golden.json"

// Hex is raw little-endian bytes, hex text in JSON.
type Hex []byte

// MarshalText implements encoding.TextMarshaler.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// Vectors are calls of the generated API in order and what they give. Names are
// those of the tensors; states are apart from inputs and outputs.
type Vectors struct {
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
	States  []string `json:"states"`
	Calls   []Call   `json:"calls"`
}

// Call is one call. Slices follow the names of Vectors.
type Call struct {
	Reset   bool  `json:"reset,omitempty"` // the states are reset before
	Inputs  []Hex `json:"inputs"`
	Outputs []Hex `json:"outputs"`
	States  []Hex `json:"states,omitempty"` // after the call
}

// Encode writes the vectors as JSON.
func (v *Vectors) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// Read reads the vectors of a project. Every call has as many inputs, outputs and
// states as there are names.
func Read(path string) (*Vectors, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := &Vectors{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, c := range v.Calls {
		if len(c.Inputs) != len(v.Inputs) || len(c.Outputs) != len(v.Outputs) || len(c.States) != len(v.States) {
			return nil, fmt.Errorf("%s: call %d has %d inputs, %d outputs and %d states, expected %d, %d and %d",
				path, i, len(c.Inputs), len(c.Outputs), len(c.States), len(v.Inputs), len(v.Outputs), len(v.States))
		}
	}
	return v, nil
}
