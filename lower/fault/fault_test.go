// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"strings"
	"sync"
	"testing"
)

func TestCatch(t *testing.T) {
	var got any
	var where string
	Handle(func(v any, stack []byte) { got, where = v, string(stack) })
	defer Handle(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = recover() }() // the handler of the program would not return
		defer Catch()
		panic("BUG: in a goroutine")
	})
	wg.Wait()
	if got != "BUG: in a goroutine" || !strings.Contains(where, "TestCatch") {
		t.Errorf("handler got %v from %s", got, where)
	}

	Handle(nil)
	defer func() {
		if v := recover(); v != "as ever" {
			t.Errorf("without a handler the panic is %v", v)
		}
	}()
	defer Catch()
	panic("as ever")
}
