// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// operatorVersion returns the version of a validated operator.
func operatorVersion(g *graph.Graph, op *graph.Op) int {
	file := graph.Describe(op.Kind).File
	v := max(file.Versions[0], 1)
	if data := op.DataInputs(); len(data) > 0 && file.Versions[0] > 0 {
		switch g.Tensors[data[0]].Type {
		case graph.Int8:
			v = file.Versions[1]
		case graph.Int16:
			v = file.Versions[2]
		}
	}
	if file.Version != nil {
		v = file.Version(g, op, v)
	}
	return v
}

// runtimeMetadata names the blob with the oldest runtime that has all
// operators: 16 bytes, padded with zeros.
const (
	runtimeMetadata = "min_runtime_version"
	runtimeBytes    = 16
)

// releaseName returns the number of a TensorFlow release. What came with 1.13 came
// with its patch.
func releaseName(r graph.Release) string {
	if r == (graph.Release{Major: 1, Minor: 13}) {
		return "1.13.1"
	}
	return fmt.Sprintf("%d.%d.0", r.Major, r.Minor)
}

// minRuntimeVersion returns the metadata for the operator codes of a model.
func minRuntimeVersion(codes []opCode) []byte {
	newest := graph.Release{Major: 1, Minor: 5}
	for _, c := range codes {
		d := graph.Describe(c.kind)
		if d == nil {
			continue
		}
		if known := d.File.Releases; c.version >= 1 && c.version <= len(known) {
			if r := known[c.version-1]; r.Major > newest.Major || r.Major == newest.Major && r.Minor > newest.Minor {
				newest = r
			}
		}
	}
	b := make([]byte, runtimeBytes)
	copy(b, releaseName(newest))
	return b
}
