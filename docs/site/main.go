// SPDX-License-Identifier: Apache-2.0

// Command site makes a small site of the README and of docs: go run ./docs/site FOLDER. Every
// link between pages must lead somewhere.
package main

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
)

// parts of the site, in the order of its menu: title and pages, README first.
var parts = []struct {
	title string
	pages []string
}{
	{"Start", []string{"README.md"}},
	{"How to", []string{"docs/howto/csv-gestures.md", "docs/howto/pytorch-kws.md", "docs/howto/keras-guide.md", "docs/howto/existing-model.md", "docs/howto/own-board.md", "docs/howto/streams.md", "docs/howto/tune.md"}},
	{"Reference", []string{"docs/formats.md", "docs/training.md", "docs/cycles.md", "docs/precision.md", "docs/numerics.md", "docs/npu.md", "docs/porting.md", "docs/networks.md", "docs/misra.md", "docs/faq.md"}},
	{"Project", []string{"docs/ARCHITECTURE.md", "docs/CONTRIBUTING.md", "docs/RATIONALE.md", "docs/security.md", "docs/CHANGELOG.md"}},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./docs/site FOLDER")
		os.Exit(2)
	}
	n, err := build(os.DirFS("."), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("wrote %d pages to %s\n", n, os.Args[1])
}

// build writes the pages of the project in root as a site in folder dir.
func build(root fs.FS, dir string) (int, error) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()), goldmark.WithRendererOptions(html.WithXHTML()))
	pages, titles := map[string][]byte{}, map[string]string{}
	for _, part := range parts {
		for _, name := range part.pages {
			b, err := fs.ReadFile(root, name)
			if err != nil {
				return 0, err
			}
			pages[name] = b
			title, _, _ := strings.Cut(strings.TrimPrefix(string(b), "# "), "\n")
			titles[name] = title
		}
	}
	missing, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		return 0, err
	}
	more, err := fs.Glob(root, "docs/howto/*.md")
	if err != nil {
		return 0, err
	}
	for _, name := range append(missing, more...) {
		if pages[name] == nil {
			return 0, fmt.Errorf("%s is in no part of the site: add it in docs/site/main.go", name)
		}
	}
	for name, text := range pages {
		var body bytes.Buffer
		if err := md.Convert(text, &body); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		html, files, err := relink(root, name, body.String(), pages)
		if err != nil {
			return 0, err
		}
		for _, f := range files {
			b, err := fs.ReadFile(root, f)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			if err := put(dir, f, b); err != nil {
				return 0, err
			}
		}
		var out bytes.Buffer
		if err := layout.Execute(&out, map[string]any{"Title": titles[name], "Body": template.HTML(html), "Menu": menu(name, titles)}); err != nil {
			return 0, err
		}
		if err := put(dir, target(name), out.Bytes()); err != nil {
			return 0, err
		}
	}
	return len(pages), nil
}

func put(dir, name string, b []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o666)
}

// target is the page's own file.
func target(name string) string {
	if name == "README.md" {
		return "index.html"
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}

var link = regexp.MustCompile(`(href|src)="([^"]*)"`)

// relink makes links to Markdown lead to pages, and collects the other files that a page
// shows or links to. A link to what is not there is an error.
func relink(root fs.FS, name, body string, pages map[string][]byte) (string, []string, error) {
	var files []string
	var wrong error
	body = link.ReplaceAllStringFunc(body, func(all string) string {
		m := link.FindStringSubmatch(all)
		to, anchor, _ := strings.Cut(m[2], "#")
		if to == "" || strings.Contains(to, ":") {
			return all
		}
		if anchor != "" {
			anchor = "#" + anchor
		}
		file := path.Join(path.Dir(name), to)
		if pages[file] != nil {
			return fmt.Sprintf(`%s="%s%s"`, m[1], relative(target(name), target(file)), anchor)
		}
		if _, err := fs.Stat(root, file); err != nil {
			wrong = fmt.Errorf("%s links to %s, which is not there", name, to)
			return all
		}
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
		return fmt.Sprintf(`%s="%s"`, m[1], relative(target(name), file))
	})
	return body, files, wrong
}

// relative is the way from one file of the site to another.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}

type menuPart struct {
	Title string
	Pages []menuPage
}

type menuPage struct {
	Title, Link string
	Here        bool
}

func menu(name string, titles map[string]string) []menuPart {
	var list []menuPart
	for _, part := range parts {
		m := menuPart{Title: part.title}
		for _, p := range part.pages {
			m.Pages = append(m.Pages, menuPage{titles[p], relative(target(name), target(p)), p == name})
		}
		list = append(list, m)
	}
	return list
}

var layout = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{.Title}} – unroll</title>
<style>
:root{color-scheme:light dark;--bg:#fff;--ink:#1b2330;--soft:#566072;--line:#d9dee6;--accent:#0b63ce;--code:#f2f4f7}
@media (prefers-color-scheme:dark){:root{--bg:#14181e;--ink:#e6eaf0;--soft:#9aa6b6;--line:#333c48;--accent:#6db1ff;--code:#20262f}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;display:grid;grid-template-columns:15rem minmax(0,1fr)}
nav{border-right:1px solid var(--line);padding:1rem;font-size:.92rem;min-height:100vh}nav p{margin:1rem 0 .2rem;font-weight:600}nav a{display:block;color:var(--soft);text-decoration:none;padding:.1rem .4rem;border-radius:5px}nav a:hover{color:var(--ink)}nav a[aria-current]{color:var(--ink);background:var(--code)}
main{padding:1rem 2rem 4rem;max-width:62rem}a{color:var(--accent)}h1{line-height:1.2}h2{margin-top:2.2rem}img{max-width:100%;height:auto;border:1px solid var(--line);border-radius:8px}
pre{background:var(--code);padding:.8rem 1rem;overflow:auto;border-radius:8px;font-size:.88rem;line-height:1.45}code{background:var(--code);border-radius:4px;padding:.1em .3em;font-size:.9em}pre code{padding:0;font-size:1em}
table{border-collapse:collapse;display:block;overflow:auto;font-size:.93rem}th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:700px){body{display:block}nav{border:0;border-bottom:1px solid var(--line);min-height:0}nav p{margin:.4rem 0 0}nav a{display:inline-block}main{padding:1rem}}
@media print{nav{display:none}body{display:block}}
</style>
</head>
<body>
<nav aria-label="Pages">{{range .Menu}}<p>{{.Title}}</p>{{range .Pages}}<a href="{{.Link}}"{{if .Here}} aria-current="page"{{end}}>{{.Title}}</a>{{end}}{{end}}</nav>
<main>{{.Body}}</main>
</body>
</html>
`))
