// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kinds of data, as messages call them.
const (
	kindEmbedded = "an embedded set"
	kindArrays   = "arrays"
	kindTable    = "a table"
	kindTables   = "a folder with a table for every sequence"
	kindChannels = "a folder with a table for every channel"
	kindSounds   = "recordings"
	kindPictures = "pictures"
)

// kindOf tells what a source is, as Open does; "" where Open says what is wrong with it.
func kindOf(source string, o Options) string {
	if slices.Contains([]string{NameDigits, NameStreams, NameIntegrator, NameMNIST}, source) {
		return kindEmbedded
	}
	info, err := os.Stat(source)
	if err == nil && info.IsDir() && !hasArrays(source) && !hasIDX(source) {
		if channels, err := channelsOf(source, o); err != nil {
			return ""
		} else if channels != nil {
			return kindChannels
		}
	}
	if err == nil && info.IsDir() {
		if _, apart, err := apartFrom(source, true, o); err != nil {
			return ""
		} else if apart != nil {
			return kindTable
		}
	}
	switch ext := strings.ToLower(filepath.Ext(unpacked(source))); {
	case err != nil:
		return ""
	case !info.IsDir() && ext == ".npz", info.IsDir() && (exists(filepath.Join(source, "x.npy")) || hasArrays(source)):
		return kindArrays
	case !info.IsDir() && slices.Contains(tableEnds, ext), info.IsDir() && o.Sounds.List == "" && hasPartTables(source):
		return kindTable
	case !info.IsDir():
		return ""
	case hasIDX(source):
		return kindPictures
	case sounds.within(source):
		return kindSounds
	case tables.within(source):
		return kindTables
	}
	return ""
}

// Unused refuses options that say nothing to a source of its kind: nothing is passed over that
// somebody asked for.
func Unused(source string, o Options) error {
	o = o.withDefaults()
	kind := kindOf(source, o)
	if kind == "" {
		return nil
	}
	for _, f := range []struct {
		flag  string
		given bool
		of    []string // kinds that it says something to
		hint  string
	}{
		{"--sequence-column", o.SequenceColumn != "sequence", []string{kindTable, kindTables}, ""},
		{"--label-column", o.Label != "label", []string{kindTable, kindTables}, ""},
		{"--group-column", o.Group != "", []string{kindTable, kindTables}, map[string]string{kindArrays: "; groups are an array \"group\"", kindSounds: "; groups are found by --group-pattern"}[kind]},
		{"--split-column", o.Split != "" && o.Split != NoSplit, []string{kindTable, kindTables}, map[string]string{kindArrays: "; parts are an array \"split\", or arrays x_train, x_val and x_test"}[kind]},
		{"--row-sequences", o.RowSequences, []string{kindTable, kindTables}, map[string]string{kindArrays: "; say --layout nt"}[kind]},
		{"--features", len(o.Features) > 0, []string{kindTable, kindTables, kindChannels}, ""},
		{"--ignore", len(o.Ignore) > 0, []string{kindTable, kindTables, kindChannels}, ""},
		{"--empty", o.Empty != EmptyPrevious, []string{kindTable, kindTables, kindChannels}, ""},
		{"--layout", o.Layout != "", []string{kindArrays}, ""},
		{"--length", o.Length > 0, []string{kindTable, kindTables, kindChannels, kindArrays, kindSounds}, ""},
	} {
		if f.given && !slices.Contains(f.of, kind) {
			return fmt.Errorf("%s is for %s, and %s is %s: leave it out%s", f.flag, f.of[0], source, kind, f.hint)
		}
	}
	return nil
}
