// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train/nn"
)

// tone is a WAV file of 16 bits.
func tone(rate, n int, hz float64) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = append(b, 2, 0, 16, 0)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*n))
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(20000*math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))))
	}
	return b
}

// words writes a folder of recordings: two words of two speakers, thrice.
func words(t *testing.T, flat bool) string {
	t.Helper()
	dir := t.TempDir()
	for w, word := range []string{"yes", "no"} {
		for s, speaker := range []string{"ann", "bob"} {
			for k, take := range []string{"0", "1", "2"} {
				name := filepath.Join(dir, word, speaker+"_"+take+".wav")
				if flat {
					name = filepath.Join(dir, word+"_"+speaker+"_"+take+".WAV")
				}
				put(t, name, tone(8000, 1024+128*k, float64(500+1000*w+100*s)))
			}
		}
	}
	return dir
}

func put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// all opens a folder without dividing it.
func all(t *testing.T, dir string, s Sounds, length int) (*Set, error) {
	t.Helper()
	set, _, err := openSounds(dir, Options{Sounds: s, Length: length})
	return set, err
}

func TestFolderOfSounds(t *testing.T) {
	dir := words(t, false)
	put(t, filepath.Join(dir, "_noise_", "hum.wav"), tone(8000, 4000, 50))
	put(t, filepath.Join(dir, "yes", "._ann_0.wav"), []byte("left by a file system"))
	s, err := all(t, dir, Sounds{Features: "logmel,bands=12", Group: "/([a-z]+)_"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	// The longest has 1280 samples: 1 + (1280-256)/128 rows.
	if s.Len() != 12 || s.Steps != 9 || s.Features != 12 || !slices.Equal(s.Classes, []string{"no", "yes"}) {
		t.Fatalf("%d sequences of %d steps, %d features, classes %q", s.Len(), s.Steps, s.Features, s.Classes)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "7 to 9 rows") || !strings.Contains(notes, "_noise_") {
		t.Errorf("notes are %q", notes)
	}
	x := make([]float32, s.Steps*s.Features)
	for i := range s.Len() {
		samples, name, err := s.Sound(i)
		if err != nil {
			t.Fatal(err)
		}
		word, file, _ := strings.Cut(name, "/")
		speaker, take, _ := strings.Cut(file, "_")
		if s.Classes[s.Label(i)] != word || s.Group(i) != speaker || s.Length(i) != 7+int(take[0]-'0') {
			t.Errorf("%s: class %s, group %s, length %d", name, s.Classes[s.Label(i)], s.Group(i), s.Length(i))
		}
		want := audio.NewExtractor(s.Audio).Features(samples)
		s.Sample(i, x)
		if own := x[len(x)-len(want):]; !slices.Equal(own, want) || slices.ContainsFunc(x[:len(x)-len(want)], func(v float32) bool { return v != 0 }) {
			t.Errorf("%s: features are not those of its samples behind padding", name)
		}
	}
	cut, err := all(t, dir, Sounds{Features: "logmel,bands=12"}, 4)
	if err != nil {
		t.Fatal(err)
	}
	cut.Sample(0, x[:4*12])
	samples, _, _ := cut.Sound(0)
	if want := audio.NewExtractor(s.Audio).Features(samples); !slices.Equal(x[:4*12], want[len(want)-4*12:]) {
		t.Error("sequences cut to 4 steps do not keep their end")
	}
}

// Folders of parts are no classes: train, val and test are the parts.
func TestFoldersOfParts(t *testing.T) {
	dir := t.TempDir()
	for _, part := range []string{"Train", "val", "test"} {
		for w, word := range []string{"yes", "no"} {
			for k := range 2 {
				put(t, filepath.Join(dir, part, word, string(rune('0'+k))+".wav"), tone(8000, 1024, float64(500+1000*w)))
			}
		}
	}
	train, test, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 4 || test.Len() != 4 || train.Validation() == nil || train.Validation().Len() != 4 || !slices.Equal(train.Classes, []string{"no", "yes"}) || !slices.Equal(test.Classes, train.Classes) {
		t.Errorf("%d to train on and %d to test, classes %q: the folders of parts are not the parts", train.Len(), test.Len(), train.Classes)
	}
	for i := range test.Len() {
		if _, name, _ := test.Sound(i); !strings.HasPrefix(name, "test/") {
			t.Errorf("%s is in the test part", name)
		}
		if _, name, _ := train.Validation().Sound(i); !strings.HasPrefix(name, "val/") {
			t.Errorf("%s is in the validation part", name)
		}
	}
	put(t, filepath.Join(dir, "car", "yes", "0.wav"), tone(8000, 1024, 300))
	if train, _, err = Open(dir, Options{}); err != nil || !slices.Equal(train.Classes, []string{"Train", "car", "test", "val"}) {
		t.Errorf("with another folder beside them: %v, classes are %q", err, train.Classes)
	}
}

// Without both train and test, folders of parts are no classes either.
func TestSomeFoldersOfParts(t *testing.T) {
	for _, c := range []struct {
		parts []string
		tests int // of 12; 0 where none are there
	}{{[]string{"train", "val"}, 0}, {[]string{"dev", "Test"}, 6}, {[]string{"test", "testing"}, -1}} {
		dir := t.TempDir()
		for _, part := range c.parts {
			for w, word := range []string{"yes", "no"} {
				for k := range 3 {
					put(t, filepath.Join(dir, part, word, string(rune('0'+k))+".wav"), tone(8000, 1024, float64(500+1000*w)))
				}
			}
		}
		files, _, err := recordings(dir, Options{}, sounds)
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(t.TempDir(), "test.txt")
		if err := os.WriteFile(list, []byte(c.parts[0]+"/no/1.wav\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		listed, _, err := recordings(dir, Options{Sounds: Sounds{TestList: list}}, sounds)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range listed {
			if (f.part == testPart) != (f.path == c.parts[0]+"/no/1.wav") || f.label != files[i].label {
				t.Errorf("%v: with a list of the test part %s is a %q, in it: %v", c.parts, f.path, f.label, f.part)
			}
		}
		tests, classes := 0, map[string]bool{}
		for _, f := range files {
			classes[f.label] = true
			if f.part == testPart {
				tests++
			}
		}
		if c.tests < 0 {
			if tests != 0 || !classes["test"] {
				t.Errorf("%v: %d to test of classes %v, expected what leaves nothing to train on to be classes", c.parts, tests, classes)
			}
			continue
		}
		if tests != c.tests || !classes["yes"] || !classes["no"] || len(classes) != 2 {
			t.Errorf("%v: %d to test of classes %v, want %d of yes and no", c.parts, tests, classes, c.tests)
		}
	}
}

func TestDeepFolders(t *testing.T) {
	dir := t.TempDir()
	for _, word := range []string{"yes", "no"} {
		for k := range 5 {
			put(t, filepath.Join(dir, "all", "of", "them", word, string(rune('0'+k))+".wav"), tone(8000, 1024, 500))
		}
	}
	s, err := all(t, dir, Sounds{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "/all/of/them are the classes, give that one") {
		t.Errorf("notes %q do not name the folder whose folders are the classes", notes)
	}
	if _, _, err := Open(dir, Options{}); err != nil {
		t.Errorf("recordings five folders down are not found: %v", err)
	}
}

func TestNamesOfSounds(t *testing.T) {
	dir := words(t, true)
	if _, err := all(t, dir, Sounds{}, 0); err == nil || !strings.Contains(err.Error(), "--label-pattern") {
		t.Errorf("error %v does not tell how to find classes in names", err)
	}
	train, test, err := Open(dir, Options{Sounds: Sounds{Label: "^([a-z]+)_", Group: "_([a-z]+)_"}, Test: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 6 || test.Len() != 6 || sharesGroups(train, test) || train.Mean == nil {
		t.Errorf("%d to train on, %d to test, groups shared: %v, means %v", train.Len(), test.Len(), sharesGroups(train, test), train.Mean)
	}
}

func TestListsOfSounds(t *testing.T) {
	dir := words(t, true)
	list := filepath.Join(dir, "all.csv")
	put(t, list, []byte("\xef\xbb\xbffile;word;speaker\r\nyes_ann_0.WAV;ja;a\r\n# a remark\r\nno_bob_1.WAV;nein;b\r\n\r\n./no_ann_2.WAV;nein;a\r\n"))
	put(t, filepath.Join(dir, "test.txt"), []byte("no_bob_1.WAV\n"))
	train, test, err := Open(dir, Options{Sounds: Sounds{List: list, TestList: "test.txt"}, By: ByClass})
	if err != nil {
		t.Fatal(err)
	}
	if _, name, _ := test.Sound(0); test.Len() != 1 || name != "no_bob_1.WAV" || train.Len() != 2 || !slices.Equal(train.Classes, []string{"ja", "nein"}) || test.Group(0) != "b" {
		t.Errorf("test part of %d with %s, training part of %d, classes %q, group %q", test.Len(), name, train.Len(), train.Classes, test.Group(0))
	}
	put(t, list, []byte("yes_ann_0.WAV,0.5\nno_bob_1.WAV,-2\n"))
	set, _, err := openSounds(dir, Options{Sounds: Sounds{List: list}, Regression: true})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 1)
	if set.Target(1, y); set.Task != nn.Regression || y[0] != -2 {
		t.Errorf("%v, target %v, expected a regression and -2", set.Task, y)
	}
}

func TestResampledSounds(t *testing.T) {
	dir := words(t, false)
	put(t, filepath.Join(dir, "yes", "zoe_0.wav"), tone(16000, 2048, 500))
	if _, err := all(t, dir, Sounds{}, 0); err == nil || !strings.Contains(err.Error(), "--resample 8000") || !strings.Contains(err.Error(), "zoe_0.wav") {
		t.Errorf("error %v does not name the file and --resample", err)
	}
	s, err := all(t, dir, Sounds{Rate: 8000}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "1 of 13 recordings have another rate") {
		t.Errorf("notes are %q", notes)
	}
	// The same tone, recorded at twice the rate, has the same features away from its ends.
	a, b := make([]float32, s.Steps*s.Features), make([]float32, s.Steps*s.Features)
	s.Sample(6, a) // yes/ann_0
	s.Sample(12, b)
	for j := 1; j < 6; j++ {
		at := (s.Steps-7+j)*s.Features + 6 // a band that hears the tone
		if d := math.Abs(float64(a[at] - b[at])); d > 0.02 {
			t.Errorf("row %d differs by %v", j, d)
		}
	}
}

func TestRefusedSounds(t *testing.T) {
	for want, prepare := range map[string]func(dir string) Sounds{
		"cut off": func(dir string) Sounds {
			put(t, filepath.Join(dir, "no", "a.wav"), tone(8000, 99, 1)[:90])
			return Sounds{}
		},
		"has no samples":          func(dir string) Sounds { put(t, filepath.Join(dir, "no", "a.wav"), tone(8000, 0, 1)); return Sounds{} },
		"expected logmel or mfcc": func(string) Sounds { return Sounds{Features: "plp"} },
		"finds nothing in":        func(string) Sounds { return Sounds{Group: "_(xx)"} },
		"expected 1":              func(string) Sounds { return Sounds{Group: "_xx"} },
		"missing closing":         func(string) Sounds { return Sounds{Label: "("} },
		"no such file":            func(string) Sounds { return Sounds{List: "nowhere.txt"} },
		"is in line 1 already": func(dir string) Sounds {
			put(t, filepath.Join(dir, "l"), []byte("yes/ann_0.wav\nyes/ann_0.wav\n"))
			return Sounds{List: "l"}
		},
		"other fields": func(dir string) Sounds {
			put(t, filepath.Join(dir, "l"), []byte("yes/ann_0.wav,a\nyes/ann_1.wav\n"))
			return Sounds{List: "l"}
		},
		"is no .wav file": func(dir string) Sounds {
			put(t, filepath.Join(dir, "l"), []byte("yes/ann_0.wav\nyes/ann_1.mp3\n"))
			return Sounds{List: "l"}
		},
		"is not among the recordings": func(dir string) Sounds {
			put(t, filepath.Join(dir, "l"), []byte("yes/eve_0.wav\n"))
			return Sounds{TestList: "l"}
		},
		"no sequence is left to train on": func(dir string) Sounds {
			put(t, filepath.Join(dir, "l"), []byte("yes/ann_0.wav\n"))
			return Sounds{List: "l", TestList: "l"}
		},
	} {
		dir := words(t, false)
		if _, err := all(t, dir, prepare(dir), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
	if _, _, err := Open(t.TempDir(), Options{Sounds: Sounds{Features: "mfcc"}}); err == nil || !strings.Contains(err.Error(), "no .wav is in it") {
		t.Errorf("error %v, expected one that tells that there are no recordings", err)
	}
}

// What a network was trained on is read again in the same way.
func TestReopenedSounds(t *testing.T) {
	dir := words(t, false)
	o := Options{Test: 0.4, Seed: 5, Sounds: Sounds{Features: "mfcc,bands=14,coefficients=6", Group: "/([a-z]+)_"}}
	train, _, err := OpenSource(context.Background(), dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := Reopen(context.Background(), train.Origin, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Fingerprint() != train.Fingerprint() || *again.Audio != *train.Audio {
		t.Error("the set that was read again differs")
	}
}

// A row of many bands for every sample takes a thousand times the recording.
func TestSoundsWithinMemory(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "hum", "a.wav"), tone(8000, 1<<17, 200))
	was := budget.Limit()
	budget.SetLimit(32 << 20)
	defer budget.SetLimit(was)
	var over *budget.Error
	if _, err := all(t, dir, Sounds{Features: "logmel,frame=4096,hop=1,bands=128"}, 0); !errors.As(err, &over) || !strings.Contains(err.Error(), "a.wav") {
		t.Errorf("error %v", err)
	}
}
