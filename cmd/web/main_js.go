// SPDX-License-Identifier: Apache-2.0

//go:build js && wasm

package main

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/unroll-npu/unroll/codegen/browser"
	"github.com/unroll-npu/unroll/lower/fault"
)

// main makes unroll(request) of the worker that loads it, and waits. A request is an object
// with the fields of browser.Request; what comes back has those of browser.Response, or error.
func main() {
	fault.Handle(func(v any, _ []byte) { panic(v) })
	js.Global().Set("unroll", js.FuncOf(func(_ js.Value, args []js.Value) any { return answer(args[0]) }))
	js.Global().Call("unrollReady")
	select {}
}

func answer(in js.Value) (out any) {
	defer func() {
		if v := recover(); v != nil {
			out = map[string]any{"error": fmt.Sprintf("BUG: %v", v)}
		}
	}()
	r := browser.Request{Verb: in.Get("verb").String(), Version: "for browsers", Name: in.Get("name").String(), Accel: in.Get("accel").String(),
		Calls: in.Get("calls").Int(), Model: bytesOf(in.Get("model")), Inputs: map[string][]byte{}}
	inputs := in.Get("inputs")
	keys := js.Global().Get("Object").Call("keys", inputs)
	for i := range keys.Length() {
		k := keys.Index(i).String()
		r.Inputs[k] = bytesOf(inputs.Get(k))
	}
	resp, err := browser.Do(context.Background(), r)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	files := map[string]any{}
	for name, b := range resp.Files {
		files[name] = array(b)
	}
	return map[string]any{"text": resp.Text, "page": string(resp.Page), "files": files}
}

func bytesOf(v js.Value) []byte {
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}

func array(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}
