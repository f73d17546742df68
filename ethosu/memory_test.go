// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Which combinations are legal follows from the memories' roles, not from names.
func TestCheckMemory(t *testing.T) {
	want := map[string]string{
		"Ethos_U55_Deep_Embedded":     "Sram_Only Shared_Sram",
		"Ethos_U55_High_End_Embedded": "Sram_Only Shared_Sram",
		"Ethos_U65_Embedded":          "Sram_Only Shared_Sram",
		"Ethos_U65_Mid_End":           "Sram_Only Shared_Sram Dedicated_Sram Dedicated_Sram_512KB",
		"Ethos_U65_High_End":          "Sram_Only Shared_Sram Dedicated_Sram Dedicated_Sram_512KB",
		"Ethos_U65_Client_Server":     "Sram_Only Shared_Sram Dedicated_Sram Dedicated_Sram_512KB",
	}
	for _, low := range []string{"Flash_Low", "Flash_High"} {
		want["Ethos_U85_SYS_"+low] = "Sram_Only Shared_Sram"
	}
	for _, dram := range []string{"DRAM_Low", "DRAM_Mid", "DRAM_High"} {
		want["Ethos_U85_SYS_"+dram] = want["Ethos_U65_High_End"]
	}
	for i := range Accelerators {
		a := &Accelerators[i]
		for _, s := range SystemConfigs {
			var got []string
			for _, m := range MemoryModes {
				if CheckMemory(a, s, m) == nil {
					got = append(got, m.Name)
				}
			}
			expect := want[s.Name]
			if !a.Port1Writes {
				expect = "Sram_Only Shared_Sram" // its second port only reads
			}
			if strings.HasPrefix(s.Name, "Ethos_U85_") && !a.OwnMemories || s.Name == "Ethos_U85_SYS_DRAM_High" && a.MACs < 2048 {
				expect = "" // more ports than it has
			}
			if g := strings.Join(got, " "); g != expect {
				t.Errorf("%s, %s: legal modes %q, want %q", a.Name, s.Name, g, expect)
			}
		}
	}
}

func TestRegionMemory(t *testing.T) {
	s, err := ParseSystemConfig("Ethos_U65_High_End")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mode, memories string }{
		{"Sram_Only", "OnChipFlash Sram Sram"},
		{"Shared_Sram", "Dram Sram Sram"},
		{"Dedicated_Sram", "Dram Dram Sram"},
	} {
		m, err := ParseMemoryMode(c.mode)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r := range 3 {
			mem, _ := RegionMemory(s, m, r)
			got = append(got, mem.Name)
		}
		if g := strings.Join(got, " "); g != c.memories {
			t.Errorf("%s: regions 0, 1, 2 lie in %q, want %q", c.mode, g, c.memories)
		}
	}
}

func TestReadIni(t *testing.T) {
	text := `
; a board
[System_Config.Board]
core_clock=400e6
axi0_port=Sram
axi1_port=OffChipFlash
Sram_clock_scale=1.0
Sram_burst_length=32
Sram_read_latency=16
Sram_write_latency=16
Sram_max_reads=4
Sram_ports_used=1
OffChipFlash_clock_scale=0.25

[Memory_Mode.Own]
const_mem_area=Axi1
arena_mem_area=Axi0
cache_mem_area=Axi0

[Memory_Mode.Own_64KB]
inherit=Memory_Mode.Own
arena_cache_size=65536
`
	got, err := ReadIni("board.ini", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &Ini{
		Systems: []SystemConfig{{Name: "Board", Clock: 400e6,
			Axi0: Memory{Name: Sram, ClockScale: 1, Burst: 32, ReadLatency: 16, WriteLatency: 16, MaxReads: 4, MaxWrites: 8, Ports: 1},
			Axi1: Memory{Name: OffChipFlash, ClockScale: 0.25, Burst: 1, MaxReads: 2, Window: 400, Ports: 1}}},
		Modes: []MemoryMode{{Name: "Own", Const: 1}, {Name: "Own_64KB", Const: 1, CacheSize: 65536}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := got.System("Ethos_U55_Deep_Embedded"); err != nil {
		t.Errorf("built-in system configurations stay reachable: %v", err)
	}
}

func TestReadIniErrors(t *testing.T) {
	system := "[System_Config.A]\ncore_clock=1e6\naxi0_port=Sram\naxi1_port=Dram\n"
	for _, c := range []struct{ text, want string }{
		{"core_clock=1\n", "board.ini:1:"},
		{"[System_Config.A\n", "closing bracket"},
		{"[Other.A]\n", "expected [System_Config.NAME]"},
		{"[System_Config.A]\ncore_clock=1\naxi0_port=Sram\n", "no axi1_port"},
		{"[System_Config.A]\naxi0_port=Sram\naxi1_port=Dram\n", "no core_clock"},
		{system + "Dram_clock_scale=fast\n", `board.ini:5: [System_Config.A] Dram_clock_scale="fast"`},
		{system + "Dram_read_latency=NaN\n", "expected a number"},
		{system + system, "is there already, in line 1"},
		{"[Memory_Mode.A]\ninherit=Memory_Mode.B\n[Memory_Mode.B]\ninherit=Memory_Mode.A\n", "inherits from itself"},
		{"[Memory_Mode.A]\ninherit=Memory_Mode.B\n", "not in the file"},
		{system + "Dram_max_read=24\n", `board.ini:5: [System_Config.A] has no option "dram_max_read": expected one of inherit, core_clock`},
		{"[Memory_Mode.A]\nconst_mem_area=Axi1\nsram_size=5\n", `has no option "sram_size"`},
		{"[Memory_Mode.A]\nconst_mem_area=Axi2\n", "expected Axi0 or Axi1"},
	} {
		_, err := ReadIni("board.ini", strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
}
