// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
)

// The pixels are part of what a seed means: a change of this hash changes every
// result obtained on the embedded set.
func TestDigitsAreTheSameEverywhere(t *testing.T) {
	train, test := Digits(1, 64, 32)
	h := sha256.New()
	for _, s := range []*Set{train, test} {
		h.Write(s.pixels)
		fmt.Fprint(h, s.labels)
	}
	const want = "bbbe05b86ce5a77c18a1b901de2d5fa2e42b4dd69cfb4117a6830a634e0814eb"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("hash of the drawn digits is %s, want %s", got, want)
	}
}

func TestDigitsPrefixAndSeeds(t *testing.T) {
	long, test := Digits(7, 200, 100)
	short, _ := Digits(7, 100, 1)
	if !slices.Equal(long.pixels[:len(short.pixels)], short.pixels) {
		t.Error("a smaller set is not the beginning of a larger one of the same seed")
	}
	if slices.Equal(short.pixels, test.pixels) {
		t.Error("the training and the test part are the same pictures")
	}
	other, _ := Digits(8, 100, 1)
	if slices.Equal(short.pixels, other.pixels) {
		t.Error("two seeds give the same pictures")
	}
	for class, n := range long.Counts() {
		if n == 0 {
			t.Errorf("200 digits have no %d", class)
		}
	}
}

func TestSubset(t *testing.T) {
	s, _ := Digits(1, 20, 1)
	sub := s.Subset("odd", []int{1, 3, 5, 7}).Subset("two", []int{3, 0})
	a, b := make([]float32, 784), make([]float32, 784)
	for i, j := range []int{7, 1} {
		sub.Sample(i, a)
		s.Sample(j, b)
		if !slices.Equal(a, b) || sub.Label(i) != s.Label(j) {
			t.Errorf("sequence %d of the subset is not sequence %d of the set", i, j)
		}
	}
	if err := s.Subset("none", nil).Check(); err == nil {
		t.Error("an empty set passes the check")
	}
	one := []int{}
	for i := range s.Len() {
		if s.Label(i) == s.Label(0) {
			one = append(one, i)
		}
	}
	if err := s.Subset("one class", one).Check(); err == nil {
		t.Error("a set of one class passes the check")
	}
}

func TestIsqrt(t *testing.T) {
	for v := int64(0); v < 1<<20; v += 7 {
		if r := isqrt(v); r*r > v || (r+1)*(r+1) <= v {
			t.Fatalf("isqrt(%d) = %d", v, r)
		}
	}
}
