// SPDX-License-Identifier: Apache-2.0

// Command sbom prints what the unroll binary is made of as CycloneDX JSON: every module with
// its version and hash from go.sum. The same bytes for the same go.mod.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Purl    string `json:"purl"`
	// Properties has the module's line of go.sum: a hash of its files' hashes, not of an archive.
	Properties []property `json:"properties"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: sbom VERSION")
	}
	sums, err := readSums("go.sum")
	if err != nil {
		return err
	}
	// Modules of the packages that the binary links, not of all that tests need.
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/unroll")
	list.Stderr = os.Stderr
	b, err := list.Output()
	if err != nil {
		return err
	}
	lines := strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(b)), " ", "@"))
	slices.Sort(lines)
	var all []component
	for _, m := range slices.Compact(lines) {
		name, version, _ := strings.Cut(m, "@")
		c := component{Type: "library", Name: name, Version: version, Purl: "pkg:golang/" + name + "@" + version}
		sum, ok := sums[name+" "+version]
		if !ok {
			return fmt.Errorf("go.sum has no hash of %s", m)
		}
		c.Properties = []property{{"go.sum", sum}}
		all = append(all, c)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": map[string]string{"type": "application", "name": "unroll", "version": os.Args[1], "purl": "pkg:golang/github.com/unroll-npu/unroll@v" + os.Args[1]}},
		"components": all,
	})
}

// readSums reads the hashes of modules, not those of their go.mod files.
func readSums(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sums := map[string]string{}
	s := bufio.NewScanner(f)
	for s.Scan() {
		part := strings.Fields(s.Text())
		if len(part) != 3 || strings.HasSuffix(part[1], "/go.mod") {
			continue
		}
		sums[part[0]+" "+part[1]] = part[2]
	}
	return sums, s.Err()
}
