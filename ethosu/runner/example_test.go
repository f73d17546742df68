// SPDX-License-Identifier: Apache-2.0

package runner_test

import (
	"fmt"
	"log"
	"os"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
)

// A compiled .tflite, ours or Vela's, runs on the simulated NPU with its states carried.
func ExampleNewSimulator() {
	name := "model.npu.tflite"
	file, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	program, err := vela.Read(name, file)
	if err != nil {
		log.Fatal(err)
	}
	npu, err := runner.NewSimulator(program)
	if err != nil {
		log.Fatal(err)
	}
	session := runner.NewSession(npu, npu.States())
	for range 3 {
		for i := range session.In[0] {
			session.In[0][i] = 1 // raw bytes of the first input
		}
		if err := session.Call(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(session.Out[0])
	}
}
