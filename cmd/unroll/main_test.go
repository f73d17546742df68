// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train/nn"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"unroll":     main,
		"network":    func() { must(writeNetwork(os.Args[1:])) },
		"recode":     func() { must(recode(os.Args[1:])) },
		"member":     func() { must(member(os.Args[1:])) },
		"near":       func() { must(near(os.Args[1:])) },
		"frames":     func() { must(frames(os.Args[1:])) },
		"archive":    func() { must(archive(os.Args[1:])) },
		"schema":     func() { must(holdToSchema(os.Args[1:])) },
		"replayed":   func() { must(replayed(os.Args[1:])) },
		"tones":      func() { must(tones(os.Args[1])) },
		"floatgraph": func() { must(floatGraph(os.Args[1], os.Args[2])) },
		"divided":    func() { must(divided(os.Args[1:])) },
	})
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writeNetwork is a command of the scripts: network CELL UNITS FEATURES STEPS OUTPUTS
// FILE writes an untrained network, the same bytes on every machine.
func writeNetwork(args []string) error {
	if len(args) != 6 {
		return fmt.Errorf("network: expected 6 arguments, found %q", args)
	}
	cell, err := nn.ParseCell(args[0])
	if err != nil {
		return err
	}
	var n [4]int
	for i := range n {
		if n[i], err = strconv.Atoi(args[1+i]); err != nil {
			return err
		}
	}
	file, err := encodeNetwork(randomNet(cell, 1, n[0], n[1], n[2], n[3], 1))
	if err != nil {
		return err
	}
	return os.WriteFile(args[5], file, 0o666)
}

// TestScripts runs every command line scenario of testdata/script.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			return nil
		},
	})
}

// TestSharedScripts runs scenarios on recorded networks, which $SHARED names.
func TestSharedScripts(t *testing.T) {
	data := testdata.Shared(t, "data")
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/shared",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHARED", data)
			return nil
		},
	})
}

// recode is a command of the scripts: recode MODEL.tflite FROM=TO ... gives operators
// other codes of the schema, and so makes a model of operators that nobody here writes.
func recode(args []string) error {
	file, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	model := &flatbuffers.Table{Bytes: file, Pos: flatbuffers.GetUOffsetT(file)}
	const operatorCodes, deprecated, builtin = 4 + 2*1, 4 + 2*0, 4 + 2*3 // slots of the schema
	codes := model.Vector(flatbuffers.UOffsetT(model.Offset(operatorCodes)))
	n := model.VectorLen(flatbuffers.UOffsetT(model.Offset(operatorCodes)))
	for _, arg := range args[1:] {
		var from, to int32
		if _, err := fmt.Sscanf(arg, "%d=%d", &from, &to); err != nil {
			return err
		}
		found := false
		for i := range n {
			code := &flatbuffers.Table{Bytes: file, Pos: model.Indirect(codes + flatbuffers.UOffsetT(4*i))}
			if code.GetInt32Slot(builtin, 0) == from {
				found = code.MutateInt32Slot(builtin, to) && code.MutateInt8Slot(deprecated, int8(min(to, 127)))
			}
		}
		if !found {
			return fmt.Errorf("recode: %s has no operator of code %d", args[0], from)
		}
	}
	return os.WriteFile(args[0], file, 0o666)
}
