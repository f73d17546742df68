package run

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// FlashFile is one file for a loader.
type FlashFile struct {
	Path    string `json:"path"`
	Format  string `json:"format"` // elf, hex or bin
	Address uint64 `json:"address"`
	Bytes   int    `json:"bytes"`
}

// Flash writes an image in the formats that loaders and flash tools read, next to
// each other in dir: the ELF itself; one Intel HEX file; one .bin for each memory,
// with its address in the name; and the images.txt by which the MPS3 board loads
// those. Files of the same name are replaced.
func Flash(image, dir string) ([]FlashFile, error) {
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
		path := filepath.Join(dir, name)
		files = append(files, FlashFile{path, format, address, len(data)})
		return writeFile(path, data)
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
		boot, err := boardAddress(s)
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

// boardAddress is where the MPS3's motherboard controller sees a memory of the core.
func boardAddress(s Segment) (uint64, error) {
	for _, m := range []struct {
		core, size, board uint64
	}{
		{0x10000000, 512 << 10, 0x00000000}, // ITCM
		{0x00000000, 512 << 10, 0x00000000},
		{0x11000000, 2 << 20, 0x02000000}, // BRAM
		{0x01000000, 2 << 20, 0x02000000},
		{0x60000000, 256 << 20, 0x08000000}, // DDR, non-secure
		{0x70000000, 256 << 20, 0x0C000000}, // DDR, secure
	} {
		if off := s.Address - m.core; off < m.size && uint64(len(s.Data)) <= m.size-off {
			return m.board + off, nil
		}
	}
	return 0, fmt.Errorf("the board cannot load %d bytes at %#x: expected ITCM, BRAM or DDR", len(s.Data), s.Address)
}

// writeFile never leaves half a file behind.
func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".unroll-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
