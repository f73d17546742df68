// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// softmaxesOfVela returns Vela's softmaxes for the U85 as one stage of a program.
func softmaxesOfVela(t *testing.T, prefix string) *ethosu.Program {
	t.Helper()
	for name, p := range compiledU85(t) {
		if strings.HasPrefix(name, prefix) {
			if len(p.Stages) != 1 {
				t.Fatalf("%s has %d stages, expected one", name, len(p.Stages))
			}
			return p
		}
	}
	t.Fatalf("Vela has no %s", prefix)
	return nil
}

// TestSoftmaxIsCharged: what a softmax takes is charged by the cells that are followed, so
// that a stream of softmax after softmax comes to the end of the work that is done for one
// stream. Counted is the charge, not how long it takes.
func TestSoftmaxIsCharged(t *testing.T) {
	p := softmaxesOfVela(t, "SOFTMAX_int8")
	s := p.Stages[0]
	regions := memoriesOf(p).regions(newChecker(p.Accel, Regions{}), &s)
	once := newChecker(p.Accel, regions)
	once.walk(s.Commands)
	if len(once.findings) > 0 {
		t.Fatalf("findings, the first: %v", once.findings[0])
	}
	// The results are in as many cells as the sum by which a softmax divides; at least ten
	// operations from that on work on the cells, each with five passes.
	softmaxes, cells := 0, 0
	for _, w := range once.values.all() {
		if n := len(w.v.cells); n > 1 {
			softmaxes, cells = softmaxes+1, cells+n
		}
	}
	if softmaxes < 20 || cells < 1000*softmaxes {
		t.Fatalf("%d cells of %d softmaxes: nothing to charge", cells, softmaxes)
	}
	if least := cells * 10 * 5 / cellsAtOnce; once.work < least {
		t.Errorf("%d softmaxes of %d operations with %d cells are charged %d, expected at least %d", softmaxes, once.operations, cells, once.work, least)
	}
	var again []uint32
	for range 5 {
		again = append(again, s.Commands[:len(s.Commands)-1]...)
	}
	c := newChecker(p.Accel, regions)
	c.work = maxWork - 3*once.work
	c.walk(append(again, s.Commands...))
	if len(c.findings) != 1 || !strings.Contains(c.findings[0].String(), "not judged") {
		t.Errorf("six times the work that is left for three: findings %v", c.findings)
	}
	if c.operations < once.operations || c.operations >= 4*once.operations {
		t.Errorf("stopped after %d operations, expected at most %d", c.operations, 4*once.operations)
	}
}

// TestKeptCellsAreBounded: of more maps than there is room for the oldest keep one bound.
func TestKeptCellsAreBounded(t *testing.T) {
	c := checkerOf(t, "ethos-u85-256")
	cut := newSplitU85(bound{0, 1<<31 - 1})
	maps := 3 * maxCells / len(cut.cells)
	for i := range maps {
		f := plain(uint64(4*i), 1, 1, 1, typeS32)
		c.keep(written{f, f.Spans(), value{by: cut, cells: cut.cells, group: 3, some: bound{0, int64(i)}}})
	}
	cells := 0
	for i, w := range c.values.all() {
		v := &w.v
		cells += len(v.cells)
		if v.hull() != (bound{0, 1<<31 - 1}) || v.group != 3 || v.some.hi != int64(i) {
			t.Fatalf("map %d: %v, groups of %d, %v", i, v.hull(), v.group, v.some)
		}
		if (len(v.cells) == 1) != (v.by == nil) {
			t.Fatalf("map %d: %d cells of %v", i, len(v.cells), v.by)
		}
	}
	if cells > maxCells || cells < maxCells-len(cut.cells)-maps {
		t.Errorf("%d cells of %d maps are kept, expected nearly %d", cells, maps, maxCells)
	}
	if n := len(c.values.all()[maps-1].v.cells); n != len(cut.cells) {
		t.Errorf("the newest map has %d cells, expected %d", n, len(cut.cells))
	}
}
