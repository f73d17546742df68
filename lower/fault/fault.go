// SPDX-License-Identifier: Apache-2.0

// Package fault turns a panic in any goroutine into what the program wants to say about
// its own faults. A library that nobody gave a handler panics as ever.
package fault

import (
	"runtime/debug"
	"sync/atomic"
)

var handler atomic.Pointer[func(value any, stack []byte)]

// Handle makes h the end of every panic that Catch sees; nil undoes that. h should not
// return.
func Handle(h func(value any, stack []byte)) {
	if h == nil {
		handler.Store(nil)
		return
	}
	handler.Store(&h)
}

// Catch is deferred first in every goroutine that is started.
func Catch() {
	v := recover()
	if v == nil {
		return
	}
	if h := handler.Load(); h != nil {
		(*h)(v, debug.Stack())
	}
	panic(v)
}
