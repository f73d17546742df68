// SPDX-License-Identifier: Apache-2.0

//go:build !(js && wasm)

// Command web writes the page on which unroll runs in a browser: inspect, verify, simulate
// and report of models that are dropped on it. Nothing is uploaded. The same package, built
// for a browser, is what the page runs.
package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed page
var page embed.FS

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./cmd/web FOLDER\nwrites the page; serve the folder with any web server, such as python3 -m http.server -d FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
	fmt.Printf("wrote %s: serve it with any web server, such as python3 -m http.server -d %s\n", os.Args[1], os.Args[1])
}

// write puts the page's files, the program and Go's loader of it into a folder.
func write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	files, err := page.ReadDir("page")
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := page.ReadFile("page/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), b, 0o666); err != nil {
			return err
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	loader, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "wasm_exec.js"), loader, 0o666); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "unroll.wasm"), "github.com/unroll-npu/unroll/cmd/web")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	return build.Run()
}
