// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestBlob runs a model that is not the one linked in, which is damaged: it comes as a
// blob, from a table here, from a partition or an update in a product.
func TestBlob(t *testing.T) {
	g := readModel(t, "gru32x40_stream")
	for name, p := range map[string]codegen.Project{
		"stream":   project(t, g, "ethos-u55-128", "gru", 8),
		"sequence": sequenceProject(t, g, "ethos-u55-128", "gru", compile.SequenceOptions{Steps: 5}, 8),
	} {
		t.Run(name, func(t *testing.T) { runBlob(t, p) })
	}
}

func runBlob(t *testing.T, p codegen.Project) {
	tree := generate(t, p)
	var table strings.Builder
	for _, b := range tree["model/gru.blob"] {
		fmt.Fprintf(&table, "%d,", b)
	}
	tree["app/blob.c"] = []byte("#include \"gru.h\"\nextern const uint8_t blob[];\nextern const size_t blob_bytes;\n" +
		"_Alignas(32) UNROLL_NPU_MODEL const uint8_t blob[] = {" + table.String() + "};\nconst size_t blob_bytes = sizeof(blob);\n")
	main := string(tree["app/main.c"])
	main = strings.Replace(main, "static unroll_npu npu;", "extern const uint8_t blob[];\nextern const size_t blob_bytes;\nstatic unroll_npu npu;", 1)
	main, n := strings.Replace(main, "gru_init(&model, &npu, arena, NULL)", "gru_init_from(&model, &npu, arena, NULL, blob, blob_bytes)", 1), strings.Count(main, "gru_init(&model, &npu, arena, NULL)")
	if n != 1 {
		t.Fatalf("main.c calls init %d times", n)
	}
	tree["app/main.c"] = []byte(main)
	words := regexp.MustCompile(`(gru_(?:commands\w*|constants)\[\] = \{\s*)0x[0-9A-F]{8}`)
	damaged := words.ReplaceAll(tree["src/gru_model.c"], []byte("${1}0x00000001"))
	tree["src/gru_model.c"] = damaged
	report := runProject(t, run.Options{Dir: write(t, tree), On: "host", Accel: p.Program.Accel, PlainCC: true})
	if !report.Pass || report.Calls != 8 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}
