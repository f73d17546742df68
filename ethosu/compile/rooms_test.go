// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms are the packages of the compiler from the bottom up: each may know those in
// front of it.
var rooms = []string{"kernel", "memory", "cost", "timeline", "lowering", "schedule", "place", "emit", "."}

// TestOneDirection counts references from one room of the compiler to another and those
// of them that point upwards, to a room that comes later in the way of a program. Go
// forbids imports in a circle, not in the wrong direction.
func TestOneDirection(t *testing.T) {
	const driver, inner = "github.com/unroll-npu/unroll/ethosu/compile", "github.com/unroll-npu/unroll/ethosu/internal/compile/"
	down, up := 0, 0
	fset := token.NewFileSet()
	visit := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		room := slices.Index(rooms, filepath.Base(filepath.Dir(path)))
		if room < 0 {
			t.Errorf("%s is in no room: add its package to rooms, where it belongs", path)
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		imports := map[string]int{} // local name of a room's package
		for _, i := range f.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			name, ok := strings.CutPrefix(p, inner)
			if p == driver {
				name, ok = ".", true
			}
			if !ok {
				continue
			}
			of := slices.Index(rooms, name)
			if of < 0 {
				t.Errorf("%s imports %s, which is no room", path, p)
			}
			imports[filepath.Base(p)] = of
		}
		seen := map[string]bool{} // a name counts once a file, as a reference between files does
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil {
				if of, ok := imports[x.Name]; ok && !seen[x.Name+"."+s.Sel.Name] {
					seen[x.Name+"."+s.Sel.Name] = true
					if down++; of > room {
						up++
						t.Errorf("%s: %s.%s is upwards", fset.Position(s.Pos()), x.Name, s.Sel.Name)
					}
				}
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{".", "../internal/compile"} {
		if err := filepath.WalkDir(dir, visit); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d references between rooms, %d of them upwards", down, up)
	if down < 100 {
		t.Errorf("%d references: the test has lost what it counts", down)
	}
}
