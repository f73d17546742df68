// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
)

// The tables of docs/npu.md are those of the rows as they are.
func TestDocument(t *testing.T) {
	b, err := os.ReadFile("../../../docs/npu.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := document(string(b))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(b) {
		t.Error("docs/npu.md is out of date: run go generate ./ethosu/isa")
	}
}
