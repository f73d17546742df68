// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
)

// systems are the operating systems that the NPU has a port for, with the interface of
// each over the same small kernel of testdata/rtos, which preempts at every tick.
var systems = []struct {
	name    string
	define  string
	port    string   // of the project
	headers string   // below testdata/rtos
	extra   []string // likewise
	without []string // files of the board whose place the port takes
	target  string   // the port in CMake
	task    string   // the example of a project
}{
	{"FreeRTOS", "USE_FREERTOS", "rtos/npu_rtos_freertos.c", "freertos", nil, nil, "unroll_npu_freertos", "tasks_freertos"},
	{"CMSIS-RTOS2", "USE_CMSIS", "rtos/npu_rtos_cmsis.c", "cmsis", nil, nil, "unroll_npu_cmsis", "tasks_rtos2"},
	{"Zephyr", "USE_ZEPHYR", "zephyr/npu_port_zephyr.c", "zephyr", []string{"zephyr.c"},
		[]string{"platform/corstone300/npu_port_corstone300.c", "platform/corstone300/clock_corstone300.c"}, "", ""},
}

// addSystem makes the driver's test program in a folder a task of an operating system.
func addSystem(dir, name, define string) error {
	root, err := filepath.Abs(filepath.Join("testdata", "rtos"))
	if err != nil {
		return err
	}
	cmake := filepath.Join(dir, "CMakeLists.txt")
	text, err := os.ReadFile(cmake)
	if err != nil {
		return err
	}
	for _, s := range systems {
		if s.name != name {
			continue
		}
		port, init := s.port, " SELFTEST_RTOS "
		if s.without != nil {
			port, init = filepath.Join(root, "..", "..", "..", "..", "templates", "project", s.port+".tmpl"), " "
			if err := os.Symlink(port, filepath.Join(dir, "port.c")); err != nil {
				return err
			}
			port = "port.c"
		}
		text = append(text, "\ntarget_sources(fw PRIVATE "+port+" "+filepath.Join(root, "test_kernel.c")+" "+filepath.Join(root, "selftest.c")...)
		for _, f := range s.extra {
			text = append(text, " "+filepath.Join(root, f)...)
		}
		text = append(text, ")\ntarget_include_directories(fw PRIVATE rtos "+root+" "+filepath.Join(root, s.headers)+")\n"+
			"target_compile_definitions(fw PRIVATE "+s.define+init+define+")\ntarget_compile_options(fw PRIVATE -Wno-error)\n"+
			"set_source_files_properties(app/main.c PROPERTIES COMPILE_DEFINITIONS main=selftest_main)\n"...)
		for _, f := range s.without {
			board := filepath.Join(dir, "platform", "qemu", "board.cmake")
			before, err := os.ReadFile(board)
			if err != nil {
				return err
			}
			after := strings.Replace(string(before), "    \"${UNROLL_ROOT}/"+f+"\"\n", "", 1)
			if after == string(before) {
				return fmt.Errorf("%s has no %s", board, f)
			}
			if err := os.WriteFile(board, []byte(after), 0o666); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(cmake, text, 0o666)
}

// TestSystems runs three tasks with two models on one NPU, under every operating system
// that has a port, on the Cortex-M55 of QEMU: an interrupt after more than a tick, so
// that tasks meet at the mutex, and at once. Without the mutex, without the semaphore's
// being given and without the port's initialisation the same program must fail.
func TestSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	tree, one := twoModels(t)
	root, err := filepath.Abs(filepath.Join("testdata", "rtos"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadFile(filepath.Join(root, "app.c"))
	if err != nil {
		t.Fatal(err)
	}
	tree["app/main.c"] = files
	build := func(t *testing.T, system int, delay uint64, damage func(codegen.Tree), defines string) *run.Report {
		t.Helper()
		s := systems[system]
		own := codegen.Tree{}
		for path, text := range tree {
			own[path] = text
		}
		cmake := string(own["CMakeLists.txt"]) + "\ntarget_sources(fw PRIVATE " + s.port + " " + filepath.Join(root, "test_kernel.c")
		for _, f := range s.extra {
			cmake += " " + filepath.Join(root, f)
		}
		cmake += ")\ntarget_include_directories(fw PRIVATE rtos " + root + " " + filepath.Join(root, s.headers) + ")\n" +
			"target_compile_definitions(fw PRIVATE " + s.define + " " + defines + ")\ntarget_compile_options(fw PRIVATE -Wno-error)\n"
		own["CMakeLists.txt"] = []byte(cmake)
		board := "platform/qemu/board.cmake"
		for _, f := range s.without {
			before := string(own[board])
			own[board] = []byte(strings.Replace(before, "    \"${UNROLL_ROOT}/"+f+"\"\n", "", 1))
			if before == string(own[board]) {
				t.Fatalf("%s has no %s", board, f)
			}
		}
		if damage != nil {
			damage(own)
		}
		dir := filepath.Join(t.TempDir(), "fw")
		for _, path := range own.Paths() {
			writeFile(t, filepath.Join(dir, filepath.FromSlash(path)), string(own[path]))
		}
		return runProject(t, run.Options{Dir: dir, On: "qemu", Accel: one.Program.Accel, Delay: func() uint64 { return delay }})
	}
	for i, s := range systems {
		t.Run(s.name, func(t *testing.T) {
			for _, delay := range []uint64{0, 50000} {
				report := build(t, i, delay, nil, "")
				if !report.Pass || report.Calls != 120 || report.Link.Interrupts != 120 {
					t.Errorf("delay %d: pass=%v calls=%d exit=%d problem=%q console:\n%s", delay, report.Pass, report.Calls, report.Exit, report.Problem, report.Console)
				}
			}
		})
	}
	for i, s := range systems[:2] {
		t.Run(s.name+" suspended", func(t *testing.T) {
			if report := build(t, i, 50000, nil, "HELD"); !report.Pass || report.Calls != 120 || report.Link.Interrupts != 120 {
				t.Errorf("pass=%v calls=%d exit=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Exit, report.Problem, report.Console)
			}
		})
	}
	replace := func(t *testing.T, file, old, new string) func(codegen.Tree) {
		return func(tree codegen.Tree) {
			text := string(tree[file])
			if !strings.Contains(text, old) {
				t.Fatalf("%s has no %s", file, old)
			}
			tree[file] = []byte(strings.Replace(text, old, new, 1))
		}
	}
	for _, c := range []struct {
		name, define string
		damage       func(codegen.Tree)
	}{
		{"no mutex", "", replace(t, systems[0].port, "return xSemaphoreTakeRecursive(slot->turn, scheduling() ? portMAX_DELAY : 0u) == pdTRUE;", "return 1;")},
		{"not initialised", "NO_RTOS_INIT", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if report := build(t, 0, 50000, c.damage, c.define); report.Pass {
				t.Error("nobody noticed")
			}
		})
	}
}

// TestExamples builds and runs what a project gives to be copied: a stream with every
// answer looked at, asynchronous use, low power, and two tasks of each operating system.
func TestExamples(t *testing.T) {
	g := readModel(t, "gru32x40_stream")
	for name, p := range map[string]codegen.Project{
		"stream":   project(t, g, "ethos-u55-128", "gru", 9),
		"sequence": sequenceProject(t, g, "ethos-u55-128", "gru", compile.SequenceOptions{Steps: 4}, 9),
	} {
		tree := generate(t, p)
		dir := write(t, tree)
		for _, example := range []string{"stream", "async", "low_power"} {
			for _, on := range []string{"host", "qemu"} {
				if on == "qemu" && (testing.Short() || name == "sequence") {
					continue
				}
				t.Run(name+"/"+example+"/"+on, func(t *testing.T) {
					report := runProject(t, run.Options{Dir: dir, On: on, Example: example, Accel: p.Program.Accel, PlainCC: true, Sanitize: on == "host",
						Delay: func() uint64 { return 3000 }})
					if !report.Pass || report.Calls != 9 {
						t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
					}
				})
			}
		}
	}
	t.Run("no such", func(t *testing.T) {
		p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 1)
		_, err := run.Build(t.Context(), run.Options{Dir: write(t, generate(t, p)), On: "host", Example: "tasks_freertos"})
		if err == nil || !strings.Contains(err.Error(), "expected one of async, low_power, stream") {
			t.Errorf("%v", err)
		}
	})
	for _, s := range systems {
		if s.task == "" {
			continue
		}
		t.Run(s.task, func(t *testing.T) {
			if testing.Short() {
				t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
			}
			p := project(t, g, "ethos-u55-128", "gru", 20)
			tree := generate(t, p)
			root, err := filepath.Abs(filepath.Join("testdata", "rtos"))
			if err != nil {
				t.Fatal(err)
			}
			tree["CMakeLists.txt"] = append(tree["CMakeLists.txt"], "\nadd_executable(example_tasks EXCLUDE_FROM_ALL examples/"+s.task+".c app/golden.c "+root+"/test_kernel.c)\n"+
				"target_include_directories(example_tasks PRIVATE app "+root+" "+root+"/"+s.headers+")\nunroll_executable(example_tasks)\n"+
				"target_link_libraries(example_tasks PRIVATE gru unroll::"+s.target+")\ntarget_compile_definitions(example_tasks PRIVATE KERNEL_SYSCALL_PRIORITY=0x20)\ntarget_compile_options(example_tasks PRIVATE -Wno-error)\n"...)
			tree["examples/tasks.c"] = nil // what run looks for
			dir := filepath.Join(t.TempDir(), "fw")
			for _, path := range tree.Paths() {
				writeFile(t, filepath.Join(dir, filepath.FromSlash(path)), string(tree[path]))
			}
			report := runProject(t, run.Options{Dir: dir, On: "qemu", Example: "tasks", Accel: p.Program.Accel, Delay: func() uint64 { return 40000 }})
			if !report.Pass || report.Calls != 40 {
				t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
			}
		})
	}
}
