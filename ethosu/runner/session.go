// SPDX-License-Identifier: Apache-2.0

package runner

// Session calls a model again and again and carries its states.
type Session struct {
	m      Model
	states []State
	In     [][]byte // one value for each input; states are filled in by Call
	Out    [][]byte // outputs of the last call
}

// NewSession starts a sequence in the reset state. Pass m.States() for the model's
// own pairs, or others from PairStates; nil carries nothing.
func NewSession(m Model, states []State) *Session {
	s := &Session{m: m, states: states, In: Buffers(m.Inputs()), Out: Buffers(m.Outputs())}
	s.Reset()
	return s
}

// Reset puts every input back to real 0, the states with them, and the variables that
// the model keeps.
func (s *Session) Reset() {
	s.m.Reset()
	ins := s.m.Inputs()
	for i := range ins {
		FillReset(&ins[i], s.In[i])
	}
}

// Call runs one call on s.In and then carries the states into s.In for the next one.
func (s *Session) Call() error {
	if err := s.m.Invoke(s.In, s.Out); err != nil {
		return err
	}
	for _, st := range s.states {
		copy(s.In[st.In], s.Out[st.Out])
	}
	return nil
}
