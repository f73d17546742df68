// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"reflect"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/perf"
)

// TestKeyHasEveryField changes one field of a work after the other: the answer to another
// work is never taken for it.
func TestKeyHasEveryField(t *testing.T) {
	var m Model
	plain := m.key(&perf.Work{})
	seen := map[workKey]string{plain: "nothing"}
	var w perf.Work
	fields := 0
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), name+"."+v.Type().Field(i).Name)
			}
			return
		}
		fields++
		switch {
		case v.CanInt():
			v.SetInt(7)
		case v.CanUint():
			v.SetUint(7)
		case v.CanFloat():
			v.SetFloat(7)
		case v.Kind() == reflect.Bool:
			v.SetBool(true)
		case v.Kind() == reflect.String:
			v.SetString("7")
		default:
			t.Fatalf("%s is a %s: say here how to change it", name, v.Kind())
		}
		key := m.key(&w)
		if other, ok := seen[key]; ok {
			t.Errorf("works that differ in %s and in %s have the same key", name, other)
		}
		seen[key] = name
		v.SetZero()
		if m.key(&w) != plain {
			t.Fatalf("%s: the same work has another key", name)
		}
	}
	walk(reflect.ValueOf(&w).Elem(), "Work")
	if fields < 80 {
		t.Errorf("%d fields: the test has lost what it is for", fields)
	}
}
