// SPDX-License-Identifier: Apache-2.0

package board

import (
	"flag"
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
	"cpu": {"name": "cortex-m55", "hz": 1000, "interrupts": 64}, "npu": {"base": "0x40004000", "irq": 3},
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
		"child": `{"summary": "c", "needs": "n", "inherits": "base", "cpu": {"hz": "2000"}, "defines": {"A": "1"}, "memories": [{"name": "FLASH", "access": "rx", "secure": 0, "bytes": "1M", "npu_ports": [0]}, {"name": "RAM", "access": "rw", "secure": "1G", "bytes": "1M", "npu_ports": [0]}], "sections": {"data": "RAM"}}`,
		"grand": `{"summary": "g", "needs": "n", "inherits": "child", "without": ["base.c"], "defines": {"B": "2"}}`,
	})
	b, err := s.Get("grand")
	if err != nil {
		t.Fatal(err)
	}
	if b.On != "grand" || b.Target != "grand" || b.CPU.Hz != 2000 || b.CPU.Name != "cortex-m55" || b.Script() != "platform/base/b.ld" {
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
	if m := b.Memories[1]; m.Name != "RAM" || len(m.Ports) != 1 || m.Secure != 1<<30 {
		t.Errorf("memory %+v", m)
	}
}

func TestManifestRefused(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"hz": 1000`, `"herz": 1000`, `unknown field "herz"`},
		{`"2M"`, `"2MB"`, `"2MB" is no address or size`},
		{`"needs": "nothing", `, ``, `"summary" and "needs"`},
		{`"toolchain": "cmake/arm-none-eabi-gcc.cmake", `, ``, `"toolchain" is empty`},
		{`"b.ld"`, `"c.ld"`, `c.ld`},
		{`"hz": 1000`, `"hz": 0`, `no "hz"`},
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
	} {
		text := strings.Replace(complete, c.old, c.new, 1)
		if text == complete {
			t.Fatalf("%s is not in the manifest", c.old)
		}
		if _, err := open(t, map[string]string{"b": text}).Get("b"); err == nil || !strings.Contains(err.Error(), c.want) {
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
