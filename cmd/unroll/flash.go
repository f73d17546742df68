package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/firmware/run"
)

var flashVerb = verb{
	name:    "flash",
	args:    "PROJECT",
	summary: "Build a project for the board and write the images that a loader takes (.elf, .bin per memory, .hex).",
	example: "unroll flash fw -o images",
	setup: func(f *pflag.FlagSet) func(*cli) error {
		on := f.String("on", "fvp", "what the image is for: fvp (also the MPS3 board) or qemu")
		out := f.StringP("output", "o", "", "folder for the images (default: PROJECT/build/images)")
		return func(c *cli) error {
			dir, err := c.oneArg("the folder of the project")
			if err != nil {
				return err
			}
			if *out == "" {
				*out = filepath.Join(dir, "build", "images")
			}
			image, err := run.Build(c.ctx, run.Options{Dir: dir, On: *on, Progress: func(what string) { fmt.Fprintln(c.stderr, what) }})
			if err != nil {
				return err
			}
			return writeImages(c, image, *out)
		}
	},
}

func writeImages(c *cli, image, out string) error {
	elf, err := os.ReadFile(image)
	if err != nil {
		return err
	}
	segments, err := run.Segments(image)
	if err != nil {
		return err
	}
	start, err := run.Entry(image)
	if err != nil {
		return err
	}
	hex, err := run.Hex(segments, start)
	if err != nil {
		return err
	}
	files := map[string][]byte{"fw.elf": elf, "fw.hex": hex}
	for _, s := range segments {
		files[fmt.Sprintf("fw-%08x.bin", s.Address)] = s.Data
	}
	for _, name := range sortedKeys(files) {
		path := filepath.Join(out, name)
		if err := writeFile(path, files[name], true); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "wrote %s: %s bytes\n", path, commas(len(files[name])))
	}
	return nil
}
