// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// zephyrStubs stand in for the build functions of Zephyr that the module calls: they
// print what a build would be told.
const zephyrStubs = `cmake_minimum_required(VERSION 3.20)
foreach(name zephyr_library_named zephyr_library_sources zephyr_include_directories zephyr_compile_definitions zephyr_linker_sources)
  cmake_language(EVAL CODE "function(${name})\n  foreach(a IN LISTS ARGN)\n    message(STATUS \"${name} [\${a}]\")\n  endforeach()\nendfunction()")
endforeach()
include(${CMAKE_CURRENT_LIST_DIR}/CMakeLists.txt)
`

// zephyrScript is a linker script like Zephyr's for a board with tightly coupled
// memories: it takes constants and variables into these by wildcards.
const zephyrScript = `MEMORY
{
  ITCM (rx) : ORIGIN = 0x10000000, LENGTH = 512K
  SRAM (rw) : ORIGIN = 0x11000000, LENGTH = 1M
  DTCM (rw) : ORIGIN = 0x30000000, LENGTH = 512K
  ISRAM (rw) : ORIGIN = 0x31000000, LENGTH = 2M
}
SECTIONS
{
  .text : { *(.text .text.* .rodata .rodata.*) } > ITCM
  .datas : { *(.data .data.*) } > DTCM
  .bss : { *(.bss .bss.* COMMON) } > DTCM
SNIPPETS
}
`

// zephyrScript320 is one like Zephyr's for a board whose image lies in memories that the
// NPU reaches: the devicetree chose them for constants and variables, under their names.
// What a module adds stands in front of the symbol that ends the image.
const zephyrScript320 = `MEMORY
{
  FLASH (rx) : ORIGIN = 0x31000000, LENGTH = 4M
  RAM (rw) : ORIGIN = 0x12000000, LENGTH = 2M
  SRAM (rw) : ORIGIN = 0x12000000, LENGTH = 2M
  ISRAM (rw) : ORIGIN = 0x31000000, LENGTH = 4M
  OTHER (rw) : ORIGIN = 0x21000000, LENGTH = 2M
}
SECTIONS
{
  __rom_region_start = ORIGIN(FLASH);
  .text : { *(.text .text.*) } > FLASH
  .rodata : { *(.rodata .rodata.*) } > FLASH
  __rom_region_end = .;
  _image_ram_start = ORIGIN(RAM);
  .datas : { *(.data .data.*) } > RAM
  .bss : { *(.bss .bss.* COMMON) } > RAM
SNIPPETS
  .last_ram_section : { _image_ram_end = .; } > RAM
}
`

// zephyrDefault is what an option of a module's Kconfig is when nobody sets it.
func zephyrDefault(t *testing.T, module, option string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "Kconfig"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "config "+option+"\n")
	m := regexp.MustCompile(`(?m)^\tdefault "(.*)"$`).FindStringSubmatch(after)
	if m == nil {
		t.Fatalf("Kconfig has no default of %s", option)
	}
	return m[1]
}

// TestZephyrPlacement runs the module's CMake, with stubs for Zephyr's functions, and
// links as that says: model and arena must be in memories that the NPU reaches, and a
// region that is too small must be an error with a remedy.
func TestZephyrPlacement(t *testing.T) {
	for _, tool := range []string{"cmake", "arm-none-eabi-gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: the Zephyr module is not linked: %v", err)
		}
	}
	for _, c := range []struct {
		accel, script string
		places        map[string]uint64
	}{
		{"ethos-u55-128", zephyrScript, map[string]uint64{".unroll_model": 0x11000000, ".unroll_arena": 0x31000000}},
		{"ethos-u85-256", zephyrScript320, map[string]uint64{".rodata": 0x31000000, ".bss": 0x12000000}},
	} {
		t.Run(c.accel, func(t *testing.T) { zephyrPlacement(t, c.accel, c.script, c.places) })
	}
}

// zephyrBuild is what the module's CMake asks of Zephyr: arguments for the compiler, and
// what is added to the linker script.
func zephyrBuild(t *testing.T, module, model, arena string) (args []string, snippets string) {
	t.Helper()
	cmd := exec.Command("cmake", "-DCONFIG_GRU=y", "-DCONFIG_UNROLL_NPU_MODEL_REGION="+model, "-DCONFIG_UNROLL_NPU_ARENA_REGION="+arena, "-P", "stubs.cmake")
	cmd.Dir = module
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args = []string{"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-std=c11", "-O1"}
	for _, line := range strings.Split(string(out), "\n") {
		call, arg, _ := strings.Cut(strings.TrimPrefix(line, "-- "), " [")
		arg = strings.TrimSuffix(arg, "]")
		switch {
		case call == "zephyr_compile_definitions":
			args = append(args, "-D"+arg)
		case call == "zephyr_include_directories":
			args = append(args, "-I"+arg)
		case call == "zephyr_library_sources" && !strings.HasSuffix(arg, "zephyr.c"): // needs Zephyr's headers
			args = append(args, arg)
		case call == "zephyr_linker_sources" && strings.HasSuffix(arg, ".ld"):
			text, err := os.ReadFile(arg)
			if err != nil {
				t.Fatal(err)
			}
			snippets += string(text)
		}
	}
	return args, snippets
}

func zephyrPlacement(t *testing.T, accel, script string, places map[string]uint64) {
	dir := write(t, generate(t, project(t, readModel(t, "gru16_t4"), accel, "gru", 1)))
	module := filepath.Join(dir, "zephyr")
	writeFile(t, filepath.Join(module, "stubs.cmake"), zephyrStubs)
	var args []string
	var snippets string
	configure := func(model, arena string) {
		args, snippets = zephyrBuild(t, module, model, arena)
	}
	configure(zephyrDefault(t, module, "UNROLL_NPU_MODEL_REGION"), zephyrDefault(t, module, "UNROLL_NPU_ARENA_REGION"))
	if (snippets != "") != (places[".unroll_model"] != 0) {
		t.Errorf("the module adds sections where it should not, or none where it should:\n%s", snippets)
	}
	writeFile(t, filepath.Join(dir, "app.c"), strings.ReplaceAll(strings.SplitN(consumerApp, "THE_SECOND", 2)[0], "#include \"the_second_model_of_a_product.h\"\n", "")+
		"static unroll_npu npu;\nstatic first_model_context first;\nint main(void) { return first_model_init(&first, &npu, first_arena); }\n")
	app, err := os.ReadFile(filepath.Join(dir, "app.c"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "app.c"), strings.NewReplacer("first_model", "gru", "FIRST_MODEL", "GRU").Replace(string(app)))
	writeFile(t, filepath.Join(dir, "port.c"), consumerPort)
	link := func(script string) (string, error) {
		writeFile(t, filepath.Join(dir, "zephyr.ld"), strings.Replace(script, "SNIPPETS", snippets, 1))
		image := filepath.Join(dir, "zephyr.elf")
		argv := append(args[:len(args):len(args)], filepath.Join(dir, "app.c"), filepath.Join(dir, "port.c"), "-nostartfiles", "-Wl,-e,main",
			"--specs=nosys.specs", "-T", filepath.Join(dir, "zephyr.ld"), "-o", image)
		out, err := exec.Command("arm-none-eabi-gcc", argv...).CombinedOutput()
		return string(out), err
	}
	if out, err := link(script); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	image, err := elf.Open(filepath.Join(dir, "zephyr.elf"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	for name, start := range places {
		if s := image.Section(name); s == nil || s.Size == 0 || s.Addr>>20 != start>>20 {
			t.Errorf("%s is not in the memory at %#x: %+v", name, start, s)
		}
	}
	if script != zephyrScript {
		for _, region := range []string{"SRAM", "ISRAM"} {
			for option, regions := range map[string][2]string{"UNROLL_NPU_MODEL_REGION": {region, ""}, "UNROLL_NPU_ARENA_REGION": {"", region}} {
				configure(regions[0], regions[1])
				if out, err := link(script); err == nil || !strings.Contains(out, "leave CONFIG_"+option+" empty") {
					t.Errorf("%s in %s, where the image is: %v\n%s", option, region, err, out)
				}
			}
		}
		configure("OTHER", "OTHER")
		if out, err := link(script); err != nil {
			t.Errorf("in a memory beside the image: %v\n%s", err, out)
		}
		return
	}
	if out, err := link(strings.Replace(zephyrScript, "0x31000000, LENGTH = 2M", "0x31000000, LENGTH = 64", 1)); err == nil || !strings.Contains(out, "CONFIG_UNROLL_NPU_ARENA_REGION") {
		t.Errorf("an arena that does not fit: %v\n%s", err, out)
	}
}
