// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"math"
	"testing"
)

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		v      float64
		digits int
		want   string
	}{
		{0, 4, "0"},
		{math.Copysign(0, -1), 4, "0"},
		{1, 4, "1"},
		{-9.80665, 4, "-9.807"},
		{9.99996, 4, "10"},
		{100, 4, "100"},
		{1e6, 4, "1000000"},
		{1234567.8, 4, "1234568"},
		{-48000.4, 3, "-48000"},
		{0.1 + 0.2, 4, "0.3"},
		{0.00003051850947, 6, "0.0000305185"},
		{0.0000012, 4, "0.0000012"},
		{1e-9, 4, "1e-09"},
		{1.5e38, 4, "1.5e+38"},
		{math.Inf(1), 4, "+Inf"},
		{math.NaN(), 4, "NaN"},
	} {
		if got := Digits(c.v, c.digits); got != c.want {
			t.Errorf("%v in %d digits: %q, expected %q", c.v, c.digits, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"walking", 7, "walking"},
		{"accelerometer_left_wrist_x", 12, "accelero…t_x"},
		{"größenänderung", 6, "größ…g"},
	} {
		got := Cut(c.name, c.n)
		if got != c.want {
			t.Errorf("%q in %d characters: %q, expected %q", c.name, c.n, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	if one, two := Count(1, "class", "classes"), Count(2, "class", "classes"); one != "1 class" || two != "2 classes" {
		t.Errorf("%q, %q", one, two)
	}
}
