// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"text/template"

	"github.com/unroll-npu/unroll/firmware"
	"github.com/unroll-npu/unroll/templates"
)

// Generate makes the tree of a project. Bad input gives an error that names the
// tensor, call or option; nothing is written.
func Generate(p Project) (Tree, error) {
	v, err := newView(&p)
	if err != nil {
		return nil, err
	}
	t := Tree{}
	for _, part := range []struct {
		name string
		add  func(Tree, *Project, *view) error
	}{
		{"fixed C", addFixed},
		{"templates", addTemplates},
		{"compiled model", addModel},
		{"model blob", addBlob},
		{"golden vectors", addGolden},
		{"Go test", addGoTest},
		{"extra files", addExtra},
	} {
		if err := part.add(t, &p, v); err != nil {
			return nil, fmt.Errorf("project %s: %s: %w", p.Prefix, part.name, err)
		}
	}
	m := newManifest(&p, t)
	t[ManifestName] = m.encode()
	if p.Report == nil {
		return t, nil
	}
	page, err := p.Report(t)
	if err != nil {
		return nil, fmt.Errorf("project %s: %s: %w", p.Prefix, ReportName, err)
	}
	if page == nil {
		return t, nil
	}
	t[ReportName], m.Files[ReportName] = page, hash(page)
	t[ManifestName] = m.encode()
	return t, nil
}

// addFixed copies the C that is the same in every project, and the boards. With Arm's driver
// these, and our own driver with them, serve the program that runs the golden vectors.
func addFixed(t Tree, p *Project, v *view) error {
	for _, b := range v.boards {
		files, err := b.Tree()
		if err != nil {
			return err
		}
		for path, text := range files {
			t[path] = text
		}
	}
	if p.Options.Driver == ArmDriver {
		if err := copyTree(t, firmware.ArmDriver(), "ethosu/"); err != nil {
			return err
		}
	}
	if err := copyTree(t, firmware.Files(), ""); err != nil || !v.U85 {
		return err
	}
	return copyTree(t, firmware.U85(), "")
}

// copyTree adds all files below the root of a file system, in a folder of the tree.
func copyTree(t Tree, from fs.FS, folder string) error {
	return fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, path)
		t[folder+path] = b
		return err
	})
}

// addTemplates renders the per-model files.
func addTemplates(t Tree, p *Project, v *view) error {
	const suffix = ".tmpl"
	parts, err := template.New("parts").Funcs(templateFuncs).ParseFS(templates.Files, "parts/*"+suffix)
	if err != nil {
		return fmt.Errorf("BUG: %w", err)
	}
	if err := render(t, p, v, parts, "project"); err != nil {
		return err
	}
	if v.Arm {
		return render(t, p, v, parts, "arm")
	}
	return nil
}

// notArm are the templates of the project folder that a project with Arm's driver
// leaves out: those that name our own.
var notArm = regexp.MustCompile(`^(app/main|cmake/|tests/|examples/|zephyr/(CMakeLists|Kconfig|npu_port|sample/(CMake|prj|src))|CMakeLists|README|PREFIX[.-]|library\.)`)

// render renders one folder of templates. Files of the arm folder join those of the
// project folder.
func render(t Tree, p *Project, v *view, parts *template.Template, folder string) error {
	const suffix = ".tmpl"
	files, err := fs.Sub(templates.Files, folder)
	if err != nil {
		return fmt.Errorf("BUG: %w", err)
	}
	return fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if v.Arm && folder == "project" && notArm.MatchString(path) {
			return nil
		}
		if v.CPU == nil && strings.Contains(path, "PREFIX_cpu.") {
			return nil
		}
		if v.Audio == nil && strings.Contains(path, "PREFIX_audio.") {
			return nil
		}
		if strings.HasSuffix(path, ".yml.tmpl") && strings.HasPrefix(path, "PREFIX") &&
			(v.Board.CSolution.Name == "" || strings.Contains(path, "-qemu.") && v.Emulated() == nil) {
			return nil
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		one, err := template.Must(parts.Clone()).New(path).Parse(string(text))
		if err != nil {
			return fmt.Errorf("BUG: %w", err)
		}
		var b bytes.Buffer
		if err := one.Execute(&b, v); err != nil {
			return fmt.Errorf("BUG: %w", err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(path, suffix), "PREFIX", p.Prefix)
		if strings.HasSuffix(name, ".c") || strings.HasSuffix(name, ".h") {
			t[name] = layoutC(b.Bytes())
		} else {
			t[name] = b.Bytes()
		}
		return nil
	})
}

// addModel keeps the compiled model beside the C, for inspection.
func addModel(t Tree, p *Project, _ *view) error {
	if p.Model != nil {
		t["model/"+p.Prefix+".npu.tflite"] = p.Model
	}
	return nil
}

// addExtra adds the caller's files.
func addExtra(t Tree, p *Project, _ *view) error {
	for path, b := range p.Extra {
		if !fs.ValidPath(path) || t[path] != nil {
			return fmt.Errorf("%q is no path for an extra file: it leaves the project or is taken", path)
		}
		t[path] = b
	}
	return nil
}
