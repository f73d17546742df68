// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
)

// packName is the longest name of a component that the schema of CMSIS-Packs allows.
const packName = 32

var releaseForm = regexp.MustCompile(`^\d+\.\d+\.\d+`)

// ReleaseVersion is the tool's version in three numbers, as components have it.
func (v *view) ReleaseVersion() string {
	if r := releaseForm.FindString(v.ToolVersion); r != "" {
		return r
	}
	return "0.0.0"
}

// PackVersion is the version of the project as a package: that of the tool that wrote it, and
// of the model, which package managers show and do not compare.
func (v *view) PackVersion() string {
	model := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(v.Version, "0x"), "u"))
	return v.ReleaseVersion() + "+" + model
}

// PackName is the prefix as the name of a component.
func (v *view) PackName() string {
	if len(v.Prefix) <= packName {
		return v.Prefix
	}
	sum := fmt.Sprintf("_%06x", crc32.ChecksumIEEE([]byte(v.Prefix))&0xffffff)
	return v.Prefix[:packName-len(sum)] + sum
}

// DriverVariant keeps drivers apart that are compiled for other registers.
func (v *view) DriverVariant() string {
	if v.U85 {
		return "Ethos-U85"
	}
	return "Ethos-U55 and U65"
}

// PortSources are the board's C files with its functions for the driver.
func (v *view) PortSources() (list []string) {
	for _, path := range v.Board.Sources() {
		if strings.Contains(path, "/npu_port_") {
			list = append(list, path)
		}
	}
	return list
}

// PackBanner is the banner as a comment of XML, in which no two dashes may meet.
func (v *view) PackBanner() string { return strings.ReplaceAll(v.Banner, "--", "- - ") }
