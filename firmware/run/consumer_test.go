// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// consumer is somebody's own project: it adds two models, in C and in C++, and has
// toolchain, options and port of its own.
const consumer = `cmake_minimum_required(VERSION 3.20)
project(product C CXX)
FIND
if(CMAKE_BUILD_TYPE)
  message(FATAL_ERROR "the build type has become ${CMAKE_BUILD_TYPE}")
endif()
foreach(language c cpp)
  add_executable(app_${language} app.${language} port.c)
  target_link_libraries(app_${language} PRIVATE unroll::first_model unroll::the_second_model_of_a_product)
endforeach()
`

// consumerPort is the least that the driver needs.
const consumerPort = `#include "npu_port.h"
#include "npu_driver.h"
void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) { (void)address; (void)bytes; }
void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) { (void)address; (void)bytes; }
void unroll_npu_port_barrier(void) {}
int unroll_npu_port_reachable(uintptr_t address, size_t bytes) { (void)address; (void)bytes; return 1; }
uint32_t unroll_npu_port_ticks(void) { static uint32_t now; return now++; }
void unroll_npu_port_wait(const volatile uint32_t *done) { (void)done; }
void unroll_npu_port_irq_enable(struct unroll_npu *npu) { (void)npu; }
`

const consumerApp = `#include "first_model.h"
#include "the_second_model_of_a_product.h"
FIRST_MODEL_ARENA_DEFINE(first_arena);
THE_SECOND_MODEL_OF_A_PRODUCT_ARENA_DEFINE(second_arena);
static unroll_npu npu;
static first_model_context first;
static the_second_model_of_a_product_context second;
int main() {
    if (unroll_npu_init(&npu, 0x50004000u, UNROLL_NPU_PRIVILEGED) != UNROLL_NPU_OK ||
        first_model_init(&first, &npu, first_arena) != FIRST_MODEL_OK) {
        return 1;
    }
    return the_second_model_of_a_product_init(&second, &npu, second_arena) != THE_SECOND_MODEL_OF_A_PRODUCT_OK;
}
`

// TestConsumer builds the two models inside of somebody's own project: added as
// folders, fetched, and installed and found; for a Cortex-M7 and for this machine.
// Both applications must link at once, with nothing of ours in the way they compile.
func TestConsumer(t *testing.T) {
	for _, tool := range []string{"cmake", "ninja", "g++"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: a consumer's build is not proven: %v", err)
		}
	}
	root := t.TempDir()
	for name, content := range map[string]string{"port.c": consumerPort, "app.c": consumerApp, "app.cpp": consumerApp} {
		writeFile(t, filepath.Join(root, name), content)
	}
	g := readModel(t, "gru16_t4")
	for _, prefix := range []string{"first_model", "the_second_model_of_a_product"} {
		if err := generate(t, project(t, g, "ethos-u55-128", prefix, 1)).WriteTo(filepath.Join(root, prefix), false); err != nil {
			t.Fatal(err)
		}
	}
	cmake := func(t *testing.T, args ...string) {
		t.Helper()
		cmd := exec.Command("cmake", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cmake %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	build := func(t *testing.T, name, find string, args ...string) {
		t.Helper()
		writeFile(t, filepath.Join(root, "CMakeLists.txt"), strings.Replace(consumer, "FIND", find, 1))
		dir := filepath.Join(root, "build", name)
		cmake(t, append([]string{"-S", root, "-B", dir, "-G", "Ninja", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"}, args...)...)
		cmake(t, "--build", dir)
		var commands []struct{ Command, File string }
		b, err := os.ReadFile(filepath.Join(dir, "compile_commands.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &commands); err != nil || len(commands) == 0 {
			t.Fatalf("%d commands: %v", len(commands), err)
		}
		for _, c := range commands {
			for _, ours := range []string{"-Werror", "-fstack-usage", "-fcallgraph-info", "-Os", "NPU_MMIO_EXTERN", "UNROLL_"} {
				if strings.Contains(c.Command, ours) {
					t.Errorf("%s is compiled with %s, which nobody asked for: %s", c.File, ours, c.Command)
				}
			}
		}
	}
	const added = "add_subdirectory(first_model)\nadd_subdirectory(the_second_model_of_a_product)"
	t.Run("add_subdirectory", func(t *testing.T) {
		if _, err := exec.LookPath("arm-none-eabi-g++"); err != nil {
			t.Skipf("SKIPPED: %v", err)
		}
		if lib, err := exec.Command("arm-none-eabi-g++", "-print-file-name=libstdc++.a").Output(); err != nil || !strings.Contains(string(lib), "/") {
			t.Skip("SKIPPED: arm-none-eabi-g++ has no libstdc++ (Debian: libstdc++-arm-none-eabi-newlib)")
		}
		build(t, "arm", added, "-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_C_COMPILER=arm-none-eabi-gcc", "-DCMAKE_CXX_COMPILER=arm-none-eabi-g++",
			"-DCMAKE_C_FLAGS=-mcpu=cortex-m7 -mthumb", "-DCMAKE_CXX_FLAGS=-mcpu=cortex-m7 -mthumb -fno-exceptions", "-DCMAKE_EXE_LINKER_FLAGS=--specs=nosys.specs -Wl,--gc-sections",
			"-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY")
	})
	// A product that takes one of the project's boards, too: what it sets is not to be overwritten.
	t.Run("board", func(t *testing.T) {
		if _, err := exec.LookPath("arm-none-eabi-gcc"); err != nil {
			t.Skipf("SKIPPED: %v", err)
		}
		writeFile(t, filepath.Join(root, "product", "CMakeLists.txt"), `cmake_minimum_required(VERSION 3.20)
project(product C)
set(UNROLL_TARGET corstone300-fvp)
set(UNROLL_STACK_BYTES 2048)
add_subdirectory(../first_model first_model)
add_executable(app ../first_model/app/main.c ../first_model/app/golden.c)
target_include_directories(app PRIVATE ../first_model/app)
unroll_executable(app)
target_link_libraries(app PRIVATE unroll::first_model)
file(GENERATE OUTPUT options.txt CONTENT "$<TARGET_PROPERTY:app,LINK_OPTIONS>")
`)
		dir := filepath.Join(root, "build", "board")
		cmake(t, "-S", filepath.Join(root, "product"), "-B", dir, "-G", "Ninja", "--toolchain", filepath.Join(root, "first_model", "cmake", "arm-none-eabi-gcc.cmake"))
		cmake(t, "--build", dir)
		if text, err := os.ReadFile(filepath.Join(dir, "options.txt")); err != nil || !strings.Contains(string(text), "UNROLL_STACK_BYTES=2048") {
			t.Errorf("the stack is another one: %s %v", text, err)
		}
	})
	t.Run("FetchContent", func(t *testing.T) {
		build(t, "fetch", `include(FetchContent)
FetchContent_Declare(first SOURCE_DIR "${CMAKE_SOURCE_DIR}/first_model")
FetchContent_Declare(second SOURCE_DIR "${CMAKE_SOURCE_DIR}/the_second_model_of_a_product")
FetchContent_MakeAvailable(first second)`)
	})
	t.Run("find_package", func(t *testing.T) {
		installed := filepath.Join(root, "installed")
		for _, prefix := range []string{"first_model", "the_second_model_of_a_product"} {
			writeFile(t, filepath.Join(root, "one", "CMakeLists.txt"), "cmake_minimum_required(VERSION 3.20)\nproject(one C)\nadd_subdirectory(../"+prefix+" model)\n")
			dir := filepath.Join(root, "build", "install", prefix)
			cmake(t, "-S", filepath.Join(root, "one"), "-B", dir, "-G", "Ninja", "-DCMAKE_INSTALL_PREFIX="+installed)
			cmake(t, "--build", dir)
			cmake(t, "--install", dir)
		}
		build(t, "find", "find_package(first_model REQUIRED)\nfind_package(the_second_model_of_a_product REQUIRED)", "-DCMAKE_PREFIX_PATH="+installed)
	})
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
