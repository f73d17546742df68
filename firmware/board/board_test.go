// SPDX-License-Identifier: Apache-2.0

package board

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/unroll-npu/unroll/testdata"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestWritten compares what is written from the manifests that come with unroll.
func TestWritten(t *testing.T) {
	boards, err := Builtin().All()
	if err != nil {
		t.Fatal(err)
	}
	var got txtar.Archive
	for _, b := range boards {
		tree, err := b.Tree()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"unroll_board.h", "memory-secure.ld", "memory-nonsecure.ld", "board.cmake"} {
			if text, ok := tree[Folder+"/"+b.Name+"/"+name]; ok {
				got.Files = append(got.Files, txtar.File{Name: b.Name + "/" + name, Data: text})
			}
		}
	}
	testdata.Recorded(t, "written.txtar", string(txtar.Format(&got)), *update)
}

// complete is a board that inherits nothing, as text so that cases can damage it.
const complete = `{"summary": "a board", "needs": "nothing", "toolchain": "cmake/arm-none-eabi-gcc.cmake", "linker_script": "b.ld",
	"cpu": {"name": "cortex-m55", "flags": ["-mcpu=cortex-m55"], "hz": 1000000, "interrupts": 64}, "npu": {"base": "0x40004000", "irq": 3},
	"memories": [
		{"name": "FLASH", "access": "rx", "secure": "0x08000000", "bytes": "2M", "npu_ports": [1]},
		{"name": "RAM", "access": "rw", "secure": "0x20000000", "bytes": "1M", "npu_ports": [0, 1]},
		{"name": "TCM", "access": "rw", "secure": "0x30000000", "bytes": "64K"}],
	"sections": {"code": "FLASH", "data": "TCM", "model": "FLASH", "arena": "RAM", "dram": "RAM"}}`

func open(t *testing.T, manifests map[string]string) *Set {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range manifests {
		files[name+"/"+ManifestName] = &fstest.MapFile{Data: []byte(text)}
		files[name+"/b.ld"] = &fstest.MapFile{}
		files[name+"/"+name+".c"] = &fstest.MapFile{}
	}
	s, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInherit(t *testing.T) {
	s := open(t, map[string]string{
		"base":  complete,
		"child": `{"summary": "c", "needs": "n", "inherits": "base", "cpu": {"hz": "2000000"}, "defines": {"A": "1"}, "memories": [{"name": "FLASH", "access": "rx", "secure": 0, "bytes": "1M", "npu_ports": [0]}, {"name": "RAM", "access": "rw", "secure": "512M", "bytes": "1M", "npu_ports": [0]}], "sections": {"data": "RAM"}}`,
		"grand": `{"summary": "g", "needs": "n", "inherits": "child", "without": ["base.c"], "defines": {"B": "2"}}`,
	})
	b, err := s.Get("grand")
	if err != nil {
		t.Fatal(err)
	}
	if b.On != "grand" || b.Target != "grand" || b.CPU.Hz != 2000000 || b.CPU.Name != "cortex-m55" || b.Script() != "platform/base/b.ld" {
		t.Errorf("%+v with script %s", b, b.Script())
	}
	if d := cmp.Diff(map[string]string{"A": "1", "B": "2"}, b.Defines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"platform/child/child.c", "platform/grand/grand.c"}, b.Sources()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"platform/grand", "platform/child", "platform/base", "platform"}, b.Includes()); d != "" {
		t.Error(d)
	}
	// A list that replaces another has nothing of it left.
	if m := b.Memories[1]; m.Name != "RAM" || len(m.Ports) != 1 || m.Secure != 1<<29 {
		t.Errorf("memory %+v", m)
	}
}

func TestManifestRefused(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"hz": 1000000`, `"herz": 1000000`, `line 2: unknown key "herz"`},
		{`"2M"`, `"2MB"`, `"2MB" is no address or size`},
		{`"needs": "nothing", `, ``, `"summary" and "needs"`},
		{`"toolchain": "cmake/arm-none-eabi-gcc.cmake", `, ``, `"toolchain" is empty`},
		{`"b.ld"`, `"c.ld"`, `c.ld`},
		{`"hz": 1000000`, `"hz": 0`, `no "hz"`},
		{`"hz": 1000000`, `"hz": 500`, `"hz" 500`},
		{`"hz": 1000000`, `"hz": "5G"`, `below 2^32`},
		{`"flags": ["-mcpu=cortex-m55"], `, ``, `no "flags"`},
		{`["-mcpu=cortex-m55"]`, `"-mcpu=cortex-m55"`, `line 2: "cpu.flags" is of the kind string: expected a list of texts`},
		{`"interrupts": 64`, `"interrupts": 481`, `481 "interrupts"`},
		{`"a board"`, `"a\nboard"`, `"summary" has several lines`},
		{`"needs"`, `"on": "my board", "needs"`, `"on" is "my board"`},
		{`"needs"`, `"target": "A", "needs"`, `"target" is "A"`},
		{`"needs"`, `"stands_in_for": "x", "needs"`, `"stands_in_for" names "x", which is no board: expected one of b`},
		{`"needs"`, `"shared": ["ittm"], "needs"`, `"shared" names "ittm": expected some of [itm link]`},
		{`"needs"`, `"general_registers": ["x.c"], "needs"`, `platform/b/x.c, which the project does not have`},
		{`"needs"`, `"defines": {"A B": "1"}, "needs"`, `"defines" has "A B"`},
		{`"needs"`, `"images": ["axf"], "needs"`, `"images" has "axf": expected some of [elf hex bin mps3]`},
		{`"needs"`, `"emulators": [{}], "needs"`, `without a "program"`},
		{`arm-none-eabi-gcc.cmake`, `mygcc.cmake`, `cmake/mygcc.cmake, which the project does not have`},
		{`"0x40004000"`, `"0x20001000"`, `memory RAM holds the address that the NPU's registers have`},
		{`"0x40004000"`, `"0x140004000"`, `below 4 GiB`},
		{`"0x08000000"`, `"0x08000100"`, `memory FLASH holds the code, and the vector table first: with 64 "interrupts" expected its address to be a multiple of 512`},
		{`"interrupts": 64`, `"interrupts": 480`, ``},
		{`"1M"`, `0`, `memory RAM has 0 bytes`},
		{`"npu_ports": [0, 1]`, `"npu_ports": ["0"]`, `"memories.npu_ports" is of the kind string`},
		{`"npu_ports": [0, 1]`, `"npu_ports": [0], "npu_windows": [["0x30000000", "1M"]]`, `none of which holds all of it`},
		{`"npu_ports": [0, 1]`, `"npu_ports": [0], "npu_windows": [["0x20000000", 0]]`, `"npu_windows" with 0 bytes`},
		{`"npu_ports": [0, 1]`, `"npu_windows": [["0x20000000", "1M"]]`, `no "npu_ports" that reach it`},
		{`"npu_ports": [0, 1]`, `"npu_ports": [0], "npu_offset": "0x100000000"`, `"npu_offset" 0x100000000`},
		{`"npu_ports": [0, 1]`, `"npu_ports": [0], "npu_offset": "0xF0000000"`, ``},
		{`"npu_ports": [0, 1]`, `"npu_ports": [0], "npu_ports": [1]`, `line 5: "npu_ports" is there twice`},
		{`"data": "TCM"`, `"data": "FLASH"`, `puts the data into FLASH, whose "access" is rx: expected w in it`},
		{`"code": "FLASH"`, `"code": "RAM"`, `puts the code into RAM, whose "access" is rw: expected x in it`},
		{`"dram": "RAM"}}`, `"dram": "RAM"}}}`, `line 7: something follows the manifest's closing brace`},
		{`"dram": "RAM"}}`, `"dram": "RAM"}`, `line 7: the manifest ends before its closing brace`},
		{`"dram": "RAM"}}`, `"dram": "RAM"},}`, `line 7: invalid character`},
		{`"0x40004000"`, `"0x40004004"`, `a multiple of 4096`},
		{`"irq": 3`, `"irq": 64`, `"irq" 64`},
		{`"irq": 3`, `"irq": 3, "products": ["ethos-u75"]`, `"products" with "ethos-u75"`},
		{`"irq": 3`, `"irq": 3, "products": ["ethos-u55-512"]`, `"products" with "ethos-u55-512"`},
		{`"secure": "0x20000000"`, `"secure": "0x08100000"`, `FLASH and RAM overlap`},
		{`"npu_ports": [0, 1]`, `"npu_ports": [2]`, `ports 0 and 1`},
		{`"arena": "RAM"`, `"arena": "TCM"`, `the NPU cannot reach it there`},
		{`"dram": "RAM"`, `"heap": "RAM"`, `puts dram into ""`},
		{`"secure": "0x30000000"`, `"secure": "0x30000000", "nonsecure": "0x10000000"`, `no "nonsecure_base"`},
		{`"access": "rx"`, `"access": "wx"`, `expected rx, rw or rwx`},
		{`"64K"}],`, `"64K"}], "without": ["x.c"],`, `which no inherited board has`},
		{`"64K"}],`, `"64K"}], "inherits": "none",`, `expected one of b`},
		{`"64K"}],`, `"64K"}], "inherits": "b",`, `inherits itself`},
		{complete, ` `, `is empty`},
		{complete, `[]`, `the manifest is of the kind array: expected an object`},
	} {
		text := strings.Replace(complete, c.old, c.new, 1)
		if text == complete {
			t.Fatalf("%s is not in the manifest", c.old)
		}
		_, err := open(t, map[string]string{"b": text}).Get("b")
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.new, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, expected %q in it", c.new, err, c.want)
		}
	}
}

func TestFor(t *testing.T) {
	for name, want := range map[string]string{"corstone300": "host qemu qemu-hook corstone300", "corstone320": "host qemu-320 corstone320", "qemu": "host qemu", "host": "host", "alif-e7-he": "host alif-e7-he"} {
		_, all, err := Project(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range all {
			got = append(got, b.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("a project for %s holds %v, expected %s", name, got, want)
		}
	}
	if _, _, err := Project("nothing"); err == nil || !strings.Contains(err.Error(), "host, qemu") {
		t.Error(err)
	}
}

// TestNames refuses boards of one project that cannot be told apart, and folders that would mix
// with a project's own.
func TestNames(t *testing.T) {
	for name, c := range map[string]struct{ dir, manifest, want string }{
		"on":     {"mine", `{"summary": "s", "needs": "n", "inherits": "qemu", "on": "host"}`, `have the same "on" (host) or "target" (mine)`},
		"target": {"mine", `{"summary": "s", "needs": "n", "inherits": "corstone300", "target": "host"}`, `have the same`},
		"folder": {"link", `{"summary": "s", "needs": "n", "inherits": "qemu"}`, `give the board's folder another name`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "with a space", c.dir)
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ManifestName), []byte(c.manifest), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Project(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, expected %q in it", err, c.want)
			}
		})
	}
}
