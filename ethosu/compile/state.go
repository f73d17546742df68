// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// State is a program between two passes, for whoever wants to look at it. It is only
// valid in the call that it is given to.
type State struct {
	Pass    string // the one that has just run
	Variant        // that is being compiled

	c *compilation
}

// stage is what the passes of one stage work on.
type stage interface {
	Check() error
	Print(io.Writer) error
}

// stages returns what there is of the program.
func (s State) stages() []stage {
	var list []stage
	if s.c.plan != nil {
		list = append(list, s.c.plan)
	}
	if s.c.layout != nil {
		list = append(list, s.c.layout)
	}
	if s.c.stream != nil {
		list = append(list, s.c.stream)
	}
	return list
}

// Check reports an invariant of the intermediate representation that does not hold. An
// error is a fault of the pass that has just run.
func (s State) Check() error {
	if s.Pass == "lower" {
		if err := kernel.CheckOrder(s.c.module.Kernels, func(*kernel.Buffer) bool { return false }); err != nil {
			return fmt.Errorf("BUG: after pass %q: %w", s.Pass, err)
		}
	}
	for _, st := range s.stages() {
		if err := st.Check(); err != nil {
			return fmt.Errorf("BUG: after pass %q: %w", s.Pass, err)
		}
	}
	return nil
}

// Print writes the program, one line for each operation, with all that is decided.
func (s State) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s after %s: %v\n", name(s.c.g), s.Pass, s.Variant); err != nil {
		return err
	}
	if list := s.stages(); len(list) > 0 {
		return list[len(list)-1].Print(w)
	}
	for i := range s.c.g.Ops {
		if _, err := fmt.Fprintf(w, "%4d %s\n", i, s.c.g.OpString(i)); err != nil {
			return err
		}
	}
	return nil
}

func (v Variant) String() string {
	rows, room, maps := "any number of rows a kernel", "any room for weights", ""
	switch {
	case v.Rows == schedule.NoRows:
		rows = "one row a kernel"
	case v.Rows > 0:
		rows = fmt.Sprintf("up to %d rows a kernel", v.Rows)
	}
	if v.Room >= 0 {
		room = fmt.Sprintf("%d bytes for weights", v.Room)
	}
	if v.Tight {
		maps = ", tight feature maps"
	}
	if v.Spill {
		maps += ", feature maps in the arena"
	}
	return rows + ", " + room + maps
}

// PrintAfter returns what Options.After must be for the program to be written after a
// pass, once for every variant that is compiled. The error for a pass that there is not
// names all that there are.
func PrintAfter(pass string, w io.Writer) (func(State) error, error) {
	var names []string
	for _, p := range Passes {
		names = append(names, p.Name)
	}
	if !slices.Contains(names, pass) {
		return nil, fmt.Errorf("unknown pass %q: expected one of %s", pass, strings.Join(names, ", "))
	}
	return func(s State) error {
		if s.Pass != pass {
			return nil
		}
		return s.Print(w)
	}, nil
}
