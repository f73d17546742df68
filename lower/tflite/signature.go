// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/unroll-npu/unroll/lower/graph"
)

// signatureName is the key that every converter uses.
const signatureName = "serving_default"

// signature writes the names by which programs feed inputs and fetch outputs,
// states included: those that the model gives, else the tensors' own without
// the converter's decoration.
func (w *writer) signature(m *Model) flatbuffers.UOffsetT {
	inputs := w.tensorMaps(w.g.Inputs, m.SignatureInputs)
	outputs := w.tensorMaps(w.g.Outputs, m.SignatureOutputs)
	key := w.b.CreateString(signatureName)
	w.b.StartObject(signatureFields)
	w.b.PrependUOffsetTSlot(signatureInputs, inputs, 0)
	w.b.PrependUOffsetTSlot(signatureOutputs, outputs, 0)
	w.b.PrependUOffsetTSlot(signatureKey, key, 0)
	w.b.PrependUint32Slot(signatureSubgraph, 0, 0)
	return w.b.EndObject()
}

func (w *writer) tensorMaps(ids []graph.TensorID, given []string) flatbuffers.UOffsetT {
	names := signatureNames(w.g, ids, given)
	out := make([]flatbuffers.UOffsetT, len(ids))
	for i, id := range ids {
		name := w.b.CreateString(names[i])
		w.b.StartObject(tensorMapFields)
		w.b.PrependUOffsetTSlot(tensorMapName, name, 0)
		w.b.PrependUint32Slot(tensorMapTensor, uint32(id), 0)
		out[i] = w.b.EndObject()
	}
	return w.tables(out)
}

// signatureNames returns a name for each tensor, all different.
func signatureNames(g *graph.Graph, ids []graph.TensorID, given []string) []string {
	used := map[string]bool{}
	names := make([]string, len(ids))
	for i, id := range ids {
		base := g.Tensors[id].Name
		base = strings.TrimPrefix(base, signatureName+"_")
		base = strings.TrimSuffix(base, ":0")
		if i < len(given) && given[i] != "" {
			base = given[i]
		}
		name := base
		for n := 2; used[name] || name == ""; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		used[name], names[i] = true, name
	}
	return names
}
