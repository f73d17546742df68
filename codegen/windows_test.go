// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
)

// tinyWindows is the accumulator as two windows of eight values.
func tinyWindows(prefix string, stateOut uint32) Project {
	p := tiny(prefix, stateOut)
	p.Facts = &facts.Facts{Windows: 2}
	p.ClassNames, p.Mean, p.Std = strings.Split("abcdefgh", ""), nil, nil
	return p
}

const windowsMain = `#include <stdio.h>
#include <string.h>
#include "win.h"
#include "npu_fake.h"
WIN_ARENA_DEFINE(arena);
#define EXPECT(c) do { if (!(c)) { printf("line %d: %s\n", __LINE__, #c); return 1; } } while (0)
static int8_t input[WIN_INPUT_SIZE], output[WIN_OUTPUT_SIZE];
int main(void) {
    static unroll_npu npu;
    static win_context c;
    static uint8_t own[WIN_STATE_BYTES];
    EXPECT(WIN_WINDOWS == 2u && WIN_INPUT_WINDOW == 8u && WIN_OUTPUT_WINDOW == 8u && WIN_CLASSES == 8);
    EXPECT(win_reset_window(NULL, 0u) == WIN_ERR_ARGUMENT);
    for (int storage = 0; storage < 2; storage++) {
        EXPECT(win_init(&c, &npu, arena, storage == 0 ? NULL : own) == WIN_OK);
        memset(input, 3, sizeof(input));
        EXPECT(win_run(&c, input, output) == WIN_OK && output[0] == 3 && output[15] == 3);
        EXPECT(win_reset_window(&c, 1u) == WIN_OK);
        EXPECT(win_run(&c, input, output) == WIN_OK && output[0] == 6 && output[7] == 6 && output[8] == 3 && output[15] == 3);
        EXPECT(win_reset_window(&c, 0u) == WIN_OK && win_reset_window(&c, 2u) == WIN_ERR_ARGUMENT);
        EXPECT(win_run(&c, input, output) == WIN_OK && output[0] == 3 && output[7] == 3 && output[8] == 6 && output[15] == 6);
        input[10] = 9;
        EXPECT(win_run(&c, input, output) == WIN_OK && win_class(output + WIN_OUTPUT_WINDOW) == 2u && win_class(output) == 0u);
        EXPECT(win_start(&c, input) == WIN_OK && win_reset_window(&c, 0u) == WIN_BUSY);
        EXPECT(win_wait(&c, 100u, output) == WIN_OK);
    }
    puts("passed");
    return 0;
}
`

// The state of one window is reset alone, wherever it lies.
func TestWindowsInC(t *testing.T) {
	tool(t, "gcc")
	for _, at := range []string{"16", "48"} {
		p := tinyWindows("win", map[string]uint32{"16": 16, "48": 48}[at])
		dir := onDisk(t, p)
		write(t, filepath.Join(dir, "main.c"), windowsMain)
		api, err := filepath.Abs("testdata/api")
		if err != nil {
			t.Fatal(err)
		}
		runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DSTATE_OUT="+at, "-Iinclude", "-Inpu", "-I"+api,
			"-o", "windows", "main.c", "src/win.c", "src/win_model.c", "npu/npu_status.c", filepath.Join(api, "npu_fake.c"), "-lm")
		if out := runIn(t, dir, filepath.Join(dir, "windows")); !strings.Contains(out, "passed") {
			t.Errorf("state at %s: %s", at, out)
		}
	}
}

// Values that are not as many for every window are refused.
func TestWindowsMustDivide(t *testing.T) {
	p := tinyWindows("win", 16)
	p.Facts.Windows, p.ClassNames = 3, nil
	if _, err := Generate(p); err == nil || !strings.Contains(err.Error(), "16 elements, expected 3 windows") {
		t.Errorf("error is %v", err)
	}
}
