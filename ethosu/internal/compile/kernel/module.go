// SPDX-License-Identifier: Apache-2.0

package kernel

// Module is a network as kernels in execution order, with the constants and the
// interface that they share.
type Module struct {
	Kernels   []*Kernel
	Constants *Constants
	Weights   *WeightSet

	Inputs, Outputs, Variables []Bound

	// States are the input and the output of every state that may share one place.
	States [][2]*Buffer
}

// NewModule returns a module without kernels.
func NewModule() *Module { return &Module{Constants: newConstants(), Weights: &WeightSet{}} }
