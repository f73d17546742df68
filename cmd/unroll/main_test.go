package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/unroll-npu/unroll/train/nn"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"unroll": func() {
			os.Exit(execute(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
		"network": func() { must(writeNetwork(os.Args[1:])) },
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
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
	})
}
