// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// longest bounds the part of a temporary name that comes from the target's: file systems
// have 255 bytes for all of it.
const longest = 160

// machine tells apart folders that several machines share: the number of a process says
// nothing on another one.
var machine = func() string {
	name, err := os.Hostname()
	if err != nil {
		name = "" // alike on all that have no name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}()

// prefix begins the temporary names of a target.
func prefix(target string) string {
	base := filepath.Base(target)
	if len(base) > longest {
		sum := sha256.Sum256([]byte(base))
		base = base[:longest] + hex.EncodeToString(sum[:4])
	}
	return "." + base + ".new-" + machine + "-"
}

// pattern names the process, so that another one can tell what is left from what is in use.
func pattern(target string) string { return fmt.Sprintf("%s%d-*", prefix(target), os.Getpid()) }

// TempFile makes a file beside target, to be renamed to it.
func TempFile(target string) (*os.File, error) {
	clean(target)
	return os.CreateTemp(filepath.Dir(target), pattern(target))
}

// TempFolder makes a folder beside target, to take its place.
func TempFolder(target string) (string, error) {
	clean(target)
	return os.MkdirTemp(filepath.Dir(target), pattern(target))
}

// clean removes what ended processes left of earlier attempts at a target. It is a
// courtesy: what cannot be removed stays, and the work goes on.
func clean(target string) {
	dir, start := filepath.Dir(target), prefix(target)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), start)
		if !ours {
			continue
		}
		number, _, ok := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(number)
		if ok && err == nil && pid > 0 && !alive(pid) {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
