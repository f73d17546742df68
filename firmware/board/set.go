// SPDX-License-Identifier: Apache-2.0

package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/firmware"
)

// Set is boards by name; it finds what a board inherits.
type Set struct {
	folders map[string]*folder
}

// Builtin holds the boards that come with unroll.
func Builtin() *Set {
	s, err := Open(firmware.Boards())
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return s
}

// Open takes every folder below the root of a file system that has a manifest.
func Open(root fs.FS) (*Set, error) {
	s := &Set{map[string]*folder{}}
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := fs.Stat(root, path.Join(e.Name(), ManifestName)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return nil, err
		}
		sub, err := fs.Sub(root, e.Name())
		if err != nil {
			return nil, err
		}
		s.folders[e.Name()] = &folder{e.Name(), sub}
	}
	return s, nil
}

// Choose returns a board by the name of one of the set, or by the path of a folder of
// somebody's own, which may inherit those of the set and takes the place of one with
// its name.
func (s *Set) Choose(nameOrDir string) (*Board, error) {
	if _, ok := s.folders[nameOrDir]; ok {
		return s.Get(nameOrDir)
	}
	if _, err := os.Stat(filepath.Join(nameOrDir, ManifestName)); err != nil {
		return nil, fmt.Errorf("no board %q: expected one of %s, or a folder with a %s", nameOrDir, strings.Join(s.Names(), ", "), ManifestName)
	}
	dir, err := filepath.Abs(nameOrDir)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(dir)
	s.folders[name] = &folder{name, os.DirFS(dir)}
	return s.Get(name)
}

// Names are those of the boards, in order.
func (s *Set) Names() []string {
	var list []string
	for name := range s.folders {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// All returns the boards in order of their names.
func (s *Set) All() ([]*Board, error) {
	var list []*Board
	for _, name := range s.Names() {
		b, err := s.Get(name)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// Default is the board of a project for which nobody named one, unless DefaultFor knows a
// better one.
const Default = "corstone300"

// DefaultFor is the board of a project for an NPU, such as ethos-u85, for which nobody named
// one.
func DefaultFor(product string) string {
	if product == "ethos-u85" {
		return "corstone320"
	}
	return Default
}

// For returns the boards that a project for one of them holds: this machine, what
// stands in for the board, and the board itself.
func (s *Set) For(b *Board) ([]*Board, error) {
	all, err := s.All()
	if err != nil {
		return nil, err
	}
	var list []*Board
	for _, o := range all {
		if o.Host() || o.StandsInFor == b.Name || o.Name == b.Name {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(x, y *Board) int { return x.rank() - y.rank() })
	for i, x := range list {
		for _, y := range list[:i] {
			if x.On == y.On || x.Target == y.Target {
				return nil, fmt.Errorf("boards %s and %s of one project have the same \"on\" (%s) or \"target\" (%s): give %s others", y.Name, x.Name, x.On, x.Target, b.Name)
			}
		}
	}
	return list, nil
}

// Project returns a board by name or folder, as Choose does, and the boards that a
// project for it holds.
func Project(nameOrDir string) (*Board, []*Board, error) {
	set := Builtin()
	b, err := set.Choose(nameOrDir)
	if err != nil {
		return nil, nil, err
	}
	all, err := set.For(b)
	return b, all, err
}

// rank is a board's place in lists: this machine, emulators, hardware.
func (b *Board) rank() int {
	switch {
	case b.Host():
		return 0
	case b.Linked:
		return 1
	}
	return 2
}

// On returns the board that unroll run --on names.
func (s *Set) On(name string) (*Board, error) {
	all, err := s.All()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, b := range all {
		if b.On == name {
			return b, nil
		}
		names = append(names, b.On)
	}
	slices.Sort(names)
	return nil, &NameError{name, names}
}

// NameError is a name that no board has.
type NameError struct {
	Name     string
	Expected []string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("cannot run on %q: expected one of %s", e.Name, strings.Join(e.Expected, ", "))
}

var boardName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// Get returns a board of the set, checked.
func (s *Set) Get(name string) (*Board, error) {
	b := &Board{Name: name, set: s}
	if !boardName.MatchString(name) {
		return nil, fmt.Errorf("board folder %q: expected a name of letters a-z, digits, - and _", name)
	}
	if err := s.inherit(b, name); err != nil {
		return nil, err
	}
	if b.On == "" {
		b.On = name
	}
	if b.Target == "" {
		b.Target = name
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("board %s: %s: %w", name, ManifestName, err)
	}
	return b, nil
}

// inherit reads the manifests of a board and of what it inherits, the last one first,
// one over the other.
func (s *Set) inherit(b *Board, name string) error {
	f, ok := s.folders[name]
	if !ok {
		return fmt.Errorf("board %s inherits %q, which is no board: expected one of %s", b.Name, name, strings.Join(s.Names(), ", "))
	}
	if slices.Contains(b.chain, f) {
		return fmt.Errorf("board %s inherits itself by way of %s", b.Name, name)
	}
	text, err := fs.ReadFile(f.fs, ManifestName)
	if err != nil {
		return fmt.Errorf("board %s: %w", name, err)
	}
	var own Board
	if err := decode(text, &own); err != nil {
		return fmt.Errorf("board %s: %s: %w", name, ManifestName, err)
	}
	b.chain = append(b.chain, f)
	if own.Inherits != "" {
		if err := s.inherit(b, own.Inherits); err != nil {
			return err
		}
	}
	// These are a board's own.
	b.Summary, b.On, b.Target, b.Needs, b.Unproven, b.Hidden = "", "", "", "", "", false
	b.StandsInFor, b.CSolution = "", CSolution{}
	defines, script := b.Defines, b.LinkerScript
	shared, without, given := b.Shared, b.Without, b.given
	b.Shared, b.Without, b.GeneralRegisters, b.Defines = nil, nil, nil, nil
	// Lists are replaced; decoding over one would keep what the new elements leave out.
	if own.Memories != nil {
		b.Memories = nil
	}
	if own.Emulators != nil {
		b.Emulators = nil
	}
	if own.CPU.Flags != nil {
		b.CPU.Flags = nil
	}
	if own.Images != nil {
		b.Images = nil
	}
	if err := decode(text, b); err != nil {
		return fmt.Errorf("BUG: %w", err)
	}
	// These add up.
	for k, v := range defines {
		if b.Defines == nil {
			b.Defines = map[string]string{}
		}
		if _, ok := b.Defines[k]; !ok {
			b.Defines[k] = v
		}
	}
	for _, n := range shared {
		if !slices.Contains(b.Shared, n) {
			b.Shared = append(b.Shared, n)
		}
	}
	b.Without = append(b.Without, without...)
	b.given = given
	for _, n := range b.GeneralRegisters {
		b.given = append(b.given, path.Join(Folder, name, n))
	}
	if own.LinkerScript != "" || script == "" {
		b.script = name
	}
	return nil
}
