// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strconv"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
)

// compareWith runs the same arrays on the reference interpreter and reports the first
// output byte that differs. Beside a sequence the plain model may be one step of it.
func compareWith(c *cli, name string, p *ethosu.Program, arrays map[string]*runner.Array, states []runner.State, dut runner.Model, got []*runner.Array) error {
	ref, err := readPlain(name)
	if err != nil {
		return err
	}
	rm, err := ref.runner()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err = runner.SameSignature(rm, dut)
	for _, perStep := range []bool{false, true} {
		if err != nil && p != nil && p.Steps > 0 {
			carried, fails := runner.NewCarried(rm, p.Steps, perStep)
			if fails != nil {
				return fails
			}
			if runner.SameSignature(carried, dut) == nil {
				rm, err = carried, nil
			}
		}
	}
	if err != nil {
		return fmt.Errorf("--compare %s: %w", name, err)
	}
	want, _, err := runCalls(c, rm, arrays, states)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for o, t := range rm.Outputs() {
		for i := range want[o].Data {
			if want[o].Data[i] != got[o].Data[i] {
				size := t.Bytes()
				return fmt.Errorf("output %q differs from %s at call %d, byte %d: expected %#02x, found %#02x", t.Name, name, i/size, i%size, want[o].Data[i], got[o].Data[i])
			}
		}
	}
	fmt.Fprintf(c.stderr, "equal to %s byte for byte\n", name)
	return nil
}

// checkFiles finds files of outputs that exist already, before anything is run.
func (s *simulateFlags) checkFiles(m runner.Model) error {
	if s.out == "" {
		return nil
	}
	for _, name := range runner.FileNames(m.Outputs()) {
		if err := checkTarget(filepath.Join(s.out, name+"."+s.format), s.force); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	return nil
}

func writeResults(c *cli, s *simulateFlags, m runner.Model, results []*runner.Array, calls int, standardized string, classes []string) error {
	r := simulated{Calls: calls, Standardized: standardized, Outputs: map[string]string{}}
	outs := m.Outputs()
	files := runner.FileNames(outs)
	for i, a := range results {
		if s.dequantize {
			f, err := a.Dequantize(&outs[i])
			if err != nil {
				return err
			}
			a = f
		}
		if s.out == "" {
			continue
		}
		path := filepath.Join(s.out, files[i]+"."+s.format)
		content := a.AppendNPY
		if s.format == "csv" {
			content = func(dst []byte) []byte { return a.AppendCSV(dst, calls) }
		}
		if err := writeFile(path, content(nil), s.force); err != nil {
			return err
		}
		r.Outputs[outs[i].Name] = path
	}
	if s.json {
		return printJSON(c.stdout, r)
	}
	if s.top > 0 {
		printTop(c, &outs[0], results[0], s.top, calls, classes)
	}
	fmt.Fprintf(c.stdout, "%s %s\n", commas(calls), plural(calls, "call"))
	for i := range outs {
		if path := r.Outputs[outs[i].Name]; path != "" {
			fmt.Fprintf(c.stdout, "wrote %s: %v%v\n", path, results[i].Type, results[i].Shape)
		}
	}
	return nil
}

// printTop prints the k largest elements of each call of an output as the numbers that they stand
// for, with the names of their classes where those are known.
func printTop(c *cli, t *runner.Tensor, a *runner.Array, k, calls int, classes []string) {
	size, n := t.Type.Size(), t.Bytes()/t.Type.Size()
	k = min(k, n)
	value := func(data []byte) float64 { return float64(t.Type.Int(data)) }
	format := "%.0f"
	switch {
	case t.Type == graph.Float32:
		value, format = func(data []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(data))) }, "%.3f"
	case t.Quant != nil && len(t.Quant.Scales) > 0:
		scale, zero := float64(t.Quant.Scales[0]), int64(t.Quant.ZeroPoints[0])
		value, format = func(data []byte) float64 { return scale * float64(t.Type.Int(data)-zero) }, "%.3f"
	}
	for call := range calls {
		data := a.Data[call*n*size : (call+1)*n*size]
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		at := func(i int) float64 { return value(data[i*size:]) }
		sort.SliceStable(order, func(x, y int) bool { return at(order[x]) > at(order[y]) })
		fmt.Fprintf(c.stdout, "call %d:", call)
		for _, i := range order[:k] {
			name := ""
			if len(classes) == n && classes[i] != strconv.Itoa(i) {
				name = " " + classes[i]
			}
			fmt.Fprintf(c.stdout, " %d%s ("+format+")", i, name, at(i))
		}
		fmt.Fprintln(c.stdout)
	}
}
