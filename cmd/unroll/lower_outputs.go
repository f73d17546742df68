// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/lower/source"
)

// exportOutputs writes what float and quantized graph give on calls without labels:
// float_NAME and quantized_NAME of every data output, [calls, shape…].
func exportOutputs(c *cli, low *lower.GraphResult, calls lower.Sequences, file string, force bool) error {
	float, err := low.RunFloat(c.ctx, calls)
	if err != nil {
		return err
	}
	quantized, err := low.Run(c.ctx, calls)
	if err != nil {
		return err
	}
	arrays := map[string]*npy.Array{}
	for i, e := range low.Outputs {
		shape := low.Float.Tensors[low.Float.Find(e.Name)].Shape
		for what, all := range map[string][][]float32{"float_": float, "quantized_": quantized} {
			a := &npy.Array{Type: "<f4", Shape: append([]int{len(all[i]) / max(graph.Elems(shape), 1)}, shape...)}
			for _, v := range all[i] {
				a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
			}
			arrays[what+source.FileName(e.Name)] = a
		}
	}
	var b bytes.Buffer
	if err := npy.WriteArchive(&b, arrays); err != nil {
		return err
	}
	return writeFile(file, b.Bytes(), force)
}
