// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"fmt"
	"log"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// A GRU learns the embedded digits, rows as time steps.
func ExampleFit() {
	set, test := dataset.Digits(1, 1200, 200)
	net, err := train.Fit(context.Background(), train.Config{Name: "gru16", Cell: nn.GRU, Units: 32, Epochs: 20}, set, nil)
	if err != nil {
		log.Fatal(err)
	}
	accuracy, _ := train.Evaluate(net, test)
	fmt.Println("learned something:", accuracy > 0.5)
	// Output: learned something: true
}
