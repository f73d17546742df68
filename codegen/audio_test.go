// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/audio"
)

func audioParameters(t testing.TB, text string, rate int) *audio.Parameters {
	t.Helper()
	w, err := audio.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.At(rate)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tinyAudio takes samples: the accumulator of tiny, whose input are 16 features.
func tinyAudio(prefix, features string) Project {
	p := tiny(prefix, 16)
	w, err := audio.Parse(features)
	if err != nil {
		panic(err)
	}
	if p.Audio, err = w.At(8000); err != nil {
		panic(err)
	}
	decision := [][]byte{make([]byte, 16), nil}
	p.Heard = &Heard{Samples: audio.Signal(400), Every: 1, Outputs: [][][]byte{decision, decision}}
	return p
}

// armSound takes samples and runs on Arm's driver.
func armSound() Project {
	p := tinyAudio("arm_sound", "logmel,bands=16,pre-emphasis=0")
	p.Options.Driver = ArmDriver
	return p
}

// harness is a C program that prints the features of the samples of audio.Signal as hex
// floats, a row a line. What the model would do is left out.
const harness = `#include <stdio.h>
#include "src/PREFIX_audio.c"
void PREFIX_quantize_input(const float *real, int8_t *input) { (void)real; (void)input; }
PREFIX_status PREFIX_reset_state(PREFIX_context *ctx) { (void)ctx; return MACRO_OK; }
PREFIX_status PREFIX_run(PREFIX_context *ctx, const int8_t *input, int8_t *output) { (void)ctx; (void)input; (void)output; return MACRO_OK; }
static const int16_t samples[] = {SAMPLES};
int main(void) {
    static PREFIX_audio a;
    PREFIX_audio_init(&a, 1u);
    size_t at = 0, piece = 1;
    while (at < sizeof(samples) / sizeof(samples[0])) {
        size_t left = sizeof(samples) / sizeof(samples[0]) - at;
        int complete;
        at += PREFIX_audio_push(&a, samples + at, piece < left ? piece : left, &complete);
        if (complete) {
            for (unsigned i = 0; i < MACRO_FEATURES; i++) {
                printf("%a ", (double)a.rows[(MACRO_STEPS - 1u) * MACRO_FEATURES + i]);
            }
            puts("");
        }
        piece = (piece * 7u + 5u) % 301u + 1u;
    }
    return 0;
}
`

// featuresInC builds the C of a project for this machine and returns the rows that it
// makes of samples.
func featuresInC(t *testing.T, p Project, samples []int16, compiler ...string) []float32 {
	t.Helper()
	dir := onDisk(t, p)
	var list []string
	for _, s := range samples {
		list = append(list, strconv.Itoa(int(s)))
	}
	text := strings.NewReplacer("PREFIX", p.Prefix, "MACRO", strings.ToUpper(p.Prefix), "SAMPLES", strings.Join(list, ",")).Replace(harness)
	if err := os.WriteFile(filepath.Join(dir, "harness.c"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	runIn(t, dir, compiler[0], append(compiler[1:], "-I.", "-Iinclude", "-Inpu", "-o", "harness", "harness.c")...)
	var rows []float32
	for _, f := range strings.Fields(runIn(t, dir, filepath.Join(dir, "harness"))) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, float32(v))
	}
	return rows
}

// inGo are the same rows by lower/audio, which is held to the definition there.
func inGo(p *audio.Parameters, samples []int16) []float32 {
	x := make([]float32, len(samples))
	for i, s := range samples {
		x[i] = float32(s) / 32768
	}
	return audio.NewExtractor(p).Features(x)
}

// Features in C are the bits of those in Go: with several compilers, optimized or not,
// and where products could be fused with sums.
func TestFeaturesInC(t *testing.T) {
	tool(t, "gcc")
	for i, text := range []string{
		"logmel,bands=16",
		"mfcc,bands=24,coefficients=16,frame=30ms,hop=10ms,window=hamming,scale=slaney",
		"logmel,bands=16,pre-emphasis=0,frame=400,hop=399,fft=1024,window=rectangular,floor=0.01,norm=area",
		"mfcc,bands=16,coefficients=16,frame=127,hop=1,fft=512,low=100,high=3900",
	} {
		p := tinyAudio(fmt.Sprintf("a%d", i), text)
		samples := audio.Signal(p.Audio.Frame + 40*p.Audio.Hop + 3)
		want := inGo(p.Audio, samples)
		for _, compiler := range [][]string{
			{"gcc", "-std=c11", "-O0"}, {"gcc", "-std=c11", "-O3", "-mfma"}, {"gcc", "-std=gnu11", "-O2", "-mfma", "-ffp-contract=off"}, {"clang", "-std=c11", "-O3", "-mfma"},
		} {
			if compiler[0] == "clang" {
				if _, err := os.Stat("/usr/bin/clang"); err != nil {
					t.Log("SKIPPED: clang is not installed")
					continue
				}
			}
			got := featuresInC(t, p, samples, compiler...)
			if len(got) != len(want) {
				t.Fatalf("%s, %v: %d values in C, %d in Go", text, compiler, len(got), len(want))
			}
			for j := range want {
				if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
					t.Fatalf("%s, %v: row %d, feature %d is %v in C, %v in Go", text, compiler, j/16, j%16, got[j], want[j])
				}
			}
		}
	}
}

// With CMSIS-DSP's transform features are those of our own to 1e-5 of the largest of a
// row. UNROLL_CMSIS_DSP names a folder with its source.
func TestFeaturesWithCMSISDSP(t *testing.T) {
	source := os.Getenv("UNROLL_CMSIS_DSP")
	if source == "" {
		t.Skip("SKIPPED: UNROLL_CMSIS_DSP does not name the source of CMSIS-DSP, so its transform is not proven")
	}
	tool(t, "gcc")
	compiler := []string{"gcc", "-std=gnu11", "-O2", "-D__GNUC_PYTHON__", "-DCMSIS_CMSIS_DSP=1", "-I", filepath.Join(source, "Include"), "-I", filepath.Join(source, "PrivateInclude")}
	for _, file := range []string{"arm_cfft_f32.c", "arm_cfft_radix8_f32.c", "arm_cfft_init_f32.c", "arm_bitreversal2.c"} {
		compiler = append(compiler, filepath.Join(source, "Source", "TransformFunctions", file))
	}
	for _, file := range []string{"arm_common_tables.c", "arm_const_structs.c"} {
		compiler = append(compiler, filepath.Join(source, "Source", "CommonTables", file))
	}
	for i, text := range []string{"logmel,bands=16", "mfcc,bands=24,coefficients=16,frame=30ms,hop=10ms", "logmel,bands=16,frame=1000,hop=500", "logmel,bands=16,frame=64,hop=60,fft=1024"} {
		p := tinyAudio(fmt.Sprintf("d%d", i), text)
		samples := audio.Signal(p.Audio.Frame + 40*p.Audio.Hop)
		want := inGo(p.Audio, samples)
		got := featuresInC(t, p, samples, append([]string{}, append(compiler, fmt.Sprintf("-DD%d_CMSIS_DSP=1", i), "-lm")...)...)
		if len(got) != len(want) {
			t.Fatalf("%s: %d values with CMSIS-DSP, %d without", text, len(got), len(want))
		}
		for row := 0; row < len(want); row += 16 {
			most := 0.0
			for _, v := range want[row : row+16] {
				most = math.Max(most, math.Abs(float64(v)))
			}
			for j := row; j < row+16; j++ {
				if d := math.Abs(float64(got[j] - want[j])); !(d <= 1e-5*most) {
					t.Fatalf("%s: row %d, feature %d is %v with CMSIS-DSP, %v without", text, row/16, j%16, got[j], want[j])
				}
			}
		}
	}
}

func TestAudioRefused(t *testing.T) {
	for want, change := range map[string]func(*Project){
		"expected one quantized input [1, steps, 20]": func(p *Project) { p.Audio = audioParameters(t, "", 8000) },
		"a hop of 0 samples":                          func(p *Project) { a := *p.Audio; a.Hop = 0; p.Audio = &a },
		"not how they become features":                func(p *Project) { p.Audio = nil },
		"at least one of each":                        func(p *Project) { p.Heard.Samples = nil },
		"decision 1 lacks output":                     func(p *Project) { p.Heard.Outputs[1] = [][]byte{nil, nil} },
	} {
		p := tinyAudio("a", "logmel,bands=16")
		h := *p.Heard
		h.Outputs = append([][][]byte(nil), h.Outputs...)
		p.Heard = &h
		change(&p)
		if _, err := Generate(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
