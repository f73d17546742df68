// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/nn"
)

// benchSteps is the number of training steps that a rate is measured over.
const benchSteps = 200

// benchedNetworks are the default network, and one without a recurrent matrix beside it.
var benchedNetworks = []train.Config{{}, {Cell: nn.MinGRU, Window: 2}}

// benchTrain measures training and its share of the machine's arithmetic peak, with one
// worker and with all.
func benchTrain(c *cli, asJSON bool) error {
	var w io.Writer
	if !asJSON {
		w = c.stdout
	}
	var all []train.Speed
	for _, config := range benchedNetworks {
		speeds, err := train.Bench(config, benchSteps, w)
		if err != nil {
			return err
		}
		all = append(all, speeds...)
	}
	if asJSON {
		return printJSON(c.stdout, benchedTraining{all})
	}
	n := len(all) / len(benchedNetworks)
	for i := range n {
		say := fmt.Sprintf("%d worker(s): %s takes %.1f times as many sequences as %s", all[i].Workers, all[n+i].Cell, all[n+i].Sequences/all[i].Sequences, all[i].Cell)
		if i > 0 {
			say += fmt.Sprintf("; %s %.2f times as many as one worker", all[i].Cell, all[i].Sequences/all[0].Sequences)
		}
		fmt.Fprintln(c.stdout, say)
	}
	return nil
}

// benchedTraining is what bench train prints with --json.
type benchedTraining struct {
	Train []train.Speed `json:"train"`
}
