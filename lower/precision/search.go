// SPDX-License-Identifier: Apache-2.0

package precision

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Problem is a network whose widths are to be chosen.
type Problem struct {
	// Roles whose width can be chosen, in the order of the network. A role is a set of
	// tensors with one quantization.
	Roles []string

	// Within names for roles that stand for a part of what is done with another's values
	// that other: they make a difference where it has 16 bits.
	Within map[string]string

	// Further are roles that join where 16 bits for all of Roles lose more than the
	// bound: what is dearer to widen, such as weights.
	Further []string

	// Build makes the integer graph in which the given roles have 16 bits. It, Loss and
	// Cost are called concurrently, and depend on what they are given alone.
	Build func(wide map[string]bool) (*graph.Graph, error)

	// Loss measures what a graph loses against the float network, in the unit of
	// Bound; 0 is nothing.
	Loss func(*graph.Graph) (float64, error)

	// Cost is what a call of a graph takes, such as cycles. Where it is nil the
	// bytes of the values that operators read and write stand for it. A choice that is
	// of no use, such as one that does not compile, costs +Inf; the error next to that
	// says why. It is the error of a search that finds nothing of use within the bound.
	Cost func(*graph.Graph) (float64, error)

	// Bound is the largest loss that is accepted.
	Bound float64

	// Limit, where it is above Bound, is a loss that a choice keeps at least where Bound
	// cannot be had and Limit can.
	Limit float64

	// Progress, where it is not nil, is called with every choice that was measured.
	Progress func(measured int)
}

// Point is a measured choice.
type Point struct{ Loss, Cost float64 }

// Row is what was measured of one role.
type Row struct {
	Role   string
	Narrow Point // everything in 16 bits but this role
	Wide   Point // everything in 8 bits but this role
	Chosen bool  // it has 16 bits in the choice

	Further bool   // it is one of Problem.Further
	Within  string // see Problem.Within
}

// Choice is the outcome of a search.
type Choice struct {
	Graph *graph.Graph
	Wide  map[string]bool // roles of 16 bits
	Point

	All8, All16 Point
	Widest      *Point // with 16 bits for Problem.Further, too; nil where they did not join
	Met         bool   // the loss is within the bound
	Rows        []Row  // in the order of Problem.Roles and Further; nil where 8 bits were enough
	Measured    int    // graphs that were built and measured
}

// WideRoles returns the roles of 16 bits in the order of the network.
func (c *Choice) WideRoles() []string {
	var list []string
	for _, r := range c.Rows {
		if r.Chosen {
			list = append(list, r.Role)
		}
	}
	return list
}

// Search returns the cheapest choice it finds whose loss is within the bound, or, where
// not even 16 bits everywhere are, one that loses hardly more than those. It is
// deterministic. Between 8 bits everywhere and 16 bits everywhere it goes two ways: it
// narrows role after role, those first that lose least for what they save, and it
// widens role after role, those first that gain most for what they cost; each way ends
// with taking back whatever is not needed. What costs next to nothing stays wide.
func Search(ctx context.Context, p Problem) (*Choice, error) {
	s := &search{p: p, known: &ledger{ctx: ctx, p: p, order: slices.Concat(p.Roles, p.Further)}, bound: p.Bound, roles: p.Roles}
	narrow, err := s.measure(nil)
	if err != nil {
		return nil, err
	}
	if narrow.Loss <= p.Bound || len(p.Roles) == 0 {
		if err := s.useful(nil, narrow); err != nil {
			return nil, err
		}
	}
	c := &Choice{Graph: narrow.graph, Wide: map[string]bool{}, Point: narrow.Point, All8: narrow.Point, Met: narrow.Loss <= p.Bound}
	if c.Met || len(p.Roles) == 0 {
		c.Measured = s.known.count
		return c, nil
	}
	full, err := s.measure(s.set(func(int) bool { return true }))
	if err != nil {
		return nil, err
	}
	c.All16 = full.Point
	values := full
	if full.Loss > p.Bound && len(p.Further) > 0 {
		s.roles = s.known.order
		if full, err = s.measure(s.set(func(int) bool { return true })); err != nil {
			return nil, err
		}
		c.Widest = &full.Point
	}
	s.full = full.Point
	// Where the bound cannot be had, what comes close to the best is taken.
	near := full.Loss * unreachable
	if full.Loss <= p.Limit {
		near = min(near, p.Limit)
	}
	s.bound = max(s.bound, near)
	if err := s.sensitivity(c); err != nil {
		return nil, err
	}
	best, wide := full, s.set(func(int) bool { return true })
	if math.IsInf(best.Cost, 1) { // of no use, and perhaps what is without Further is
		best, wide = values, s.set(func(i int) bool { return i < len(p.Roles) })
	}
	ways, found := []func(*Choice) (map[string]bool, error){s.narrowing, s.widening}, make([]map[string]bool, 2)
	if err := together(len(ways), func(i int) (err error) {
		found[i], err = ways[i](c)
		return err
	}); err != nil {
		return nil, err
	}
	for _, got := range found {
		m, err := s.measure(got)
		if err != nil {
			return nil, err
		}
		cheaper := m.Cost < best.Cost || m.Cost == best.Cost && m.Loss < best.Loss
		if m.Loss <= s.bound && (cheaper || best.Loss > s.bound && !math.IsInf(m.Cost, 1)) {
			best, wide = m, got
		}
	}
	if best, err = s.restore(wide, best, c.Rows); err != nil {
		return nil, err
	}
	if err := s.useful(wide, best); err != nil {
		return nil, err
	}
	wide = s.known.effective(wide)
	c.Graph, c.Wide, c.Point, c.Met, c.Measured = best.graph, wide, best.Point, best.Loss <= p.Bound, s.known.count
	for i := range c.Rows {
		c.Rows[i].Chosen = wide[c.Rows[i].Role]
	}
	return c, nil
}

// useful returns why a choice is of no use.
func (s *search) useful(wide map[string]bool, m measured) error {
	if !math.IsInf(m.Cost, 1) {
		return nil
	}
	e, err := s.known.built(wide)
	if err == nil {
		err = e.useless
	}
	return err
}

// unreachable is how much more than 16 bits everywhere a choice may lose where those,
// too, lose more than the bound.
const unreachable = 1.1

type search struct {
	p     Problem
	bound float64
	known *ledger
	roles []string // that are chosen among
	full  Point    // all of them in 16 bits
}

// set returns the roles at the indices that keep accepts.
func (s *search) set(keep func(int) bool) map[string]bool {
	wide := map[string]bool{}
	for i, r := range s.roles {
		if keep(i) {
			wide[r] = true
		}
	}
	return wide
}

// measure builds and measures a choice once.
func (s *search) measure(wide map[string]bool) (measured, error) {
	e, err := s.known.built(wide)
	if err != nil {
		return measured{}, err
	}
	return e.measured()
}

// affordable is measure of a choice that is of no use if it costs more than most: what
// such a one loses is not asked for.
func (s *search) affordable(wide map[string]bool, most float64) (m measured, ok bool, err error) {
	e, err := s.known.built(wide)
	if err != nil || e.cost > most {
		return measured{}, false, err
	}
	m, err = e.measured()
	return m, true, err
}

// sensitivity measures every role alone.
func (s *search) sensitivity(c *Choice) error {
	c.Rows = make([]Row, len(s.roles))
	return together(2*len(s.roles), func(n int) error {
		i, role := n/2, s.roles[n/2]
		if n%2 == 0 {
			m, err := s.measure(s.set(func(j int) bool { return j != i }))
			c.Rows[i].Role, c.Rows[i].Narrow = role, m.Point
			c.Rows[i].Within, c.Rows[i].Further = s.p.Within[role], i >= len(s.p.Roles)
			return err
		}
		m, err := s.measure(map[string]bool{role: true})
		c.Rows[i].Wide = m.Point
		return err
	})
}

// narrowing goes from 16 bits everywhere towards 8.
func (s *search) narrowing(c *Choice) (map[string]bool, error) {
	order := slices.Clone(c.Rows)
	slices.SortStableFunc(order, func(a, b Row) int {
		return cmp.Compare(price(a.Narrow.Loss-s.full.Loss, more(s.full.Cost, a.Narrow.Cost)), price(b.Narrow.Loss-s.full.Loss, more(s.full.Cost, b.Narrow.Cost)))
	})
	wide := s.set(func(int) bool { return true })
	return wide, s.drop(wide, order)
}

// widening goes from 8 bits everywhere towards 16 until the loss is within the bound.
func (s *search) widening(c *Choice) (map[string]bool, error) {
	order := slices.Clone(c.Rows)
	slices.SortStableFunc(order, func(a, b Row) int {
		return cmp.Compare(price(more(a.Wide.Cost, c.All8.Cost), c.All8.Loss-a.Wide.Loss), price(more(b.Wide.Cost, c.All8.Cost), c.All8.Loss-b.Wide.Loss))
	})
	wide := map[string]bool{}
	for _, r := range order {
		wide[r.Role] = true
		m, err := s.measure(wide)
		if err != nil {
			return nil, err
		}
		if m.Loss <= s.bound {
			break
		}
	}
	slices.Reverse(order)
	return wide, s.drop(wide, order)
}

// drop narrows roles of a choice, in the given order and over again, as long as the
// loss stays within the bound and the cost does not rise.
func (s *search) drop(wide map[string]bool, order []Row) error {
	now, err := s.measure(wide)
	if err != nil {
		return err
	}
	for again := true; again; {
		again = false
		for _, r := range order {
			if !wide[r.Role] {
				continue
			}
			delete(wide, r.Role)
			m, ok, err := s.affordable(wide, now.Cost)
			if err != nil {
				return err
			}
			if ok && m.Loss <= s.bound {
				now, again = m, true
				continue
			}
			wide[r.Role] = true
		}
	}
	return nil
}

// nothing is the part of the cost that is not worth any loss.
const nothing = 0.002

// restore widens what is narrow in a choice as long as that costs next to nothing and
// loses less, those first whose narrowing loses most.
func (s *search) restore(wide map[string]bool, now measured, rows []Row) (measured, error) {
	most := now.Cost * (1 + nothing)
	order := slices.Clone(rows)
	slices.SortStableFunc(order, func(a, b Row) int { return cmp.Compare(b.Narrow.Loss, a.Narrow.Loss) })
	for _, r := range order {
		if wide[r.Role] {
			continue
		}
		wide[r.Role] = true
		m, ok, err := s.affordable(wide, most)
		if err != nil {
			return now, err
		}
		if ok && m.Loss < now.Loss {
			now = m
			continue
		}
		delete(wide, r.Role)
	}
	return now, nil
}

// more is how much more a costs than b; of two that are of no use, neither does.
func more(a, b float64) float64 {
	if math.IsInf(a, 1) && math.IsInf(b, 1) {
		return 0
	}
	return a - b
}

// price is what is paid for one unit of what is gained; free or useless things come
// first or last.
func price(paid, gained float64) float64 {
	const least = 1e-12
	if gained <= least {
		return float64(max(paid, 0)*1e12) + 1e12
	}
	return max(paid, 0) / gained
}

// Traffic sums the bytes of the values that operators read and write: what choices are
// weighed by where nothing better is known.
func Traffic(g *graph.Graph) (float64, error) {
	n := 0
	for _, op := range g.Ops {
		for _, ids := range [][]graph.TensorID{op.Inputs, op.Outputs} {
			for _, id := range ids {
				if t := g.Tensor(id); t != nil && !t.IsConst() {
					n += t.Bytes()
				}
			}
		}
	}
	return float64(n), nil
}
