// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var docsVerb = verb{
	name:    "docs",
	args:    "",
	summary: "Write the manual pages of unroll and its verbs.",
	example: `unroll docs -o man1 && man ./man1/unroll-build.1`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		out := f.StringP("output", "o", "man1", "folder for the pages, unroll.1 and one for each verb")
		force := f.Bool("force", false, "replace existing pages")
		asJSON := f.Bool("json", false, "print the list of pages as JSON")
		return func(c *cli) error {
			if err := c.noArgs(); err != nil {
				return err
			}
			if *out == "" {
				return usagef("--output: the name of the folder is empty")
			}
			if err := checkFolder(*out); err != nil {
				return fmt.Errorf("--output: %w", err)
			}
			root := c.root
			root.Short = "turn a small recurrent network into firmware for an Arm Ethos-U NPU"
			var pages documented
			for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
				if !cmd.IsAvailableCommand() && cmd != root {
					continue
				}
				page, err := manual(cmd)
				if err != nil {
					return err
				}
				file := filepath.Join(*out, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
				if err := writeFile(file, page, *force); err != nil {
					return err
				}
				pages.Pages = append(pages.Pages, file)
			}
			if *asJSON {
				return printJSON(c.stdout, pages)
			}
			_, err := fmt.Fprintf(c.stdout, "wrote %d pages to %s\n", len(pages.Pages), *out)
			return err
		}
	},
}

// documented is what docs prints with --json.
type documented struct {
	Pages []string `json:"pages"`
}

// manual renders the page of a command. Pages hold no dates.
func manual(cmd *cobra.Command) ([]byte, error) {
	cmd.DisableAutoGenTag = true
	if cmd.Long == "" {
		cmd.Long = cmd.Short
	}
	var b bytes.Buffer
	never := time.Unix(0, 0).UTC()
	err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Source: "unroll " + version, Manual: "unroll", Date: &never}, &b)
	return bytes.ReplaceAll(b.Bytes(), []byte(`"Jan 1970"`), []byte(`""`)), err
}
