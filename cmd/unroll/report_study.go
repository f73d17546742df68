// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/report"
)

// study writes the page of a study, when that is what is to be reported on.
func (r *reportVerbFlags) study(c *cli) (bool, error) {
	var found string
	for _, name := range c.args {
		if name != dash && isStudy(name) {
			found = name
		}
	}
	if found == "" {
		return false, nil
	}
	if len(c.args) > 1 {
		return true, usagef("%s is the folder of a study, which has a page of its own: give it alone", found)
	}
	var foreign string
	r.npu.set.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "output", "force", "json", "max-memory":
		default:
			foreign = f.Name
		}
	})
	if foreign != "" {
		return true, usagef("--%s is for models and projects; %s is the folder of a study", foreign, found)
	}
	s, err := openStudy(found)
	if err != nil {
		return true, err
	}
	results, err := s.study.All(s.result)
	if err != nil {
		return true, err
	}
	folder, err := filepath.Abs(found)
	if err != nil {
		return true, err
	}
	name := filepath.Base(folder)
	page, err := report.WriteStudy(version, name, s.study, results, []report.Command{
		{Does: "The study, from the folder that holds it:", Line: command("tune", "--study", name)},
		{Does: "This page:", Line: command("report", operand(name), "-o", codegen.ReportName)},
	})
	if err != nil {
		return true, err
	}
	return true, r.write(c, page, reported{Subjects: []string{name}, Output: r.out})
}

// isStudy tells the folder of a study from that of a project.
func isStudy(name string) bool {
	_, err := os.Stat(filepath.Join(name, studyFile))
	return err == nil
}
