// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest bounds the bytes of a file name without its ending; file systems have 255.
const longest = 200

// FileName is the name of a tensor as a file name: / and : become _, and so does what
// else leads out of a folder or cannot be in a name. A name that is too long is cut and
// gets the start of its SHA-256.
func FileName(tensor string) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == ':' || r == '\\' || unicode.IsControl(r) || r == utf8.RuneError {
			return '_'
		}
		return r
	}, tensor)
	if strings.Trim(name, ".") == "" { // "", ".", ".." and the like
		name = "_" + strings.ReplaceAll(name, ".", "_")
	}
	if len(name) > longest {
		sum := sha256.Sum256([]byte(tensor))
		at := longest - 9
		for !utf8.RuneStart(name[at]) {
			at--
		}
		name = name[:at] + "-" + hex.EncodeToString(sum[:4])
	}
	return name
}

// FileNames returns a file name for each tensor, all different, also where a file system
// does not tell small letters from capitals. A tensor whose own name is a file name keeps
// it; of others that fall together the later ones get a number.
func FileNames(ts []Tensor) []string {
	names, used := make([]string, len(ts)), map[string]bool{}
	take := func(i int, name string) bool {
		if key := strings.ToLower(name); !used[key] {
			used[key], names[i] = true, name
			return true
		}
		return false
	}
	for i := range ts {
		if name := FileName(ts[i].Name); name == ts[i].Name {
			take(i, name)
		}
	}
	for i := range ts {
		name := FileName(ts[i].Name)
		for n := 2; names[i] == ""; n++ {
			if !take(i, name) {
				name = fmt.Sprintf("%s_%d", FileName(ts[i].Name), n)
			}
		}
	}
	return names
}
