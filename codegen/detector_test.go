// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/detect"
	"github.com/unroll-npu/unroll/lower/facts"
)

// The generated detector gives the alarms of the one that was judged, call by call.
func TestDetector(t *testing.T) {
	tool(t, "gcc")
	p := tiny("acc", 16)
	p.Facts = &facts.Facts{Detector: &facts.Detector{Background: 3, Smooth: 5, Threshold: 0.4, Seconds: 0.5}}
	dir := onDisk(t, p)
	out := p.Program.Outputs[0]
	k := len(p.ClassNames)
	scale, zero := float64(out.Quant.Scales[0]), int(out.Quant.ZeroPoints[0])
	m := detect.New(p.Facts.Detector, k, scale, zero)
	r := rand.New(rand.NewPCG(1, 1))
	var rows, want strings.Builder
	alarms := 0
	level := int(detect.Level(p.Facts.Detector, scale, zero)) / 5
	for call := range 400 {
		row := make([]int, k)
		for i := range row {
			row[i] = max(-128, level-40+r.IntN(20))
		}
		if call/11%2 == 1 {
			row[call/23%k] = min(127, level+5+r.IntN(20))
		}
		if call == 200 {
			m.Reset()
		}
		alarm := m.Next(row)
		if fmt.Fprintf(&want, "%d\n", alarm); alarm != detect.None {
			alarms++
		}
		fmt.Fprintf(&rows, "{%s},\n", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(row)), ","), "[]"))
	}
	if alarms < 5 {
		t.Fatalf("%d alarms prove little", alarms)
	}
	write(t, filepath.Join(dir, "use.c"), `#include "acc.h"
#include <stdio.h>
static const int8_t rows[400][ACC_CLASSES] = {
`+rows.String()+`};
int main(void) {
    acc_detector d;
    acc_detector_reset(&d);
    for (int i = 0; i < 400; i++) {
        if (i == 200) {
            acc_detector_reset(&d);
        }
        printf("%d\n", acc_detect(&d, rows[i]));
    }
    return 0;
}
`)
	args := append(append([]string{"-O1"}, warnings[:len(warnings)-1]...), "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-Iinclude", "-Inpu", "-Isrc", "use.c", "src/acc.c", "-o", "use")
	runIn(t, dir, "gcc", args...)
	got, err := exec.Command(filepath.Join(dir, "use")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("the C detector gives\n%s\nexpected\n%s", got, want.String())
	}
	runIn(t, dir, "g++", "-std=c++14", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", "-Inpu", "-x", "c++", "-fsyntax-only", "include/acc.h")
}
