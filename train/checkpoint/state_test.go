// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
)

// A run goes on from a file with the result of a run that never stopped.
func TestResumeFromFile(t *testing.T) {
	all, _ := dataset.Digits(1, 60, 0)
	set, validation, err := dataset.Split(all, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := dataset.Standardize(set, validation); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	c := train.Config{Units: 8, Window: 3, Carry: true, Average: 0.9, Epochs: 3, Batch: 2, Seed: 5, Validation: validation, Save: func(s *train.State) error {
		file.Reset()
		return WriteState(&file, s)
	}}
	want, err := train.Fit(context.Background(), c, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = train.Fit(ctx, c, set, func(p train.Progress) {
		if p.Step == 25 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if c.Resume, err = ReadState("state", bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
		t.Fatal(err)
	}
	if c.Resume.Best == nil {
		t.Error("the best network got lost")
	}
	if _, err := Read("state", bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
		t.Errorf("a state does not read as a network: %v", err)
	}
	got, err := train.Fit(context.Background(), c, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("resumed from a file (-without a stop +resumed):\n%s", d)
	}
	b := written(t, want)
	if _, err := ReadState("net", bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), "net: no training state") {
		t.Errorf("a finished network read as a state: error %v", err)
	}
}
