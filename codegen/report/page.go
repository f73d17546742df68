// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page
var files embed.FS

// MostBytes bounds a page: what is larger is a fault.
const MostBytes = 2 << 20

// TooLargeError says that a page would be larger than MostBytes.
type TooLargeError struct{ Bytes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the report has %s bytes, more than %s: give fewer models at once", commas(e.Bytes), commas(MostBytes))
}

// Write returns the page of one subject, or of several to be compared. version is that of
// the tool.
func Write(version string, subjects []*Subject) ([]byte, error) {
	p := pageView{Version: version}
	names := distinct(subjects)
	for n, s := range subjects {
		v, err := s.view(n)
		if err != nil {
			return nil, err
		}
		v.Name = names[n]
		p.Subjects = append(p.Subjects, v)
	}
	if len(subjects) == 0 {
		return nil, fmt.Errorf("BUG: a report of nothing")
	}
	p.Title = strings.Join(names, ", ")
	if len(subjects) > 1 {
		p.Comparison = compare(p.Subjects)
	}
	for name, to := range map[string]*string{"style.css": &p.styleText, "script.js": &p.scriptText} {
		b, err := files.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("BUG: %w", err)
		}
		*to = string(b)
	}
	p.Style, p.Script = template.CSS(p.styleText), template.JS(p.scriptText)
	t, err := template.New("page.tmpl").Funcs(funcs).ParseFS(files, "page/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	if b.Len() > MostBytes {
		return nil, &TooLargeError{b.Len()}
	}
	return b.Bytes(), nil
}

// distinct names subjects: where several have one name, with their folders, files or numbers.
func distinct(subjects []*Subject) []string {
	names := make([]string, len(subjects))
	for i, s := range subjects {
		names[i] = s.Name
	}
	for _, more := range []func(i int) string{
		func(i int) string { return or(subjects[i].Folder, subjects[i].File) },
		func(i int) string { return fmt.Sprint(i + 1) },
	} {
		count := map[string]int{}
		for _, n := range names {
			count[n]++
		}
		for i, n := range names {
			if count[n] > 1 {
				names[i] = fmt.Sprintf("%s (%s)", n, more(i))
			}
		}
	}
	return names
}

type pageView struct {
	Title, Version        string
	Subjects              []*view
	Comparison            *comparison
	Style                 template.CSS
	Script                template.JS
	styleText, scriptText string
}
