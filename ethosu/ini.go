// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Ini is the content of a Vela-style configuration file.
type Ini struct {
	Systems []SystemConfig
	Modes   []MemoryMode
}

// System returns the named system configuration of the file, or else the built-in
// one of that name.
func (f *Ini) System(name string) (SystemConfig, error) {
	return pick("system configuration", name, slices.Concat(f.Systems, SystemConfigs), func(s SystemConfig) string { return s.Name })
}

// Mode returns the named memory mode of the file, or else the built-in one of that
// name.
func (f *Ini) Mode(name string) (MemoryMode, error) {
	return pick("memory mode", name, slices.Concat(f.Modes, MemoryModes), func(m MemoryMode) string { return m.Name })
}

type iniSection struct {
	name   string
	line   int
	values map[string]string
	lines  map[string]int
}

// ReadIni reads a configuration file in Vela's .ini form: sections named
// System_Config.NAME and Memory_Mode.NAME, which may inherit from one another.
// Options that a section leaves out count as in Vela: a clock scale of 1, bursts as long
// as the NPU makes them, no latency, one port; reads and writes under way are those of
// the memory's kind, and 0 of them stands for no limit. name appears in errors.
func ReadIni(name string, r io.Reader) (*Ini, error) {
	sections, err := scanIni(name, r)
	if err != nil {
		return nil, err
	}
	byName := map[string]*iniSection{}
	for _, s := range sections {
		if old := byName[s.name]; old != nil {
			return nil, fmt.Errorf("%s:%d: section [%s] is there already, in line %d; remove one", name, s.line, s.name, old.line)
		}
		byName[s.name] = s
	}
	out := &Ini{}
	for _, s := range sections {
		flat, err := flattenIni(name, s, byName)
		if err != nil {
			return nil, err
		}
		if short, ok := strings.CutPrefix(s.name, "System_Config."); ok {
			cfg, err := flat.system(name, short)
			if err != nil {
				return nil, err
			}
			out.Systems = append(out.Systems, cfg)
		} else if short, ok := strings.CutPrefix(s.name, "Memory_Mode."); ok {
			mode, err := flat.mode(name, short)
			if err != nil {
				return nil, err
			}
			out.Modes = append(out.Modes, mode)
		} else {
			return nil, fmt.Errorf("%s:%d: section [%s]: expected [System_Config.NAME] or [Memory_Mode.NAME]", name, s.line, s.name)
		}
	}
	return out, nil
}

func scanIni(name string, r io.Reader) ([]*iniSection, error) {
	var sections []*iniSection
	var cur *iniSection
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		switch {
		case line == "" || line[0] == ';' || line[0] == '#':
		case line[0] == '[':
			end := strings.IndexByte(line, ']')
			if end < 0 {
				return nil, fmt.Errorf("%s:%d: section header %q has no closing bracket", name, n, line)
			}
			cur = &iniSection{name: strings.TrimSpace(line[1:end]), line: n, values: map[string]string{}, lines: map[string]int{}}
			sections = append(sections, cur)
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || cur == nil {
				return nil, fmt.Errorf("%s:%d: %q: expected a [section] or key=value inside one", name, n, line)
			}
			key = strings.ToLower(strings.TrimSpace(key))
			cur.values[key], cur.lines[key] = strings.TrimSpace(value), n
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return sections, nil
}

// flattenIni resolves the inherit options of a section, nearest value first.
func flattenIni(file string, s *iniSection, byName map[string]*iniSection) (*iniSection, error) {
	flat := &iniSection{name: s.name, line: s.line, values: map[string]string{}, lines: map[string]int{}}
	seen := map[*iniSection]bool{}
	for p := s; p != nil; {
		if seen[p] {
			return nil, fmt.Errorf("%s:%d: section [%s] inherits from itself", file, s.line, s.name)
		}
		seen[p] = true
		for k, v := range p.values {
			if _, has := flat.values[k]; !has {
				flat.values[k], flat.lines[k] = v, p.lines[k]
			}
		}
		parent, ok := p.values["inherit"]
		if !ok {
			break
		}
		next := byName[parent]
		if next == nil {
			return nil, fmt.Errorf("%s:%d: section [%s] inherits from [%s], which is not in the file", file, p.lines["inherit"], p.name, parent)
		}
		p = next
	}
	return flat, nil
}

// systemKeys are the options of a system configuration.
func systemKeys() []string {
	keys := []string{"inherit", "core_clock", "axi0_port", "axi1_port"}
	for _, area := range []string{Sram, Dram, OnChipFlash, OffChipFlash} {
		for _, k := range []string{"clock_scale", "ports_used", "burst_length", "read_latency", "write_latency", "max_reads", "max_writes"} {
			keys = append(keys, area+"_"+k)
		}
	}
	return keys
}

// known refuses an option that would be left out of account.
func (s *iniSection) known(file string, keys []string) error {
	for _, k := range slices.Sorted(maps.Keys(s.values)) {
		if !slices.ContainsFunc(keys, func(known string) bool { return strings.EqualFold(known, k) }) {
			return fmt.Errorf("%s:%d: [%s] has no option %q: expected one of %s", file, s.lines[k], s.name, k, strings.Join(keys, ", "))
		}
	}
	return nil
}

func (s *iniSection) system(file, short string) (SystemConfig, error) {
	cfg := SystemConfig{Name: short}
	var err error
	number := func(key string, fallback float64) float64 {
		v, ok := s.values[strings.ToLower(key)]
		if !ok {
			return fallback
		}
		f, perr := strconv.ParseFloat(v, 64)
		// Written so that a NaN fails too.
		if (perr != nil || !(f >= 0 && f <= 1e12)) && err == nil {
			err = fmt.Errorf("%s:%d: [%s] %s=%q: expected a number that is not negative", file, s.lines[strings.ToLower(key)], s.name, key, v)
		}
		return f
	}
	port := func(key string) Memory {
		area, ok := s.values[key]
		if !ok {
			if err == nil {
				err = fmt.Errorf("%s:%d: [%s] has no %s", file, s.line, s.name, key)
			}
			return Memory{}
		}
		switch area {
		case Sram, Dram, OnChipFlash, OffChipFlash:
		default:
			if err == nil {
				err = fmt.Errorf("%s:%d: [%s] %s=%q: expected Sram, Dram, OnChipFlash or OffChipFlash", file, s.lines[key], s.name, key, area)
			}
		}
		m := kindOf(area)
		m.ClockScale = number(area+"_clock_scale", 1)
		m.Burst = int(number(area+"_burst_length", 1))
		m.ReadLatency = int(number(area+"_read_latency", 0))
		m.WriteLatency = int(number(area+"_write_latency", 0))
		m.MaxReads = int(number(area+"_max_reads", float64(m.MaxReads)))
		m.MaxWrites = int(number(area+"_max_writes", float64(m.MaxWrites)))
		m.Ports = int(number(area+"_ports_used", 1))
		return m
	}
	if err := s.known(file, systemKeys()); err != nil {
		return cfg, err
	}
	cfg.Clock = number("core_clock", 0)
	cfg.Axi0, cfg.Axi1 = port("axi0_port"), port("axi1_port")
	if err == nil && cfg.Clock == 0 {
		err = fmt.Errorf("%s:%d: [%s] has no core_clock", file, s.line, s.name)
	}
	return cfg, err
}

func (s *iniSection) mode(file, short string) (MemoryMode, error) {
	m := MemoryMode{Name: short}
	if err := s.known(file, []string{"inherit", "const_mem_area", "arena_mem_area", "cache_mem_area", "arena_cache_size", "cache_sram_size"}); err != nil {
		return m, err
	}
	for _, area := range []struct {
		key  string
		port *int
	}{{"const_mem_area", &m.Const}, {"arena_mem_area", &m.Arena}, {"cache_mem_area", &m.Cache}} {
		switch v := s.values[area.key]; v {
		case "Axi0":
			*area.port = 0
		case "Axi1":
			*area.port = 1
		default:
			return m, fmt.Errorf("%s:%d: [%s] %s=%q: expected Axi0 or Axi1", file, s.line, s.name, area.key, v)
		}
	}
	// cache_sram_size is the option's name in older files.
	for _, key := range []string{"cache_sram_size", "arena_cache_size"} {
		v, ok := s.values[key]
		if !ok {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return m, fmt.Errorf("%s:%d: [%s] %s=%q: expected a number of bytes", file, s.lines[key], s.name, key, v)
		}
		m.CacheSize = n
	}
	return m, nil
}
