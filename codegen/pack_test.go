// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pack is what the test reads of a .pdsc.
type pack struct {
	Name     string `xml:"name"`
	Releases []struct {
		Version string `xml:"version,attr"`
	} `xml:"releases>release"`
	Conditions []struct {
		ID string `xml:"id,attr"`
	} `xml:"conditions>condition"`
	Components []struct {
		Group     string `xml:"Cgroup,attr"`
		Sub       string `xml:"Csub,attr"`
		Condition string `xml:"condition,attr"`
		Files     []struct {
			Category string `xml:"category,attr"`
			Name     string `xml:"name,attr"`
			Attr     string `xml:"attr,attr"`
		} `xml:"files>file"`
	} `xml:"components>component"`
}

// readPack parses a description and looks at each of its references.
func readPack(t *testing.T, tree Tree, prefix string) pack {
	t.Helper()
	text := tree["unroll."+prefix+".pdsc"]
	var p pack
	if err := xml.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if p.Name != prefix || len(p.Releases) != 1 || !regexp.MustCompile(`^\d+\.\d+\.\d+\+[0-9a-f]{8}$`).MatchString(p.Releases[0].Version) {
		t.Errorf("the pack is %q, releases %v", p.Name, p.Releases)
	}
	folders := map[string]bool{}
	for name := range tree {
		folders[path.Dir(name)+"/"] = true
	}
	for _, c := range p.Components {
		if len(c.Sub) > 32 {
			t.Errorf("component %s: its name has %d characters, 32 are allowed", c.Sub, len(c.Sub))
		}
		known := func(id struct {
			ID string `xml:"id,attr"`
		}) bool {
			return id.ID == c.Condition
		}
		if c.Condition != "" && !slices.ContainsFunc(p.Conditions, known) {
			t.Errorf("component %s: no condition %q", c.Sub, c.Condition)
		}
		for _, f := range c.Files {
			if tree[f.Name] == nil && !folders[f.Name] {
				t.Errorf("component %s: the project has no %s", c.Sub, f.Name)
			}
		}
	}
	return p
}

// A pack lists every C file of model and driver, and their folders of headers: components
// are compiled from these alone. So does the library for PlatformIO.
func TestPacks(t *testing.T) {
	long := tiny("a_prefix_of_no_more_than_forty_characters", 16)
	long.Prefix = long.Prefix[:maxPrefix]
	dashes := tiny("acc", 16)
	dashes.Source = "a--b---.tflite"
	for _, p := range []Project{tiny("acc", 16), tinySequence("seq"), tinyAudio("heard", "logmel,bands=16"), long, dashes} {
		for _, driver := range []Driver{OwnDriver, ArmDriver} {
			p.Options.Driver = driver
			tree := generate(t, p)
			listed := map[string]bool{}
			templates := 0
			for _, c := range readPack(t, tree, p.Prefix).Components {
				for _, f := range c.Files {
					listed[f.Name] = listed[f.Name] || f.Category == "sourceC" || f.Category == "include"
					if f.Attr == "template" {
						templates++
					}
				}
			}
			for name := range tree {
				needed := strings.HasPrefix(name, "src/") || driver == OwnDriver && (strings.HasPrefix(name, "npu/") || strings.HasPrefix(name, "rtos/"))
				if needed && strings.HasSuffix(name, ".c") && !listed[name] {
					t.Errorf("%s, driver %d: no component has %s", p.Prefix, driver, name)
				}
			}
			if !listed["include/"] || !listed["npu/"] || (templates > 0) != (driver == OwnDriver) {
				t.Errorf("%s, driver %d: folders %v, %d templates", p.Prefix, driver, listed, templates)
			}
			library := tree["library.json"]
			if driver == ArmDriver {
				if library != nil {
					t.Error("a project with Arm's driver, which is no library of PlatformIO, is one")
				}
				continue
			}
			var m struct {
				Name, Version string
				Build         struct {
					SrcFilter []string
					Flags     string
				}
			}
			if err := json.Unmarshal(library, &m); err != nil {
				t.Fatalf("library.json: %v\n%s", err, library)
			}
			if m.Name != p.Prefix || m.Version == "" || !slices.Contains(m.Build.SrcFilter, "+<src/*.c>") || !slices.Contains(m.Build.SrcFilter, "+<npu/*.c>") || m.Build.Flags != "-Inpu" {
				t.Errorf("library.json: %+v", m)
			}
		}
	}
}
