// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/firmware/run"
)

var flashVerb = verb{
	name:    "flash",
	args:    "PROJECT",
	summary: "Build a project for the board and write the images that a loader takes (.elf, .bin per memory, .hex).",
	example: `unroll flash fw -o images
unroll flash fw -o /media/V2M-MPS3/SOFTWARE      # the board's own drive
unroll flash fw --start                          # and start the image on the FVP`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		on := f.String("on", "fvp", "what the image is for: fvp (also the MPS3 board) or qemu")
		out := f.StringP("output", "o", "", "folder for the images (default: PROJECT/build/images)")
		start := f.Bool("start", false, "start the image, where --on says, when it is written")
		unchecked := f.Bool("unchecked", false, "build a project that is not as it was generated, on what is left of its last build")
		asJSON := f.Bool("json", false, "print the list of images as JSON")
		return func(c *cli) error {
			if *asJSON && *start {
				return usagef("--json with --start: the image's console is no JSON; start it with unroll run")
			}
			dir, err := c.oneArg("the folder of the project")
			if err != nil {
				return err
			}
			if *out == "" {
				*out = filepath.Join(dir, "build", "images")
			}
			if err := trust(dir, *unchecked); err != nil {
				return err
			}
			image, err := run.Build(c.ctx, run.Options{Dir: dir, On: *on, Fresh: !*unchecked, Progress: func(what string) { fmt.Fprintln(c.stderr, what) }})
			if err != nil {
				return err
			}
			files, err := run.Flash(dir, *on, image, *out)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.stdout, flashed{files})
			}
			for _, f := range files {
				fmt.Fprintf(c.stdout, "wrote %s: %s bytes at %#x\n", f.Path, commas(f.Bytes), f.Address)
			}
			if !*start {
				return nil
			}
			return runProject(c, run.Options{Dir: dir, On: *on, Image: image, Console: c.stdout}, false)
		}
	},
}

// flashed is what flash prints with --json.
type flashed struct {
	Images []run.FlashFile `json:"images"`
}
