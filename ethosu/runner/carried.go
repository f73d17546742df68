// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
)

// carried calls the model of one time step for every step of a call.
type carried struct {
	step      Model
	steps     int
	s         *Session
	ins, outs []Tensor
	moves     [2][]bool // of inputs and outputs: they have a value for every step
}

// NewCarried makes of a model of one time step a model of so many, whose inputs but
// the states have a time axis; with perStep the outputs, too, else they are those of
// the last step. It is what ethosu/compile.Sequence promises, said in another way.
func NewCarried(step Model, steps int, perStep bool) (Model, error) {
	if steps < 1 {
		return nil, fmt.Errorf("a call of %d time steps: expected at least 1", steps)
	}
	c := &carried{step: step, steps: steps, ins: step.Inputs(), outs: step.Outputs()}
	var state [2]map[int]bool
	state[0], state[1] = map[int]bool{}, map[int]bool{}
	for _, s := range step.States() {
		state[0][s.In], state[1][s.Out] = true, true
	}
	for side, list := range []*[]Tensor{&c.ins, &c.outs} {
		c.moves[side] = make([]bool, len(*list))
		*list = append([]Tensor(nil), *list...)
		for i := range *list {
			if !state[side][i] && (side == 0 || perStep) {
				c.moves[side][i] = true
				(*list)[i].Shape = ethosu.WithTime((*list)[i].Shape, steps)
			}
		}
	}
	c.s = NewSession(step, step.States())
	return c, nil
}

func (c *carried) Inputs() []Tensor  { return c.ins }
func (c *carried) Outputs() []Tensor { return c.outs }
func (c *carried) States() []State   { return c.step.States() }
func (c *carried) Reset()            { c.step.Reset() }

func (c *carried) Clone() Model {
	d := *c
	d.step = c.step.Clone()
	d.s = NewSession(d.step, d.step.States())
	return &d
}

func (c *carried) Invoke(in, out [][]byte) error {
	for i := range in {
		if !c.moves[0][i] {
			copy(c.s.In[i], in[i])
		}
	}
	for t := range c.steps {
		for i := range in {
			if n := len(c.s.In[i]); c.moves[0][i] {
				copy(c.s.In[i], in[i][t*n:(t+1)*n])
			}
		}
		if err := c.s.Call(); err != nil {
			return fmt.Errorf("time step %d: %w", t, err)
		}
		for i := range out {
			if n := len(c.s.Out[i]); c.moves[1][i] {
				copy(out[i][t*n:(t+1)*n], c.s.Out[i])
			}
		}
	}
	for i := range out {
		if !c.moves[1][i] {
			copy(out[i], c.s.Out[i])
		}
	}
	return nil
}
