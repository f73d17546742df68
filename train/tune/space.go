// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Dimension is a flag of a build with the values that are tried.
type Dimension struct {
	Flag   string   `json:"flag"`
	Values []string `json:"values"`
}

// Space is what is searched: every choice of a value for each dimension. The order is that
// of the flags in commands.
type Space []Dimension

// layersFlag takes a number of layers of one cell, or a list of layers, which says by itself
// what ofCells say of the layers otherwise.
const layersFlag = "layers"

var ofCells = []string{"cell", "window", "rank"}

// Candidate is a choice of values, by flag.
type Candidate map[string]string

// Args are the flags of a candidate as a build takes them, in the order of the space.
func (s Space) Args(c Candidate) []string {
	var args []string
	for _, d := range s {
		if v, ok := c[d.Flag]; ok {
			args = append(args, "--"+d.Flag+"="+v)
		}
	}
	return args
}

// Name tells a candidate's values in short: of the dimensions with more than one value.
func (s Space) Name(c Candidate) string {
	var parts []string
	for _, d := range s {
		if v, ok := c[d.Flag]; ok && len(d.Values) > 1 {
			parts = append(parts, d.Flag+" "+v)
		}
	}
	if parts == nil {
		return "the only candidate"
	}
	return strings.Join(parts, ", ")
}

// Check tells what is wrong with a space.
func (s Space) Check() error {
	seen := map[string]bool{}
	for _, d := range s {
		if seen[d.Flag] {
			return fmt.Errorf("space: %s is there twice", d.Flag)
		}
		if seen[d.Flag] = true; len(d.Values) == 0 {
			return fmt.Errorf("space: %s has no values", d.Flag)
		}
		for i, v := range d.Values {
			if v == "" || slices.Contains(d.Values[:i], v) {
				return fmt.Errorf("space: %s has the value %q, which is empty or there already: expected values that differ", d.Flag, v)
			}
		}
	}
	return nil
}

// withoutMatrix is the cell that has no recurrent matrix, and so no rank of one.
const withoutMatrix = "mingru"

// Settled drops what a candidate does not need to say: a rank of 0, which is no rank, or of a
// cell without a matrix, and what a list of layers says by itself.
func Settled(c Candidate) Candidate {
	c = maps.Clone(c)
	if c["rank"] == "0" || c["cell"] == withoutMatrix {
		delete(c, "rank")
	}
	if _, err := strconv.Atoi(c[layersFlag]); err != nil && c[layersFlag] != "" {
		for _, flag := range ofCells {
			delete(c, flag)
		}
	}
	return c
}

// drawing draws candidates. Every dimension deals its values like cards, so that each value
// comes about as often as the others however few candidates are drawn.
type drawing struct {
	space Space
	rng   *rand.Rand
	cards [][]string
	seen  map[string]bool
}

func (s Space) draw(seed uint64) *drawing {
	return &drawing{space: s, rng: rand.New(rand.NewPCG(seed, 0x74756e65)), cards: make([][]string, len(s)), seen: map[string]bool{}}
}

// mostMisses bounds how often in a row a drawing may meet what it has drawn before.
const mostMisses = 1000

// next returns a candidate that was not drawn before, false when there seems to be none.
func (d *drawing) next() (Candidate, bool) {
	for range mostMisses {
		c := Candidate{}
		for i, dim := range d.space {
			if len(d.cards[i]) == 0 {
				d.cards[i] = slices.Clone(dim.Values)
				d.rng.Shuffle(len(dim.Values), func(a, b int) { d.cards[i][a], d.cards[i][b] = d.cards[i][b], d.cards[i][a] })
			}
			c[dim.Flag], d.cards[i] = d.cards[i][0], d.cards[i][1:]
		}
		c = Settled(c)
		key := strings.Join(d.space.Args(c), " ")
		if !d.seen[key] {
			d.seen[key] = true
			return c, true
		}
	}
	return nil, false
}
