// SPDX-License-Identifier: Apache-2.0

package precision

import (
	"context"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// made is a problem whose loss is the sum of what each narrow role loses and whose cost
// is the sum of what each wide one costs, with a toll where neighbours differ. The graph
// carries its choice in its name.
func made(loss, cost []float64, toll, bound float64) Problem {
	var roles []string
	for i := range loss {
		roles = append(roles, fmt.Sprintf("r%02d", i))
	}
	sum := func(g *graph.Graph, f func(i int, wide, before bool) float64) (float64, error) {
		total, before := 0.0, g.Name[0] == 'w'
		for i := range roles {
			wide := g.Name[i] == 'w'
			total += f(i, wide, before)
			before = wide
		}
		return total, nil
	}
	return Problem{
		Roles: roles, Bound: bound,
		Build: func(wide map[string]bool) (*graph.Graph, error) {
			name := make([]byte, len(roles))
			for i, r := range roles {
				name[i] = 'n'
				if wide[r] {
					name[i] = 'w'
				}
			}
			return &graph.Graph{Name: string(name)}, nil
		},
		Loss: func(g *graph.Graph) (float64, error) {
			return sum(g, func(i int, wide, _ bool) float64 {
				if wide {
					return 0
				}
				return loss[i]
			})
		},
		Cost: func(g *graph.Graph) (float64, error) {
			return sum(g, func(i int, wide, before bool) float64 {
				c := 1.0
				if wide {
					c += cost[i]
				}
				if wide != before {
					c += toll
				}
				return c
			})
		},
	}
}

func TestSearch(t *testing.T) {
	loss := []float64{5, 0.1, 3, 0.1, 0.2, 9}
	cost := []float64{1, 1, 1, 1, 1, 1}
	for _, c := range []struct {
		name        string
		toll, bound float64
		want        []string
		met         bool
	}{
		{"nothing to do", 0, 20, nil, true},
		{"the sensitive ones", 0, 1, []string{"r00", "r02", "r05"}, true},
		{"a change of width costs more than a wide neighbour", 3, 1, []string{"r00", "r01", "r02", "r03", "r04", "r05"}, true},
		{"no loss at all", 0, 0, []string{"r00", "r01", "r02", "r03", "r04", "r05"}, true},
		{"one is enough", 0, 8.5, []string{"r05"}, true},
	} {
		got, err := Search(context.Background(), made(loss, cost, c.toll, c.bound))
		if err != nil {
			t.Fatal(err)
		}
		if wide := slices.Sorted(maps.Keys(got.Wide)); !slices.Equal(wide, c.want) || got.Met != c.met {
			t.Errorf("%s: %v in 16 bits, met %v; expected %v, %v", c.name, wide, got.Met, c.want, c.met)
		}
	}
}

// A width that costs nothing is not given up, whatever the bound.
func TestFree(t *testing.T) {
	got, err := Search(context.Background(), made([]float64{5, 0.5, 0.5}, []float64{100, 0.001, 1}, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"r00", "r01"}; !slices.Equal(got.WideRoles(), want) || got.Loss != 0.5 {
		t.Errorf("%v in 16 bits with loss %v, expected %v and 0.5", got.WideRoles(), got.Loss, want)
	}
}

// Where 16 bits everywhere lose more than the bound, the search comes close to what
// those lose and says that the bound is not met.
func TestUnreachable(t *testing.T) {
	p := made([]float64{2, 2, 0.01}, []float64{1, 1, 1}, 0, 1)
	inner := p.Loss
	p.Loss = func(g *graph.Graph) (float64, error) {
		l, err := inner(g)
		return l + 4, err
	}
	got, err := Search(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"r00", "r01"}; got.Met || !slices.Equal(got.WideRoles(), want) || got.Loss > 4.1 {
		t.Errorf("%v in 16 bits with loss %v, met %v; expected %v, near 4, not met", got.WideRoles(), got.Loss, got.Met, want)
	}
}

// Where the bound cannot be had, a choice keeps the limit beyond it that can be.
func TestLimit(t *testing.T) {
	for _, c := range []struct{ limit, most float64 }{{0, 4.4}, {4.1, 4.1}, {3, 4.4}, {9, 4.4}} {
		p := made([]float64{2, 2, 0.3}, []float64{1, 1, 1}, 0, 1)
		inner := p.Loss
		p.Limit, p.Loss = c.limit, func(g *graph.Graph) (float64, error) {
			l, err := inner(g)
			return l + 4, err
		}
		got, err := Search(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if got.Met || got.Loss > c.most || (got.Loss == 4) != (c.most < 4.3) {
			t.Errorf("limit %v: %v in 16 bits with loss %v, met %v; expected at most %v", c.limit, got.WideRoles(), got.Loss, got.Met, c.most)
		}
	}
}

// Further roles join where 16 bits for the others lose more than the bound, and only there.
func TestFurther(t *testing.T) {
	for _, c := range []struct {
		bound float64
		want  []string
		joins bool
	}{
		{4, []string{"r00", "r01"}, false}, // what r02 and r03 lose stays
		{1, []string{"r00", "r01", "r02"}, true},
		{0.1, []string{"r00", "r01", "r02", "r03"}, true},
	} {
		p := made([]float64{9, 8, 2, 0.5}, []float64{1, 1, 5, 5}, 0, c.bound)
		p.Roles, p.Further = p.Roles[:2], p.Roles[2:]
		got, err := Search(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.WideRoles(), c.want) || !got.Met || (got.Widest != nil) != c.joins {
			t.Errorf("bound %v: %v in 16 bits, met %v, widest %v; expected %v", c.bound, got.WideRoles(), got.Met, got.Widest, c.want)
		}
		for i, r := range got.Rows {
			if r.Further != (i >= 2) {
				t.Errorf("bound %v: %s is further: %v", c.bound, r.Role, r.Further)
			}
		}
	}
}

// Further roles that do not fit at all leave what the others give.
func TestFurtherThatDoesNotFit(t *testing.T) {
	p := made([]float64{9, 8, 2, 0.5}, []float64{1, 1, math.Inf(1), math.Inf(1)}, 0, 1)
	p.Roles, p.Further = p.Roles[:2], p.Roles[2:]
	got, err := Search(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"r00", "r01"}; !slices.Equal(got.WideRoles(), want) || got.Met || math.IsInf(got.Cost, 1) {
		t.Errorf("%v in 16 bits at %v, met %v; expected %v, not met", got.WideRoles(), got.Cost, got.Met, want)
	}
}

// An error of a build names the roles that it was for, and ends the search.
func TestBuildFails(t *testing.T) {
	p := made([]float64{2, 2}, []float64{1, 1}, 0, 1)
	build := p.Build
	p.Build = func(wide map[string]bool) (*graph.Graph, error) {
		if len(wide) == 2 {
			return nil, fmt.Errorf("no scale")
		}
		return build(wide)
	}
	if _, err := Search(context.Background(), p); err == nil || err.Error() != "with 16 bits for r00, r01: no scale" {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Search(ctx, made([]float64{2}, []float64{1}, 0, 1)); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestTraffic(t *testing.T) {
	g := &graph.Graph{}
	a := g.Add(&graph.Tensor{Type: graph.Int8, Shape: []int{4}})
	b := g.Add(&graph.Tensor{Type: graph.Int16, Shape: []int{4}})
	w := g.Add(&graph.Tensor{Type: graph.Int8, Shape: []int{9}, Data: make([]byte, 9)})
	g.Ops = []*graph.Op{{Inputs: []graph.TensorID{a, w, graph.None}, Outputs: []graph.TensorID{b}}}
	if n, _ := Traffic(g); n != 12 {
		t.Errorf("%v bytes, expected 12", n)
	}
}

// What is found does not depend on the number of processors, and what a choice loses that
// costs too much is not asked for.
func TestLazy(t *testing.T) {
	find := func() (*Choice, map[string]bool) {
		p := made([]float64{5, 0.1, 3, 0.1, 0.2, 9, 0.3, 2}, []float64{1, 2, 1, 3, 1, 1, 2, 1}, 1.5, 4)
		inner, asked := p.Loss, map[string]bool{}
		var mu sync.Mutex
		p.Loss = func(g *graph.Graph) (float64, error) {
			mu.Lock()
			defer mu.Unlock()
			if asked[g.Name] {
				t.Errorf("%s is judged twice", g.Name)
			}
			asked[g.Name] = true
			return inner(g)
		}
		c, err := Search(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return c, asked
	}
	c, asked := find()
	procs := runtime.GOMAXPROCS(1)
	one, _ := find()
	runtime.GOMAXPROCS(procs)
	if !maps.Equal(c.Wide, one.Wide) || !slices.Equal(c.Rows, one.Rows) || c.Measured != one.Measured {
		t.Errorf("%+v, with one processor %+v", c, one)
	}
	if len(asked) >= c.Measured {
		t.Errorf("%d of %d choices judged, some cost too much from the start", len(asked), c.Measured)
	}
}

// Choices that do not compile are of no use, whichever they are: the cheapest of the others
// is found, and only where none is within the bound their reason ends the search.
func TestUseless(t *testing.T) {
	loss, cost := []float64{5, 3, 9, 2}, []float64{1, 2, 3, 4}
	for _, c := range []struct {
		name    string
		bound   float64
		useless func(name string) bool
		want    []string
		fails   string
	}{
		{"wide everywhere", 3, func(n string) bool { return n == "wwww" }, []string{"r00", "r01", "r02"}, ""},
		{"one role wide", 5, func(n string) bool { return n[0] == 'w' }, []string{"r01", "r02", "r03"}, ""},
		{"narrow everywhere, not needed", 3, func(n string) bool { return n == "nnnn" }, []string{"r00", "r01", "r02"}, ""},
		{"narrow everywhere, enough", 20, func(n string) bool { return n == "nnnn" }, nil, "nnnn does not compile"},
		{"all that are within", 0, func(n string) bool { return n == "wwww" }, nil, "wwww does not compile"},
	} {
		p := made(loss, cost, 0, c.bound)
		known := p.Cost
		p.Cost = func(g *graph.Graph) (float64, error) {
			if c.useless(g.Name) {
				return math.Inf(1), fmt.Errorf("%s does not compile", g.Name)
			}
			return known(g)
		}
		got, err := Search(context.Background(), p)
		if c.fails != "" {
			if err == nil || err.Error() != c.fails {
				t.Errorf("%s: error %v, expected %q", c.name, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if wide := slices.Sorted(maps.Keys(got.Wide)); !slices.Equal(wide, c.want) || !got.Met || math.IsInf(got.Cost, 1) {
			t.Errorf("%s: %v in 16 bits at %v, met %v; expected %v", c.name, wide, got.Cost, got.Met, c.want)
		}
	}
}

// What is done with the values of another role makes a difference where that has 16 bits: it
// is narrow in the cheapest choice though its role is wide, and is built and named nowhere
// without it.
func TestWithin(t *testing.T) {
	p := made([]float64{5, 9, 0.5, 0.5}, []float64{1, 1, 4, 4}, 0, 1)
	p.Within = map[string]string{"r02": "r01", "r03": "r00"}
	build := p.Build
	p.Build = func(wide map[string]bool) (*graph.Graph, error) {
		if wide["r02"] && !wide["r01"] || wide["r03"] && !wide["r00"] {
			t.Errorf("built for %v", wide)
		}
		return build(wide)
	}
	got, err := Search(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"r00", "r01"}; !slices.Equal(got.WideRoles(), want) || len(got.Wide) != 2 {
		t.Errorf("%v in 16 bits, %v of the graph, expected %v", got.WideRoles(), got.Wide, want)
	}
	if r := got.Rows[2]; r.Within != "r01" || r.Wide != got.All8 {
		t.Errorf("row %+v, expected it within r01 and alone to be what 8 bits everywhere are", r)
	}
}
