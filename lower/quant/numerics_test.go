// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"encoding/json"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

type table struct {
	Columns []string
	Rows    [][]float64
}

// TestNumericVectors checks every primitive against the rows that the compiled
// C++ functions gave.
func TestNumericVectors(t *testing.T) {
	var file struct {
		Numerics map[string]json.RawMessage
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data/vectors/ops-int8.json"), &file); err != nil {
		t.Fatal(err)
	}
	checks := map[string]func(r []float64) (got, want []float64){
		"QuantizeMultiplier": func(r []float64) (_, _ []float64) {
			m := QuantizeMultiplier(r[0])
			return []float64{float64(m.M), float64(m.Exp)}, r[1:]
		},
		"MultiplyByQuantizedMultiplier_int32": func(r []float64) (_, _ []float64) {
			return one(MBQM(int32(r[0]), Multiplier{int32(r[1]), int(r[2])})), r[3:]
		},
		"MultiplyByQuantizedMultiplier_int64": func(r []float64) (_, _ []float64) {
			return one(MBQM64(int64(r[0]), Multiplier{int32(r[1]), int(r[2])})), r[3:]
		},
		"SaturatingRoundingDoublingHighMul": func(r []float64) (_, _ []float64) {
			return one(SRDHM(int32(r[0]), int32(r[1]))), r[2:]
		},
		"RoundingDivideByPOT":          func(r []float64) (_, _ []float64) { return one(RDBPOT(int32(r[0]), int(r[1]))), r[2:] },
		"exp_on_negative_values_Q5_26": func(r []float64) (_, _ []float64) { return one(ExpNeg(int32(r[0]), 5)), r[1:] },
		"logistic_Q4_27":               func(r []float64) (_, _ []float64) { return one(FixedLogistic(int32(r[0]), 4)), r[1:] },
		"tanh_Q4_27":                   func(r []float64) (_, _ []float64) { return one(FixedTanh(int32(r[0]), 4)), r[1:] },
		"one_over_one_plus_x_Q0_31":    func(r []float64) (_, _ []float64) { return one(OneOverOnePlus(int32(r[0]))), r[1:] },
	}
	for name, check := range checks {
		var tab table
		if err := json.Unmarshal(file.Numerics[name], &tab); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(tab.Rows) == 0 {
			t.Errorf("%s: no rows", name)
		}
		for _, row := range tab.Rows {
			got, want := check(row)
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s%v: got %v", name, row, got)
				}
			}
		}
	}
	for name, tab := range map[string]*[513]int16{
		"softmax_int16_exp_lut_513":                              &ExpTable16,
		"softmax_int16_one_over_one_plus_x_lut_513_float32_TFLM": &ReciprocalTable16,
	} {
		var want []int16
		if err := json.Unmarshal(file.Numerics[name], &want); err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if tab[i] != w {
				t.Errorf("%s[%d] = %d, want %d", name, i, tab[i], w)
			}
		}
	}
}

func one(v int32) []float64 { return []float64{float64(v)} }

// TestCore16 checks the worked values of the 16-bit sigmoid and tanh.
func TestCore16(t *testing.T) {
	for _, c := range []struct{ x, sigmoid int32 }{
		{-32768, 11}, {-12345, 1534}, {-4096, 8812}, {-513, 15360}, {-512, 15361}, {-1, 16382}, {0, 16384},
		{1, 16386}, {256, 16896}, {4096, 23956}, {12345, 31234}, {32767, 32757},
	} {
		if got := SigmoidCore(3 * c.x); got != c.sigmoid {
			t.Errorf("SigmoidCore(3*%d) = %d, want %d", c.x, got, c.sigmoid)
		}
	}
	for _, c := range []struct{ x, tanh int32 }{
		{-32768, -32767}, {-12345, -32611}, {-4096, -24956}, {-513, -4083}, {-1, -8}, {0, 0}, {1, 8}, {256, 2045}, {4096, 24956}, {32767, 32767},
	} {
		if got := TanhCore(3 * c.x); got != c.tanh {
			t.Errorf("TanhCore(3*%d) = %d, want %d", c.x, got, c.tanh)
		}
	}
}

func TestLut16Scaling(t *testing.T) {
	for _, c := range []struct {
		scale float32
		tanh  bool
		want  Lut16
	}{
		{1.0 / 4096, false, Lut16{3, 0}}, {1.0 / 4096, true, Lut16{3, 0}}, {1.0 / 2048, false, Lut16{24576, 12}},
		{1.0 / 2048, true, Lut16{6, 0}}, {1.0 / 8192, false, Lut16{24576, 14}}, {0.0004, false, Lut16{20132, 12}},
	} {
		if got, err := lut16(c.scale, c.tanh); err != nil || got != c.want {
			t.Errorf("lut16(%g, tanh %v) = %v, %v, want %v", c.scale, c.tanh, got, err, c.want)
		}
	}
}
