// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSite builds the site of this project: every page is in the menu, every link leads
// somewhere.
func TestSite(t *testing.T) {
	dir := t.TempDir()
	n, err := build(os.DirFS("../.."), dir)
	if err != nil {
		t.Fatal(err)
	}
	if n < 15 {
		t.Errorf("%d pages", n)
	}
	b, err := os.ReadFile(filepath.Join(dir, "docs", "howto", "streams.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="../../index.html"`, `aria-current="page">A stream for every step`, "<h1"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestBrokenLink(t *testing.T) {
	root := t.TempDir()
	for _, part := range parts {
		for _, p := range part.pages {
			text := "# Page\n"
			if p == "docs/faq.md" {
				text += "[there](nowhere.md)\n"
			}
			if err := put(root, p, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := build(os.DirFS(root), t.TempDir()); err == nil || !strings.Contains(err.Error(), "docs/faq.md links to nowhere.md") {
		t.Errorf("error %v", err)
	}
}
