// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestBlob runs a model that is not the one linked in, which is damaged: it comes as a
// blob, from a table here, from a partition or an update in a product. With Arm's driver it
// holds payloads instead of streams. A data cache at its worst is between: nobody else
// would clean what an update has written.
func TestBlob(t *testing.T) {
	g := readModel(t, "gru32x40_stream")
	for name, p := range map[string]codegen.Project{
		"stream":   project(t, g, "ethos-u55-128", "gru", 8),
		"sequence": sequenceProject(t, g, "ethos-u55-128", "gru", compile.SequenceOptions{Steps: 5}, 8),
	} {
		t.Run(name, func(t *testing.T) { runBlob(t, p, "host") })
		p.Options.Driver = codegen.ArmDriver
		t.Run(name+" with Arm's driver", func(t *testing.T) { runBlob(t, p, "host") })
		if name == "stream" {
			t.Run(name+" with Arm's driver on QEMU", func(t *testing.T) {
				if testing.Short() {
					t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
				}
				runBlob(t, p, "qemu")
			})
		}
	}
}

func runBlob(t *testing.T, p codegen.Project, on string) {
	tree := generate(t, p)
	var table strings.Builder
	for _, b := range tree["model/gru.blob"] {
		fmt.Fprintf(&table, "%d,", b)
	}
	file, npu, before := "app/main.c", "&npu", "static unroll_npu npu;"
	if p.Options.Driver == codegen.ArmDriver {
		file, npu, before = "app/check.c", "npu", "static gru_context model;"
	}
	// In a file that every build system compiles.
	tree["app/golden.c"] = []byte(string(tree["app/golden.c"]) + "\n#include \"gru.h\"\nextern const uint8_t blob[];\nextern const size_t blob_bytes;\n" +
		"_Alignas(32) UNROLL_NPU_MODEL const uint8_t blob[] = {" + table.String() + "};\nconst size_t blob_bytes = sizeof(blob);\n")
	main := string(tree[file])
	main = strings.Replace(main, before, "extern const uint8_t blob[];\nextern const size_t blob_bytes;\n"+before, 1)
	init := "gru_init(&model, " + npu + ", arena, NULL)"
	if n := strings.Count(main, init); n != 1 {
		t.Fatalf("%s calls init %d times", file, n)
	}
	tree[file] = []byte(strings.Replace(main, init, "gru_init_from(&model, "+npu+", arena, NULL, blob, blob_bytes)", 1))
	words := regexp.MustCompile(`(gru_(?:commands\w*|payload\w*|constants)\[\] = \{\s*)0x[0-9A-F]{8}`)
	damaged := words.ReplaceAll(tree["src/gru_model.c"], []byte("${1}0x00000001"))
	if bytes.Equal(damaged, tree["src/gru_model.c"]) {
		t.Fatal("nothing to damage")
	}
	tree["src/gru_model.c"] = damaged
	report := runProject(t, run.Options{Dir: write(t, tree), On: on, Accel: p.Program.Accel, PlainCC: on == "host", Shadow: true})
	if !report.Pass || report.Calls != 8 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}
