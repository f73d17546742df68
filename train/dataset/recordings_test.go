// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Recordings of other formats are not read, and that is said.
func TestOtherSounds(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/0.wav", "a/1.flac", "a/2.MP3", "a/notes.txt", "b/0.wav", "b/.hidden.mp3"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, notes, err := walk(dir, sounds)
	if err != nil || len(files) != 2 || len(notes) != 1 || !strings.Contains(notes[0], "2 recordings that are no .wav files are left out, as 1.flac") {
		t.Errorf("%d files, notes %q, error %v", len(files), notes, err)
	}
}
