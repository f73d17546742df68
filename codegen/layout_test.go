// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLayoutC compares with what clang-format 14 makes of the same lines, which are
// one longer than a line can be.
func TestLayoutC(t *testing.T) {
	for _, want := range []string{
		// After the assignment where that takes no more lines, else at the arguments.
		`    wrong |=
        differs("output", output, xxxxxxxx_golden_output[i], sizeof(output), sizeof(output[0]));
`,
		`    int failed = ethosu_invoke_async(ctx->npu, xx_payload, XX_PAYLOAD_BYTES, ctx->bases, ctx->sizes,
                                     2, NULL);
`,
		`    int failed =
        ethosu_invoke_async(ctx->npu, xxxxxxxxxxxxxxx_payload, XXXXXXXXXXXXXXX_PAYLOAD_BYTES,
                            ctx->bases, ctx->sizes, 2, NULL);
`,
		// A first argument longer than what is left of the line.
		`        xxxxxxx_dequantize_state_h0_out(
            (const int8_t *)(const void *)(ctx->arena + STATE_H0_OUT_AT), state_h0_out);
`,
		`_Static_assert(STATE_H0_OUT_AT + XXXXXXXXXXXXX_STATE_H0_OUT_SIZE * sizeof(int8_t) <=
                   NPU_ARENA_BYTES,
               "state_h0_out leaves the arena");
`,
		// Short lines stay.
		"    int failed = start(ctx, 2, NULL);\n",
	} {
		lines := strings.Split(strings.TrimRight(want, "\n"), "\n")
		for i := range lines[1:] {
			lines[i+1] = strings.TrimLeft(lines[i+1], " ")
		}
		one := strings.ReplaceAll(strings.Join(lines, " "), "( ", "(")
		if got := string(layoutC([]byte(one + "\n"))); got != want {
			t.Errorf("found\n%sexpected\n%s", got, want)
		}
	}
}

// TestLayoutOfEveryPrefix formats the code of projects with prefixes of every length:
// which lines break, and where, depends on it.
func TestLayoutOfEveryPrefix(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: formats some hundred files, not in short mode")
	}
	tool(t, "clang-format")
	for _, v := range variants() {
		switch v.Prefix {
		case "p", "arm_acc", "a_prefix_of_16_c", "seq":
		default:
			continue
		}
		t.Run(v.Prefix, func(t *testing.T) {
			t.Parallel()
			dir, p := t.TempDir(), v
			code := map[string][]byte{}
			for n := 1; n <= styledPrefix; n++ {
				p.Prefix = strings.Repeat("x", n)
				tree := generate(t, p)
				write(t, filepath.Join(dir, ".clang-format"), string(tree[".clang-format"]))
				program := "app/main.c"
				if p.Options.Driver == ArmDriver {
					program = "app/check.c"
				}
				for _, path := range []string{"src/" + p.Prefix + ".c", program, "include/" + p.Prefix + ".h"} {
					if tree[path] == nil {
						t.Fatalf("no %s", path)
					}
					file := strings.ReplaceAll(p.Prefix+"/"+path, "/", "_")
					code[file] = tree[path]
					write(t, filepath.Join(dir, file), string(tree[path]))
				}
			}
			files := []string{"-i"}
			for file := range code {
				files = append(files, file)
			}
			runIn(t, dir, "clang-format", files...)
			for file, got := range code {
				want, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
				for i := range a {
					if i >= len(b) || !bytes.Equal(a[i], b[i]) {
						t.Errorf("%s:%d: generated\n%s\nformatted\n%s", file, i+1, bytes.Join(a[i:min(i+3, len(a))], []byte("\n")), bytes.Join(b[min(i, len(b)):min(i+3, len(b))], []byte("\n")))
						break
					}
				}
			}
		})
	}
}
