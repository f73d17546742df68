// SPDX-License-Identifier: Apache-2.0

package codegen_test

import (
	"context"
	"fmt"
	"log"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// The way of unroll build: from a data set to a C project that is proven on the simulator.
func Example() {
	ctx := context.Background()
	set, test := dataset.Digits(1, 300, 40)
	net, err := train.Fit(ctx, train.Config{Name: "gru8", Cell: nn.GRU, Units: 8, Epochs: 1}, set, nil)
	if err != nil {
		log.Fatal(err)
	}
	low, err := lower.Lower(ctx, net, set, lower.Options{StateIO: true})
	if err != nil {
		log.Fatal(err)
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		log.Fatal(err)
	}
	program, err := compile.Compile(low.Int8, compile.Options{Accel: accel}) // verified
	if err != nil {
		log.Fatal(err)
	}
	feed, err := low.Feed(test)
	if err != nil {
		log.Fatal(err)
	}
	proof, err := runner.Prove(low.Int8, program, feed, runner.ProofOptions{Single: 20, Chain: 10})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(proof.Calls, "calls on simulator and reference,", proof.Mismatches, "differ")

	reference, err := runner.NewReference(low.Int8)
	if err != nil {
		log.Fatal(err)
	}
	recorded, err := runner.Record(reference, 4, feed)
	if err != nil {
		log.Fatal(err)
	}
	project := codegen.Project{Prefix: "gru8", Program: program}
	project.Know(low.Facts)
	for _, r := range recorded {
		project.Golden = append(project.Golden, codegen.Call{Reset: r.Reset, Inputs: r.Inputs, Outputs: r.Outputs})
	}
	tree, err := codegen.Generate(project) // tree.WriteTo("gru8", false) puts it on disk
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(tree["include/gru8.h"][:38]))
	// Output:
	// 30 calls on simulator and reference, 0 differ
	// /* SPDX-License-Identifier: Apache-2.0
}
