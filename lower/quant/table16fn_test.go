// SPDX-License-Identifier: Apache-2.0

package quant_test

import (
	"bytes"
	"testing"

	"github.com/unroll-npu/unroll/lower/quant"
	"github.com/unroll-npu/unroll/testdata"
)

// TestFunctionEntries: a recorded stream of an LSTM uploads the same tables.
func TestFunctionEntries(t *testing.T) {
	file := testdata.ReadShared(t, "data", "u85", "tflm_mnist_lstm20_int8.vela51-u85-256.tflite")
	for name, table := range map[string][]byte{"sigmoid": quant.SigmoidEntries(), "tanh": quant.TanhEntries()} {
		if len(table) != 2048 || !bytes.Contains(file, table) {
			t.Errorf("the stream has no such table of %s, of %d bytes", name, len(table))
		}
	}
}
