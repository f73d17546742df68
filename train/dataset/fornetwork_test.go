// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// writeCSV writes sequences of two steps, one for each label.
func writeCSV(t *testing.T, name string, labels ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("sequence,u,v,label\n")
	for i, l := range labels {
		fmt.Fprintf(&b, "%d,%d,1,%s\n%d,2,%d,%s\n", i, i, l, i, -i, l)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, file string, o Options) (train, test *Set) {
	t.Helper()
	train, test, err := OpenSource(context.Background(), file, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

func TestLabelsMatchByName(t *testing.T) {
	net := &nn.Network{Name: "n", Outputs: 3, Classes: []string{"a", "b", "c"}}
	train, _ := open(t, writeCSV(t, "bc.csv", "b", "c", "b", "c", "c", "b"), Options{Seed: 1})
	got, assumed, err := train.MatchClasses(net)
	if err != nil || assumed != "" {
		t.Fatal(assumed, err)
	}
	for i := range train.Len() {
		if want := train.Classes[train.Label(i)]; net.Classes[got.Label(i)] != want {
			t.Errorf("sequence %d is %q, matched as class %d", i, want, got.Label(i))
		}
	}
	if got.Outputs != 3 || len(got.Counts()) != 3 {
		t.Errorf("%d outputs", got.Outputs)
	}

	// Numbers in place of names are the network's own.
	train, _ = open(t, writeCSV(t, "n.csv", "0", "1", "2", "1"), Options{Seed: 1})
	if got, _, err = train.MatchClasses(net); err != nil || got.Label(0) != train.Label(0) {
		t.Errorf("numbered labels: %v", err)
	}
	// Names that are numbers are names.
	train, _ = open(t, writeCSV(t, "m.csv", "1", "2", "2", "1"), Options{Seed: 1})
	if got, _, err = train.MatchClasses(&nn.Network{Outputs: 3, Classes: []string{"0", "1", "2"}}); err != nil || got.Label(0) != train.Label(0)+1 {
		t.Errorf("labels 1 and 2 of a network with classes 0, 1 and 2: %v", err)
	}
	train, _ = open(t, writeCSV(t, "x.csv", "a", "d", "a", "d"), Options{Seed: 1})
	if _, _, err := train.MatchClasses(net); err == nil || !strings.Contains(err.Error(), `the class "d"`) {
		t.Errorf("a class that the network does not know: %v", err)
	}
	if _, assumed, err := train.MatchClasses(&nn.Network{Outputs: 2}); err != nil || !strings.Contains(assumed, `output 0 of  is class "a"`) {
		t.Errorf("a network without names: %q, %v", assumed, err)
	}
}

// TestDivisionIsThatOfTheTraining opens a set again in every way that a user may ask for.
func TestDivisionIsThatOfTheTraining(t *testing.T) {
	labels := strings.Fields(strings.Repeat("a b ", 10))
	file := writeCSV(t, "ab.csv", labels...)
	train, _ := open(t, file, Options{Seed: 7, Test: 0.3, Standardize: StandardizeOn})
	net := &nn.Network{Name: "n", Outputs: 2, Classes: train.Classes, Mean: train.Mean, Std: train.Std, Facts: &facts.Facts{Data: train.Origin}}
	seed, test := uint64(8), 0.5
	for name, w := range map[string]Wishes{
		"nothing said": {Default: Options{Seed: 1}}, "the same file": {Source: file}, "standardized again": {Source: file, Standardize: true},
	} {
		got, _, _, err := OpenFor(context.Background(), net, "", w, nil)
		if err != nil || got.Fingerprint() != train.Fingerprint() {
			t.Errorf("%s: another training part, %v", name, err)
		}
	}
	for name, w := range map[string]Wishes{"another seed": {Seed: &seed}, "another fraction": {Source: file, Test: &test}} {
		if _, _, _, err := OpenFor(context.Background(), net, "", w, nil); err == nil || !strings.Contains(err.Error(), "leave out --seed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Other data may be divided as one likes.
	if _, _, _, err := OpenFor(context.Background(), net, "", Wishes{Source: writeCSV(t, "ba.csv", labels[1:]...), Seed: &seed}, nil); err != nil {
		t.Error(err)
	}
	// The file lies beside the network, wherever that went.
	beside := *net
	d := *train.Origin
	d.Source = filepath.Base(file)
	beside.Facts = &facts.Facts{Data: &d}
	if _, _, _, err := OpenFor(context.Background(), &beside, filepath.Join(filepath.Dir(file), "n.safetensors"), Wishes{}, nil); err != nil {
		t.Error(err)
	}
	raw := *net
	raw.Mean, raw.Std = nil, nil
	if _, _, _, err := OpenFor(context.Background(), &raw, "", Wishes{Standardize: true}, nil); err == nil || !strings.Contains(err.Error(), "trained on features as they are") {
		t.Errorf("standardized features for a network of raw ones: %v", err)
	}
	if _, _, _, err := OpenFor(context.Background(), &nn.Network{}, "", Wishes{}, nil); !errors.Is(err, ErrNoSource) {
		t.Errorf("no data named: %v", err)
	}
}
