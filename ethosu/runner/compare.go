// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"runtime"
	"sync"

	"github.com/unroll-npu/unroll/lower/fault"
)

// Feed fills the inputs of one call, except carried states, and says whether the
// states start from reset. It must be safe for concurrent use.
type Feed func(call int, in [][]byte) (reset bool)

// Comparison is the outcome of running two models on the same calls.
type Comparison struct {
	Calls      int
	Mismatches int       // calls with at least one different byte
	First      *Mismatch // of the lowest call, or nil

	distinct seen
}

// seen holds the calls that were made, by a hash of their inputs with the states among
// them. Variables that a model keeps by itself are not in it: calls that differ by those
// alone count as one.
type seen map[[sha256.Size]byte]struct{}

func (s seen) add(other seen) { maps.Copy(s, other) }

func hashOf(in [][]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, v := range in {
		h.Write(v)
	}
	h.Sum(sum[:0])
	return sum
}

// Mismatch is a byte that differs.
type Mismatch struct {
	Call      int
	Output    string
	Index     int // byte offset in the output
	Want, Got byte
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("call %d: output %q differs at byte %d: expected %#02x, found %#02x", m.Call, m.Output, m.Index, m.Want, m.Got)
}

// Compare runs calls 0..n-1 on both models, carrying each model's own states, and
// compares every byte of every output. ref is the expectation. Both models must have
// the same signature.
func Compare(ref, dut Model, n int, feed Feed, progress func(done int)) (Comparison, error) {
	if err := SameSignature(ref, dut); err != nil {
		return Comparison{}, err
	}
	c := Comparison{Calls: n, distinct: seen{}}
	a, b := NewSession(ref, ref.States()), NewSession(dut, dut.States())
	for call := 0; call < n; call++ {
		if err := c.call(a, b, call, feed); err != nil {
			return c, err
		}
		if progress != nil {
			progress(call + 1)
		}
	}
	return c, nil
}

func (c *Comparison) call(a, b *Session, call int, feed Feed) error {
	for _, s := range []*Session{a, b} {
		if feed(call, s.In) {
			resetStates(s)
		}
		if s == a {
			c.distinct[hashOf(s.In)] = struct{}{}
		}
		if err := s.Call(); err != nil {
			return fmt.Errorf("call %d: %w", call, err)
		}
	}
	if m := difference(a.m.Outputs(), a.Out, b.Out); m != nil {
		m.Call = call
		c.Mismatches++
		if c.First == nil || call < c.First.Call {
			c.First = m
		}
	}
	return nil
}

// CompareIndependent is Compare for calls that all start from reset; it uses every
// core.
func CompareIndependent(ref, dut Model, n int, feed Feed, progress func(done int)) (Comparison, error) {
	if err := SameSignature(ref, dut); err != nil {
		return Comparison{}, err
	}
	workers := min(runtime.GOMAXPROCS(0), max(n, 1))
	parts := make([]Comparison, workers)
	errs := make([]error, workers)
	var done int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range workers {
		parts[w].distinct = seen{}
		wg.Add(1)
		go func() {
			defer fault.Catch()
			defer wg.Done()
			ra, db := ref.Clone(), dut.Clone()
			a, b := NewSession(ra, ra.States()), NewSession(db, db.States())
			for call := w; call < n; call += workers {
				err := parts[w].call(a, b, call, func(i int, in [][]byte) bool { feed(i, in); return true })
				if err != nil {
					errs[w] = err
					return
				}
				if progress != nil {
					mu.Lock()
					done++
					progress(done)
					mu.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	c := Comparison{Calls: n, distinct: seen{}}
	for w := range parts {
		if errs[w] != nil {
			return c, errs[w]
		}
		c.Mismatches += parts[w].Mismatches
		c.distinct.add(parts[w].distinct)
		if f := parts[w].First; f != nil && (c.First == nil || f.Call < c.First.Call) {
			c.First = f
		}
	}
	return c, nil
}

func resetStates(s *Session) {
	s.m.Reset()
	ins := s.m.Inputs()
	for _, st := range s.states {
		FillReset(&ins[st.In], s.In[st.In])
	}
}

// SameSignature reports how two models differ in what goes in and out, or nil.
func SameSignature(a, b Model) error {
	for _, side := range []struct {
		what string
		a, b []Tensor
	}{{"inputs", a.Inputs(), b.Inputs()}, {"outputs", a.Outputs(), b.Outputs()}} {
		if len(side.a) != len(side.b) {
			return fmt.Errorf("the models have %d and %d %s", len(side.a), len(side.b), side.what)
		}
		for i := range side.a {
			x, y := &side.a[i], &side.b[i]
			if x.Type != y.Type || x.Bytes() != y.Bytes() {
				return fmt.Errorf("%s %d: %q is %v%v, %q is %v%v", side.what, i, x.Name, x.Type, x.Shape, y.Name, y.Type, y.Shape)
			}
		}
	}
	if len(a.States()) != len(b.States()) {
		return fmt.Errorf("the models carry %d and %d states", len(a.States()), len(b.States()))
	}
	return nil
}

func difference(ts []Tensor, want, got [][]byte) *Mismatch {
	for o := range want {
		if bytes.Equal(want[o], got[o]) {
			continue
		}
		for i := range want[o] {
			if want[o][i] != got[o][i] {
				return &Mismatch{Output: ts[o].Name, Index: i, Want: want[o][i], Got: got[o][i]}
			}
		}
	}
	return nil
}
