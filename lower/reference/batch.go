// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/unroll-npu/unroll/lower/fault"
)

// RunBatch executes one independent call for each element of inputs, in
// parallel, each from the reset state. inputs[i][k] is graph input k of call i,
// nil for its zero point; missing ones are too. The result has the bytes of
// every graph output of every call.
func (it *Interpreter) RunBatch(inputs [][][]byte) ([][][]byte, error) {
	out := make([][][]byte, len(inputs))
	err := it.Parallel(len(inputs), func(w *Interpreter, i int) error {
		for k := range w.p.g.Inputs {
			if k >= len(inputs[i]) || inputs[i][k] == nil {
				w.fill(w.p.g.Inputs[k])
				continue
			}
			if err := w.Feed(k, inputs[i][k]); err != nil {
				return fmt.Errorf("call %d: %w", i, err)
			}
		}
		if err := w.Invoke(); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
		out[i] = make([][]byte, len(w.p.g.Outputs))
		for k := range out[i] {
			out[i][k] = append([]byte(nil), w.Output(k)...)
		}
		return nil
	})
	return out, err
}

// Parallel calls f once for every i below n on clones of the interpreter, one
// clone for each processor, after a Reset. The first error in the order of i
// ends the work early and is returned.
func (it *Interpreter) Parallel(n int, f func(w *Interpreter, i int) error) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	var (
		mu      sync.Mutex
		next    int
		failed  error
		failedI int
		wg      sync.WaitGroup
	)
	const batch = 16
	take := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			return n, n
		}
		from := next
		next = min(next+batch, n)
		return from, next
	}
	for range workers {
		w := it.Clone()
		wg.Go(func() {
			defer fault.Catch()
			for {
				from, to := take()
				if from == to {
					return
				}
				for i := from; i < to; i++ {
					w.Reset()
					if err := f(w, i); err != nil {
						mu.Lock()
						if failed == nil || i < failedI {
							failed, failedI = err, i
						}
						mu.Unlock()
						return
					}
				}
			}
		})
	}
	wg.Wait()
	return failed
}
