// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower/budget"
)

// npuFlags choose the accelerator and its memories.
type npuFlags struct {
	set                         *pflag.FlagSet
	accel, system, mode, config string
	sramBudget, targetSRAM      int
	weights                     string
}

// npuFlagNames are the flags that npuFlags defines.
var npuFlagNames = []string{"accel", "system-config", "memory-mode", "config", "sram-budget", "target-sram", "weights"}

func (n *npuFlags) add(f *pflag.FlagSet) {
	n.set = f
	f.StringVar(&n.accel, "accel", "ethos-u55-128", "accelerator: "+strings.Join(ethosu.AcceleratorNames(), ", "))
	f.StringVar(&n.system, "system-config", "", "memories behind the NPU, by Vela's names (default: Ethos_U55_High_End_Embedded, Ethos_U65_High_End or Ethos_U85_SYS_DRAM_Low)")
	f.StringVar(&n.mode, "memory-mode", "Shared_Sram", "Sram_Only, Shared_Sram or Dedicated_Sram")
	f.StringVar(&n.config, "config", "", "file in Vela's .ini form with more system configurations and memory modes")
	f.IntVar(&n.sramBudget, "sram-budget", 0, "most bytes of SRAM to use (default: what the memory mode has)")
	f.IntVar(&n.targetSRAM, "target-sram", 0, "bytes of SRAM that the part has for the network: the default takes no more (default: what the memory mode, or with --board the board, has)")
	f.StringVar(&n.weights, "weights", "flash", "where the constants live when a call starts: flash, or sram (the firmware copies them once at boot)")
}

// options resolves the names; every mistake in them is a usage error.
func (n *npuFlags) options() (compile.Options, error) {
	var o compile.Options
	var err error
	if o.Accel, err = ethosu.ParseAccelerator(n.accel); err != nil {
		return o, usagef("--accel: %v", err)
	}
	o.System, o.Mode = ethosu.DefaultSystemConfig(o.Accel), ethosu.DefaultMemoryMode()
	if err := n.memories(o.Accel, &o.System, &o.Mode); err != nil {
		return o, err
	}
	if n.sramBudget < 0 {
		return o, usagef("--sram-budget %d: expected bytes, or 0 for what the memory mode has", n.sramBudget)
	}
	if n.targetSRAM < 0 {
		return o, usagef("--target-sram %d: expected bytes", n.targetSRAM)
	}
	if n.sramBudget > 0 && n.targetSRAM > 0 && n.sramBudget > n.targetSRAM {
		return o, usagef("--sram-budget %d is more than --target-sram %d", n.sramBudget, n.targetSRAM)
	}
	if o.SRAMBudget = n.sramBudget; o.SRAMBudget == 0 {
		o.SRAMBudget = n.targetSRAM
	}
	o.WeightsInSRAM, err = choose("--weights", n.weights, map[string]bool{"flash": false, "sram": true})
	return o, err
}

// memories replaces the memories of a program by those that flags name.
func (n *npuFlags) memories(a *ethosu.Accelerator, s *ethosu.SystemConfig, m *ethosu.MemoryMode) error {
	system, mode := ethosu.ParseSystemConfig, ethosu.ParseMemoryMode
	if n.config != "" {
		file, err := budget.ReadFile(n.config)
		if err != nil {
			return err
		}
		ini, err := ethosu.ReadIni(n.config, bytes.NewReader(file))
		if err != nil {
			return err
		}
		system, mode = ini.System, ini.Mode
	}
	var err error
	if n.system != "" {
		if *s, err = system(n.system); err != nil {
			return usagef("--system-config: %v", err)
		}
	}
	if n.mode != "" {
		if *m, err = mode(n.mode); err != nil {
			return usagef("--memory-mode: %v", err)
		}
	}
	if err := ethosu.CheckMemory(a, *s, *m); err != nil {
		return usageError{err.Error()}
	}
	return nil
}

// given is memories for a program that is compiled already: what no flag names stays.
func (n *npuFlags) given(a *ethosu.Accelerator, s *ethosu.SystemConfig, m *ethosu.MemoryMode) error {
	only := *n
	if !n.set.Changed("memory-mode") {
		only.mode = ""
	}
	return only.memories(a, s, m)
}

// settings are the choices as the manifest records them.
func (n *npuFlags) settings() map[string]string {
	return map[string]string{"accel": n.accel, "system-config": n.system, "memory-mode": n.mode, "weights": n.weights}
}
