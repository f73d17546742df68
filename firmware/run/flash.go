// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/codegen/disk"
	"github.com/unroll-npu/unroll/firmware/board"
)

// FlashFile is one file for a loader.
type FlashFile struct {
	Path    string `json:"path"`
	Format  string `json:"format"` // elf, hex or bin
	Address uint64 `json:"address"`
	Bytes   int    `json:"bytes"`
}

// Flash writes an image of a project in the formats that the board's loaders and flash
// tools read, next to each other in dir: the ELF itself; one Intel HEX file; one .bin
// for each memory; and the images.txt by which an MPS3 board loads those. Files of the
// same name are replaced.
func Flash(project, on, image, dir string) ([]FlashFile, error) {
	b, err := findBoard(project, on)
	if err != nil {
		return nil, err
	}
	if len(b.Images) == 0 {
		return nil, fmt.Errorf("board %s has no image that a loader takes: its %s lists none", b.Name, board.ManifestName)
	}
	segments, err := Segments(image)
	if err != nil {
		return nil, err
	}
	entry, err := Entry(image)
	if err != nil {
		return nil, err
	}
	hex, err := Hex(segments, entry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	elf, err := os.ReadFile(image)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var files []FlashFile
	write := func(name, format string, address uint64, data []byte) error {
		if !slices.Contains(b.Images, format) {
			return nil
		}
		path := filepath.Join(dir, name)
		files = append(files, FlashFile{path, format, address, len(data)})
		return disk.WriteFile(path, data, true)
	}
	if err := write("fw.elf", "elf", uint64(entry), elf); err != nil {
		return nil, err
	}
	if err := write("fw.hex", "hex", segments[0].Address, hex); err != nil {
		return nil, err
	}
	var list bytes.Buffer
	for i, s := range segments {
		name := fmt.Sprintf("fw%d.bin", i)
		if err := write(name, "bin", s.Address, s.Data); err != nil {
			return nil, err
		}
		if !slices.Contains(b.Images, "mps3") {
			continue
		}
		boot, err := b.LoaderAddress(s.Address, len(s.Data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", image, err)
		}
		fmt.Fprintf(&list, "IMAGE%dADDRESS: 0x%08X\nIMAGE%dUPDATE: AUTO\nIMAGE%dFILE: \\SOFTWARE\\%s\n", i, boot, i, i, strings.ToUpper(name))
	}
	text := fmt.Sprintf("TITLE: unroll firmware\n[IMAGES]\nTOTALIMAGES: %d\n%s", len(segments), &list)
	if err := write("images.txt", "mps3", 0, []byte(text)); err != nil {
		return nil, err
	}
	return files, nil
}
