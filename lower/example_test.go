// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"fmt"
	"log"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// A trained network becomes a quantized graph of one time step, whose state the caller
// carries, in a standard .tflite.
func ExampleLower() {
	ctx := context.Background()
	set, _ := dataset.Digits(1, 300, 40)
	net, err := train.Fit(ctx, train.Config{Name: "lstm8", Cell: nn.LSTM, Units: 8, Epochs: 1}, set, nil)
	if err != nil {
		log.Fatal(err)
	}
	low, err := lower.Lower(ctx, net, set, lower.Options{Steps: 1, StateIO: true})
	if err != nil {
		log.Fatal(err)
	}
	file, err := low.Encode()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(file[4:8]), len(low.Int8.States), "states")
	// Output: TFL3 2 states
}
