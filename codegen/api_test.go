// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// buildAPI compiles testdata/api with the generated library and returns the
// program. The fake driver of testdata/api takes the place of the real one.
func buildAPI(t *testing.T, dir string, stateOut uint32) string {
	t.Helper()
	api, err := filepath.Abs("testdata/api")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "api")
	runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		fmt.Sprintf("-DSTATE_OUT=%d", stateOut), "-Iinclude", "-Inpu", "-I"+api, "-o", program,
		"src/acc.c", "src/acc_model.c", "npu/npu_status.c", filepath.Join(api, "npu_fake.c"), filepath.Join(api, "api.c"), "-lm")
	return program
}

// TestAPI calls every function of the generated API, with the state in place and
// copied, under AddressSanitizer and UBSan.
func TestAPI(t *testing.T) {
	tool(t, "gcc")
	for _, stateOut := range []uint32{16, 48} {
		t.Run(fmt.Sprintf("state at %d", stateOut), func(t *testing.T) {
			dir := onDisk(t, tiny("acc", stateOut))
			if out := runIn(t, dir, buildAPI(t, dir, stateOut)); !strings.Contains(out, "passed") {
				t.Error(out)
			}
		})
	}
}

// TestDamagedModelIsFound flips one bit of the stream and of the constants: init
// must refuse both.
func TestDamagedModelIsFound(t *testing.T) {
	tool(t, "gcc")
	for _, word := range []string{"0x0001010F", "0x74786973"} {
		dir := onDisk(t, tiny("acc", 16))
		name := filepath.Join(dir, "src", "acc_model.c")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Replace(b, []byte(word), []byte("0x8"+word[3:]), 1)
		if bytes.Equal(b, damaged) {
			t.Fatalf("%s is not in the model", word)
		}
		if err := os.WriteFile(name, damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		main := "#include \"acc.h\"\n#include \"npu_fake.h\"\nACC_ARENA_DEFINE(arena);\nint main(void) { static unroll_npu npu; static acc_context c;\n" +
			"return acc_init(&c, &npu, arena, NULL) == ACC_ERR_MODEL ? 0 : 1; }\n"
		write(t, filepath.Join(dir, "main.c"), main)
		api, _ := filepath.Abs("testdata/api")
		runIn(t, dir, "gcc", "-std=c11", "-DSTATE_OUT=16", "-Iinclude", "-Inpu", "-I"+api, "-o", "damaged", "main.c", "src/acc.c", "src/acc_model.c",
			"npu/npu_status.c", filepath.Join(api, "npu_fake.c"))
		runIn(t, dir, filepath.Join(dir, "damaged"))
		// Where init is told not to look, verify still does.
		write(t, filepath.Join(dir, "main.c"), strings.Replace(main, "== ACC_ERR_MODEL ?", "== ACC_OK && acc_verify() == ACC_ERR_MODEL ?", 1))
		runIn(t, dir, "gcc", "-std=c11", "-DSTATE_OUT=16", "-DACC_VERIFY=0", "-Iinclude", "-Inpu", "-I"+api, "-o", "damaged", "main.c", "src/acc.c", "src/acc_model.c",
			"npu/npu_status.c", filepath.Join(api, "npu_fake.c"))
		runIn(t, dir, filepath.Join(dir, "damaged"))
	}
}

// TestTwoModelsLinkInOneImage defines nothing twice: every symbol of the library
// carries its prefix.
func TestTwoModelsLinkInOneImage(t *testing.T) {
	tool(t, "gcc")
	a, b := onDisk(t, tiny("acc", 16)), onDisk(t, tiny("other", 48))
	main := "#include \"acc.h\"\n#include \"other.h\"\nint main(void) { return acc_class_name(0)[0] - other_class_name(0)[0]; }\n"
	write(t, filepath.Join(a, "main.c"), main)
	api, _ := filepath.Abs("testdata/api")
	runIn(t, a, "gcc", "-std=c11", "-DSTATE_OUT=16", "-Iinclude", "-Inpu", "-I"+filepath.Join(b, "include"), "-I"+api, "-o", "both", "main.c",
		"src/acc.c", "src/acc_model.c", filepath.Join(b, "src", "other.c"), filepath.Join(b, "src", "other_model.c"), "npu/npu_status.c",
		filepath.Join(api, "npu_fake.c"))
	tool(t, "nm")
	for _, o := range []struct{ dir, prefix string }{{a, "acc"}, {b, "other"}} {
		runIn(t, o.dir, "gcc", "-std=c11", "-Iinclude", "-Inpu", "-c", "src/"+o.prefix+".c", "src/"+o.prefix+"_model.c")
		for _, line := range strings.Split(runIn(t, o.dir, "nm", "-g", "--defined-only", o.prefix+".o", o.prefix+"_model.o"), "\n") {
			if f := strings.Fields(line); len(f) == 3 && !strings.HasPrefix(f[2], o.prefix+"_") {
				t.Errorf("symbol %s does not begin with %s_", f[2], o.prefix)
			}
		}
	}
}
