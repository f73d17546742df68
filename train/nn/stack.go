// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"strconv"
	"strings"
)

// StackHelp says how ParseStack wants a stack of layers written.
const StackHelp = `layers from the input on, with commas between them: dense:UNITS, conv:UNITSxROWS (sees the last ROWS rows), a cell (gru:UNITS, lstm:UNITS, rnn:UNITS, mingru:UNITSxROWS), bi-CELL:UNITS (a pair, one of which runs from the last step to the first), and mean, max or last, which make one row of all steps. An activation may follow (tanh, relu, sigmoid, linear), as may classic (gru), gate (mingru) and a rank of the recurrent matrix (gru:64:r16; gru, lstm, rnn): conv:32x5:relu,bi-gru:48,max,dense:32`

// ParseStack reads a stack of layers as StackHelp describes it. Units that are not
// given are units. The layers have no features and no tensors yet: see Complete.
//
// A pair that is not followed by a pooling ends, unless every step has an output, in
// what each of the two computes last, as Keras' Bidirectional does.
func ParseStack(text string, units int, perStep bool) ([]Layer, error) {
	p := stackParser{units: units}
	for _, part := range strings.Split(text, ",") {
		if err := p.add(strings.TrimSpace(part)); err != nil {
			return nil, fmt.Errorf("layers %q: %w", text, err)
		}
	}
	if p.pair != [2]string{} && !p.pooled && !perStep {
		p.last()
	}
	if n := len(p.layers); n > MaxLayers {
		return nil, fmt.Errorf("layers %q: %d layers, a pair counting as three: expected at most %d", text, n, MaxLayers)
	}
	return p.layers, nil
}

// stackParser collects the layers.
type stackParser struct {
	units  int
	layers []Layer
	pair   [2]string // layers of the pair that was added last, with their concatenation at the end
	pooled bool
}

func (p *stackParser) push(l Layer) string {
	p.layers = append(p.layers, l)
	n := Network{Layers: p.layers}
	return n.LayerName(len(p.layers) - 1)
}

func (p *stackParser) add(part string) error {
	name, rest, sized := strings.Cut(part, ":")
	if pool, err := ParsePool(name); err == nil && pool != PoolFirst {
		switch {
		case sized:
			return fmt.Errorf("%q: %s takes no units", part, name)
		case p.pooled:
			return fmt.Errorf("%q: only one row is left to make one of", part)
		}
		if p.pooled = true; pool == PoolLast && p.pair != [2]string{} {
			p.last()
			return nil
		}
		p.pair = [2]string{}
		p.push(Layer{Kind: Pooling, Pool: pool, Activation: Linear})
		return nil
	}
	cell, two := strings.CutPrefix(name, "bi-")
	l := Layer{Activation: Tanh, Units: p.units}
	switch {
	case cell == "dense":
		l.Kind, l.Activation = Dense, Relu
	case cell == "conv":
		l.Kind, l.Activation, l.Window = Convolution, Relu, 3
	default:
		var err error
		if cell == "layernorm" || cell == "norm" || cell == "batchnorm" {
			return fmt.Errorf("%q: layers that normalize are not trained: the NPU has neither a root nor a division of computed values, and the deviation of every row would take both at every step; features are standardized instead, and states of tanh are bounded. Imported networks may have them (docs/formats.md)", name)
		}
		if l.Cell, err = ParseCell(cell); err != nil {
			return fmt.Errorf("%q is no layer: expected dense, conv, %s, one of these cells with bi- before it, mean, max or last", name, CellNames())
		}
		l.ResetAfter = l.Cell == GRU
	}
	if p.pooled && l.Kind != Dense {
		return fmt.Errorf("%q: only dense layers can follow a pooling: no steps are left", part)
	}
	if two && l.Kind != Recurrent {
		return fmt.Errorf("%q: only a cell runs both ways", part)
	}
	if sized {
		said := map[string]string{}
		for i, option := range strings.Split(rest, ":") {
			what, err := l.option(option, i == 0)
			if err != nil {
				return fmt.Errorf("%q: %w", part, err)
			}
			if before, twice := said[what]; twice {
				return fmt.Errorf("%q: %s and %s each say the %s: leave out one of them", part, before, option, what)
			}
			said[what] = option
		}
		if l.Kind == Recurrent {
			if err := l.CheckRank(); err != nil {
				return fmt.Errorf("%q: %w", part, err)
			}
		}
	}
	p.pair = [2]string{}
	if !two {
		p.push(l)
		return nil
	}
	before := Input
	if n := len(p.layers); n > 0 {
		before = (&Network{Layers: p.layers}).LayerName(n - 1)
	}
	l.Inputs = []string{before}
	p.pair[0] = p.push(l)
	l.Inputs, l.Reversed = []string{before}, true
	p.pair[1] = p.push(l)
	p.push(Layer{Kind: Concatenation, Inputs: p.pair[:], Activation: Linear})
	p.layers[len(p.layers)-1].Inputs = []string{p.pair[0], p.pair[1]}
	return nil
}

// last puts what each of a pair computes last in the place of their concatenation.
func (p *stackParser) last() {
	p.layers = p.layers[:len(p.layers)-1]
	forward := p.push(Layer{Kind: Pooling, Pool: PoolLast, Inputs: []string{p.pair[0]}, Activation: Linear})
	backward := p.push(Layer{Kind: Pooling, Pool: PoolFirst, Inputs: []string{p.pair[1]}, Activation: Linear})
	p.push(Layer{Kind: Concatenation, Inputs: []string{forward, backward}, Activation: Linear})
	p.pair = [2]string{}
}

// option reads units with a window, an activation, a variant or a rank, and tells which of these
// it is.
func (l *Layer) option(text string, first bool) (what string, err error) {
	size, window, seen := strings.Cut(text, "x")
	if n, err := strconv.Atoi(size); err == nil && first {
		if l.Units = n; n < 1 || n > maxStackUnits {
			return "", fmt.Errorf("%d units: expected 1 to %d", n, maxStackUnits)
		}
		if !seen {
			return "units", nil
		}
		if l.Window, err = strconv.Atoi(window); err != nil || l.Window < 1 || l.Window > maxStackWindow {
			return "", fmt.Errorf("%q rows: expected a number, 1 to %d", window, maxStackWindow)
		}
		if l.Kind == Dense {
			return "", fmt.Errorf("a dense layer sees one row; conv:%s sees %d", text, l.Window)
		}
		return "units", nil
	}
	switch {
	case text == "classic" && l.Kind == Recurrent && l.Cell == GRU:
		l.ResetAfter = false
		return "variant", nil
	case text == "gate" && l.Kind == Recurrent && l.Cell.Facts().OutputGate:
		l.OutputGate = true
		return "variant", nil
	case strings.HasPrefix(text, "r") && text != "relu" && l.Kind == Recurrent:
		n, err := strconv.Atoi(text[1:])
		if err != nil {
			return "", fmt.Errorf("%q is neither units nor an option of a %s; a rank is written r16", text, l.what())
		}
		if l.Rank = n; n < 1 {
			return "", fmt.Errorf("rank %d: expected a positive number", n)
		}
		return "rank", nil
	}
	if l.Activation, err = ParseActivation(text); err != nil {
		return "", fmt.Errorf("%q is neither units nor an option of a %s", text, l.what())
	}
	return "activation", nil
}

func (l *Layer) what() string {
	if l.Kind == Recurrent {
		return l.Cell.String() + " layer"
	}
	return l.Kind.String() + " layer"
}

// MaxLayers bounds the layers of a network.
const MaxLayers = 64

// Bounds of what a stack may ask for: beyond them a slip is likelier than a wish.
const (
	maxStackUnits  = 4096
	maxStackWindow = 64
)

// Complete sets the features of every layer, and the units of those that have no say in
// them, from what they read. The layers' Inputs must be resolved by Sources.
func (n *Network) Complete() error {
	for i := range n.Layers {
		sources, err := n.Sources(i)
		if err != nil {
			return err
		}
		l := &n.Layers[i]
		l.Features = 0
		for _, s := range sources {
			if s < 0 {
				l.Features += n.Features
			} else {
				l.Features += n.Layers[s].Units
			}
		}
		if l.Kind == Concatenation || l.Kind == Activate || l.Kind == Pooling {
			l.Units = l.Features
		}
	}
	return nil
}
