// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/lower/fault"
)

// BuildError is a compiler or build system that did not succeed.
type BuildError struct {
	Command string
	Output  string // its last lines
	Err     error
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("%s: %v\n%s", e.Command, e.Err, e.Output)
}

func (e *BuildError) Unwrap() error { return e.Err }

// Build compiles and links the project for opt.On and returns the path of the
// image. For this machine a C compiler is enough; CMake is used when it is here.
func Build(ctx context.Context, opt Options) (string, error) {
	if err := checkProject(opt.Dir); err != nil {
		return "", err
	}
	if err := opt.checkExample(); err != nil {
		return "", err
	}
	t, err := findBoard(opt.Dir, opt.On)
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return "", err
	}
	build, err := filepath.Abs(opt.buildDir(t))
	if err != nil {
		return "", err
	}
	if !t.Host() && opt.Toolchain != "" {
		t.Toolchain = opt.Toolchain
	}
	fresh := opt.Fresh && opt.BuildDir == ""
	if fresh {
		if err := unlink(build); err != nil {
			return "", fmt.Errorf("what is left of an earlier build: %w", err)
		}
	}
	held, err := hold(ctx, build, patience, opt.say)
	if err != nil {
		return "", err
	}
	defer func() {
		release(held, ctx.Err() == nil)
	}()
	if fresh {
		if err := empty(build); err != nil {
			return "", fmt.Errorf("what is left of an earlier build: %w", err)
		}
	}
	opt.say("building for " + t.Name)
	if err := compile(ctx, opt, t, dir, build, held); err != nil {
		return "", err
	}
	return filepath.Join(opt.buildDir(t), opt.image(t)), nil
}

// image is the file name of the linked program.
func (o *Options) image(b *board.Board) string {
	if o.Example == "" {
		return b.Image()
	}
	return o.target() + strings.TrimPrefix(b.Image(), "fw")
}

// target is what CMake calls the program.
func (o *Options) target() string {
	if o.Example == "" {
		return "fw"
	}
	return "example_" + o.Example
}

// checkExample refuses a name that no example of the project has.
func (o *Options) checkExample() error {
	if o.Example == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(o.Dir, "examples", "*.c"))
	if err != nil {
		return err
	}
	var names []string
	for _, f := range found {
		name := strings.TrimSuffix(filepath.Base(f), ".c")
		if strings.HasPrefix(name, "tasks_") {
			continue // these need an operating system
		}
		if name == o.Example {
			return nil
		}
		names = append(names, name)
	}
	return fmt.Errorf("%s has no example %q: expected one of %s", o.Dir, o.Example, strings.Join(names, ", "))
}

func compile(ctx context.Context, opt Options, t *board.Board, dir, build string, held *os.File) error {
	if t.Host() {
		if _, err := Find(toolCC); err != nil {
			return err
		}
		_, noCMake := Find(toolCMake)
		_, noNinja := Find(toolNinja)
		if opt.PlainCC || noCMake != nil || noNinja != nil {
			return plainCC(ctx, opt, t, dir, build, held)
		}
	}
	return withCMake(ctx, opt, t, dir, build, held)
}

func withCMake(ctx context.Context, opt Options, t *board.Board, dir, build string, held *os.File) error {
	need := []string{toolCMake, toolNinja}
	if !t.Host() {
		need = append(need, toolArm)
	}
	paths := map[string]string{}
	for _, name := range need {
		path, err := Find(name)
		if err != nil {
			return err
		}
		paths[name] = path
	}
	configure := []string{paths[toolCMake], "-S", dir, "-B", build, "-G", "Ninja",
		"-DCMAKE_MAKE_PROGRAM=" + paths[toolNinja], "-DUNROLL_TARGET=" + t.Target,
		"-DUNROLL_NONSECURE=" + onOff(opt.NonSecure), "-DUNROLL_SANITIZE=" + onOff(opt.Sanitize),
		"-DUNROLL_SHADOW_CACHE=" + onOff(opt.Shadow)}
	if opt.EthosuDriver != "" {
		configure = append(configure, "-DUNROLL_ETHOSU_DRIVER="+opt.EthosuDriver)
	}
	if !t.Host() {
		configure = append(configure, "-DCMAKE_TOOLCHAIN_FILE="+filepath.Join(dir, filepath.FromSlash(t.Toolchain)))
	}
	for _, d := range opt.Define {
		configure = append(configure, "-D"+d)
	}
	if err := command(ctx, dir, configure, held); err != nil {
		return err
	}
	return command(ctx, dir, []string{paths[toolNinja], "-C", build, opt.target()}, held)
}

func onOff(b bool) string {
	if b {
		return "ON"
	}
	return "OFF"
}

// plainSources are the patterns of the files that make up a program of this machine.
func plainSources(b *board.Board, example string) []string {
	app := []string{"app/*.c"}
	if example != "" {
		app = []string{"app/golden.c", "examples/" + example + ".c"}
	}
	list := append(app, "src/*.c", "npu/*.c", "platform/*.c", "ethosu/standin/*.c")
	for _, dir := range b.SharedFolders() {
		list = append(list, dir+"/*.c")
	}
	return append(list, b.Sources()...)
}

// plainIncludes are the folders with headers; those that are absent do no harm.
func plainIncludes(b *board.Board) []string {
	return append([]string{"include", "src", "app", "npu", "ethosu/standin", "ethosu/board"}, b.Includes()...)
}

// plainCC compiles for this machine without a build system.
func plainCC(ctx context.Context, opt Options, t *board.Board, dir, build string, held *os.File) error {
	cc, err := Find(toolCC)
	if err != nil {
		return err
	}
	flags := []string{cc, "-std=c11", "-Os", "-g", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections"}
	for _, k := range slices.Sorted(maps.Keys(t.Defines)) {
		flags = append(flags, "-D"+k+"="+t.Defines[k])
	}
	if opt.NonSecure {
		flags = append(flags, "-DUNROLL_NONSECURE=1")
	}
	if opt.Shadow {
		flags = append(flags, "-DUNROLL_SHADOW_CACHE=1")
	}
	sanitize := []string{}
	if opt.Sanitize {
		sanitize = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}
	}
	flags = append(flags, sanitize...)
	for _, include := range plainIncludes(t) {
		flags = append(flags, "-I"+filepath.Join(dir, include))
	}
	for _, d := range opt.Define {
		flags = append(flags, "-D"+d)
	}
	if out, err := versionOf(ctx, cc); err == nil && strings.Contains(out, "Free Software Foundation") {
		flags = append(flags, "-fstack-usage", "-fcallgraph-info=su")
	}
	var objects []string
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, pattern := range plainSources(t, opt.Example) {
		sources, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			return err
		}
		slices.Sort(sources)
		for _, source := range sources {
			rel, err := filepath.Rel(dir, source)
			if err != nil {
				return err
			}
			object := filepath.Join(build, "objects", rel+".o")
			if err := os.MkdirAll(filepath.Dir(object), 0o777); err != nil {
				return err
			}
			objects = append(objects, object)
			group.Go(func() error {
				defer fault.Catch()
				return command(ctx, dir, append(slices.Clone(flags), "-c", source, "-o", object), held)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	image := filepath.Join(build, opt.image(t))
	link := append([]string{cc, "-Wl,--gc-sections", "-o", image}, objects...)
	if runtime.GOOS == "darwin" {
		link = append([]string{cc, "-o", image}, objects...)
	}
	return command(ctx, dir, append(link, sanitize...), held)
}
