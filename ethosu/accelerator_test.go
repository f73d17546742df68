// SPDX-License-Identifier: Apache-2.0

package ethosu_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// TestIncompleteRows: a configuration that lacks any number of its own is refused by
// name and costs nothing that another one would.
func TestIncompleteRows(t *testing.T) {
	stop := isa.PutStop(0xffff).Append(nil)
	sys := ethosu.SystemConfigs[0]
	estimate := func(a *ethosu.Accelerator) error {
		if a.Generation == ethosu.U85 { // which has no estimate: its row is checked all the same
			return a.Check()
		}
		_, err := perf.Stream(a, perf.PlacesOf(sys, ethosu.MemoryModes[0]), stop)
		return err
	}
	optional := map[string]bool{"Name": true, "ReservedEndBanks": true, "Delay.Depth40": true}
	shared := map[string]bool{"Generation": true, "MACs": true, "Cores": true, "ConfigWord": true}
	names, configs := map[string]bool{}, map[uint32]bool{}
	for i := range ethosu.Accelerators {
		a := &ethosu.Accelerators[i]
		if err := estimate(a); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
		if names[a.Name] || configs[a.ConfigWord] {
			t.Errorf("%s: name or CONFIG occurs twice", a.Name)
		}
		names[a.Name], configs[a.ConfigWord] = true, true
		if back, err := ethosu.AcceleratorOf(a.ConfigWord); back != a || err != nil {
			t.Errorf("CONFIG 0x%08X is %v, %v", a.ConfigWord, back, err)
		}
		whole := *a
		var walk func(v reflect.Value, path string)
		walk = func(v reflect.Value, path string) {
			for k := range v.NumField() {
				f, name := v.Field(k), path+v.Type().Field(k).Name
				if f.Kind() == reflect.Struct {
					walk(f, name+".")
					continue
				}
				if optional[name] || !shared[name] && a.OwnMemories != strings.HasPrefix(name, "U85.") {
					continue
				}
				old := reflect.ValueOf(f.Interface())
				f.SetZero()
				if err := estimate(&whole); err == nil || !strings.Contains(err.Error(), "ethos-u55-32, ethos-u55-64") {
					t.Errorf("%s without %s: error is %v", a.Name, name, err)
				}
				f.Set(old)
			}
		}
		walk(reflect.ValueOf(&whole).Elem(), "")
	}
}

func TestUnknownAccelerators(t *testing.T) {
	for _, name := range []string{"", "ethos-u55-512", "ethos-u85-64", "ETHOS-U55-128"} {
		if a, err := ethosu.ParseAccelerator(name); a != nil || err == nil || !strings.Contains(err.Error(), "ethos-u65-512") {
			t.Errorf("%q is %v, %v", name, a, err)
		}
	}
	if a, err := ethosu.AcceleratorOf(0x20003008); a != nil || err == nil || !strings.Contains(err.Error(), "0x20003008") {
		t.Errorf("%v, %v", a, err)
	}
}
