// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

func TestDo(t *testing.T) {
	plain := testdata.ReadShared(t, "data/models/gru32x40_stream.tflite")
	compiled := testdata.ReadShared(t, "data/models/gru32x40_stream.vela51-u55-128.tflite")
	row := strings.Repeat("0.5,", 39) + "1\n"
	for _, test := range []struct {
		r    Request
		want string // in the text or the page, or in the error after !
	}{
		{Request{Verb: "report", Model: plain}, "it was compiled for ethos-u55-64 for this report"},
		{Request{Verb: "report", Model: compiled}, "The file does not hold the operators"},
		{Request{Verb: "inspect", Model: compiled}, "ethos-u55-128, Ethos_U55_High_End_Embedded"},
		{Request{Verb: "verify", Model: plain}, " 0 findings, 0 unproven"},
		{Request{Verb: "simulate", Model: plain, Calls: 3}, "Every output equals the reference interpreter's"},
		{Request{Verb: "simulate", Model: compiled, Calls: 2}, "2 calls on the NPU simulator, with noise for"},
		{Request{Verb: "simulate", Model: plain, Calls: 1, Inputs: map[string][]byte{"frames.csv": []byte(row + row)}}, "2 calls on the NPU simulator."},
		{Request{Verb: "simulate", Model: plain, Calls: 1, Inputs: map[string][]byte{"frames.csv": []byte("1,2\n")}}, "!does not fit"},
		{Request{Verb: "simulate", Model: plain}, "!expected 1 to 10000"},
		{Request{Verb: "bake", Model: plain}, "!unknown verb"},
		{Request{Verb: "report", Model: plain[:99]}, "!net.tflite"},
	} {
		test.r.Name, test.r.Accel, test.r.Version = "net.tflite", "ethos-u55-64", "1.2.3"
		got, err := Do(t.Context(), test.r)
		if want, fails := strings.CutPrefix(test.want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, expected one with %q", test.r.Verb, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.r.Verb, err)
		} else if !strings.Contains(got.Text, test.want) && !bytes.Contains(got.Page, []byte(test.want)) {
			t.Errorf("%s: %q not in %q", test.r.Verb, test.want, got.Text)
		}
	}
}
