// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"
	"sort"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// SRAMPrice is what a byte of SRAM has to gain on an Ethos-U85, in cycles: copies that gain
// less are not made, or not as early. At less than a quarter RNNoise takes ten times the SRAM
// for a seventh of its cycles, and at more nothing gets smaller by much.
const SRAMPrice = 1.0 / 4

// flashPrice is what a byte of weights has to gain: those for the fast decoder are stored in
// more bytes.
const flashPrice = 1.0 / 8

// refined is how many weight tensors RefineWeights looks at: the largest ones.
const refined = 24

// refinedWell is the number of kernels up to which every form is given the best places of
// its transfers.
const refinedWell = 100

// RefineWeights goes on, for an Ethos-U85, from what the passes before it chose one after
// the other. Each weight tensor in turn is given every form and every way to be read, and
// so are its records: what is best for one depends on how the others take up the slow
// memory. Under a budget what is copied stays within it.
func RefineWeights(pl *Plan) error {
	if !pl.Accel.OwnMemories || !pl.prefetch {
		return nil
	}
	pl.refined = true
	if pl.fast == nil {
		pl.fast = map[*kernel.Weights]bool{}
	}
	r := &refiner{pl: pl, users: map[*kernel.Weights][]*Op{}, shared: pl.sharedRecords(), quick: len(pl.Ops) > refinedWell}
	for _, o := range pl.Ops {
		w := o.Weights
		if w == nil || pl.copies[w] == copyEach {
			continue
		}
		if r.users[w] == nil {
			r.list = append(r.list, w)
		}
		r.users[w] = append(r.users[w], o)
	}
	sort.SliceStable(r.list, func(i, j int) bool { return len(r.list[i].Values) > len(r.list[j].Values) })
	r.list = r.list[:min(len(r.list), refined)]
	best, err := r.start()
	if err != nil {
		return err
	}
	for range 3 {
		start := best
		for _, w := range r.list {
			if best, err = r.improve(w, best); err != nil {
				return err
			}
		}
		if best > 0.998*start {
			break
		}
	}
	if err := ChooseBlocks(pl); err != nil {
		return err
	}
	pl.Ops, _ = pl.ordered()
	return ChooseBlocks(pl)
}

// refiner is the weights of a plan and who reads them.
type refiner struct {
	pl     *Plan
	list   []*kernel.Weights
	users  map[*kernel.Weights][]*Op
	shared map[*kernel.Weights]*Coded
	quick  bool // by where transfers are at first
}

// start sets the better of what the passes before chose and of no copies but of records,
// and returns its cost: what is best for one of many copies is to be among them.
func (r *refiner) start() (float64, error) {
	best, err := r.cost()
	if err != nil {
		return 0, err
	}
	for _, fetch := range []bool{false, true} {
		keep := make([]form, len(r.list))
		for i, w := range r.list {
			keep[i] = r.form(w)
			r.set(w, form{fast: keep[i].fast, copy: readDirect, fetch: fetch})
		}
		t, err := r.cost()
		if err != nil {
			return 0, err
		}
		if t < best {
			best = t
			continue
		}
		for i, w := range r.list {
			r.set(w, keep[i])
		}
	}
	return best, nil
}

// form is how a weight tensor is stored and read.
type form struct {
	fast  bool
	copy  copyMode
	fetch bool // records, before each kernel
}

func (r *refiner) form(w *kernel.Weights) form {
	return form{r.pl.fast[w], r.pl.copies[w], r.users[w][0].fetchRecords}
}

func (r *refiner) set(w *kernel.Weights, f form) {
	r.pl.fast[w], r.pl.copies[w] = f.fast, f.copy
	if !f.fast {
		delete(r.pl.fast, w)
	}
	for _, o := range r.users[w] {
		o.fetchRecords = f.fetch
	}
}

// improve leaves a weight tensor in the form with the least cost.
func (r *refiner) improve(w *kernel.Weights, best float64) (float64, error) {
	keep := r.form(w)
	now := keep
	for _, fast := range []bool{false, true} {
		for _, c := range []copyMode{readDirect, copyWeights, copyBoth} {
			for _, fetch := range []bool{false, true} {
				f := form{fast, c, fetch}
				if f == now || fast && w.Depthwise || c == copyBoth && (fetch || r.shared[w] == nil) {
					continue
				}
				r.set(w, f)
				t, err := r.cost()
				if err != nil {
					return best, err
				}
				if t < best-slackCycles {
					best, keep = t, f
				}
			}
		}
	}
	r.set(w, keep)
	return best, nil
}

// slackCycles is what makes no difference.
const slackCycles = 0.5

// cost is the cycles of the schedule and what its SRAM is worth; infinite where more is
// copied than there is room for.
func (r *refiner) cost() (float64, error) {
	pl := r.pl
	resident, passing := 0, 0
	for w, users := range r.users {
		switch o := users[0]; {
		case pl.copies[w] == copyEach || pl.copies[w] == readDirect:
		case len(users) == 1: // free again behind it
			passing = max(passing, pl.copyBytes(o))
		default:
			resident += pl.copyBytes(o)
		}
		for _, o := range users {
			if o.fetchRecords {
				passing = max(passing, o.Scales.buf.Size)
			}
		}
	}
	if n := resident + passing; pl.Room >= 0 && n > pl.Room && n > 0 { // what passes may be twice there: then it does not fit, and less room is tried
		return math.Inf(1), nil
	}
	if err := ChooseBlocks(pl); err != nil {
		return 0, err
	}
	tl := pl.newTimeline()
	t := 0.0
	if r.quick {
		t = tl.Quick()
	} else {
		t = pl.search(tl)
	}
	bytes := 0
	for _, users := range r.users {
		bytes += pl.weightBytes(users[0])
	}
	return t + worth(pl.held(tl)) + float64(float64(bytes)*flashPrice), nil
}
