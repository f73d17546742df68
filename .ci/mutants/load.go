// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// pkg is a package with its types known, and the changes that are made to it.
type pkg struct {
	root, dir, name string // the module's folder, the package's within it
	set             *token.FileSet
	files           []*source
	info            *types.Info
	mutants         []*mutant
}

// source is one file: its text and what is put into it.
type source struct {
	path  string // below the module's folder
	text  []byte
	tree  *ast.File
	edits []edit
}

// load reads a package and its types. Generated files are tables: they stay as they are.
func load(path string) (*pkg, error) {
	type listed struct {
		Dir, ImportPath, Name, Export string
		GoFiles                       []string
		Module                        *struct{ Dir string }
	}
	command := exec.Command("go", "list", "-export", "-deps", "-json=Dir,ImportPath,Name,Export,GoFiles,Module", path)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := map[string]string{}
	var last listed
	for lines := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := lines.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		exports[l.ImportPath] = l.Export
		last = l // the package itself comes behind what it needs
	}
	dir, err := filepath.Rel(last.Module.Dir, last.Dir)
	if err != nil {
		return nil, err
	}
	p := &pkg{root: last.Module.Dir, dir: dir, name: last.Name, set: token.NewFileSet()}
	var trees []*ast.File
	for _, name := range last.GoFiles {
		text, err := os.ReadFile(filepath.Join(last.Dir, name))
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(p.set, filepath.Join(dir, name), text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
		if !ast.IsGenerated(tree) {
			p.files = append(p.files, &source{path: filepath.Join(dir, name), text: text, tree: tree})
		}
	}
	p.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(p.set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	_, err = config.Check(last.ImportPath, p.set, trees, p.info)
	return p, err
}
