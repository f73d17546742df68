// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"flag"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	if err := Fprint(&b, small()); err != nil {
		t.Fatal(err)
	}
	testdata.Recorded(t, "small.golden", b.String(), *update)
}
