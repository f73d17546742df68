// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/unroll-npu/unroll/train"
)

// benchSteps is the number of training steps that a rate is measured over.
const benchSteps = 60

// benchTrain measures training of the default network and its share of the machine's
// arithmetic peak, with one worker and with all.
func benchTrain(c *cli, asJSON bool) error {
	if !asJSON {
		_, err := train.Bench(train.Config{}, benchSteps, c.stdout)
		return err
	}
	speeds, err := train.Bench(train.Config{}, benchSteps, nil)
	if err != nil {
		return err
	}
	return printJSON(c.stdout, benchedTraining{speeds})
}

// benchedTraining is what bench train prints with --json.
type benchedTraining struct {
	Train []train.Speed `json:"train"`
}
