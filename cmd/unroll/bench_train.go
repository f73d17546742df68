package main

import (
	"fmt"
	"time"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
)

// benchTrain measures one epoch of the default network on embedded digits.
func benchTrain(c *cli, asJSON bool) error {
	set, _ := dataset.Digits(1, 3200, 1)
	start := time.Now()
	if _, err := fit(c, train.Config{Seed: 1}, set); err != nil {
		return err
	}
	rate := float64(set.Len()) / time.Since(start).Seconds()
	if asJSON {
		return printJSON(c.stdout, map[string]any{"images_per_second": rate})
	}
	_, err := fmt.Fprintf(c.stdout, "%.0f images/s, GRU 256 on 28 x 28\n", rate)
	return err
}
