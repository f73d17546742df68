// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
)

// regionNames say what a region is.
var regionNames = [...]string{"constants", "arena", "fast scratch"}

// regionName names a region and the memory that it lies in.
func (s *stage) regionName(region int) string {
	in := region
	for _, w := range s.Windows {
		if w.Region == region {
			in = w.In
		}
	}
	name := fmt.Sprintf("region %d", region)
	if in < len(regionNames) {
		name = regionNames[in]
		if region != in {
			name += fmt.Sprintf(" as region %d", region)
		}
	}
	m, _ := ethosu.RegionMemory(s.program.System, s.program.Mode, in)
	return name + " in " + m.Name
}

// regions lists what has values other than constants, in order.
func (s *stage) regions() []int {
	var list []int
	for i := range s.values {
		if v := &s.values[i]; v.role != constant && v.Region != ethosu.RegionConstants && !slices.Contains(list, v.Region) {
			list = append(list, v.Region)
		}
	}
	slices.Sort(list)
	return list
}

// span returns the cycles between the first and the last operation of a value.
func (s *stage) span(v *value) (from, to float64) {
	clamp := func(i int) int { return min(max(i, 0), len(s.ops)-1) }
	from, to = s.ops[clamp(v.First)].Begins, s.ops[clamp(v.Last)].End
	if v.role == outside && v.First == 0 {
		from = 0
	}
	if v.role == outside && v.Last >= len(s.ops)-1 {
		to = float64(s.report.Total)
	}
	return from, max(from, to)
}

// usage is what lives in a region over the operations of a stage.
type usage struct {
	Live []int // bytes, by operation
	Peak int
	At   int // operation of Peak
	Top  int // the highest byte in use
}

func (s *stage) usage(region int) usage {
	u := usage{Live: make([]int, len(s.ops)+1)}
	for i := range s.values {
		v := &s.values[i]
		if v.Region != region || v.role == constant {
			continue
		}
		u.Top = max(u.Top, v.Offset+v.Size)
	}
	for i, ranges := range s.occupied(region) {
		end := -1
		for _, r := range ranges { // values may share bytes: each counts once
			if r[1] > end {
				u.Live[i] += r[1] - max(r[0], end)
				end = r[1]
			}
		}
		if u.Live[i] > u.Peak {
			u.Peak, u.At = u.Live[i], i
		}
	}
	u.Live = u.Live[:len(s.ops)]
	return u
}

// occupied returns the bytes that hold something during each operation, ascending.
func (s *stage) occupied(region int) [][][2]int {
	all := make([][][2]int, len(s.ops))
	var order []*value
	for i := range s.values {
		if v := &s.values[i]; v.Region == region && v.role != constant {
			order = append(order, v)
		}
	}
	slices.SortStableFunc(order, func(a, b *value) int { return a.Offset - b.Offset })
	for _, v := range order {
		for i := max(v.First, 0); i <= min(v.Last, len(s.ops)-1); i++ {
			all[i] = append(all[i], [2]int{v.Offset, v.Offset + v.Size})
		}
	}
	return all
}

// drawMemory draws the tensors of a region by address over time, with the bytes in use
// above them.
func (s *stage) drawMemory(region int) template.HTML {
	const (
		top    = 40.0
		curve  = 90.0
		gap    = 34.0
		height = top + curve + gap + 260 + 40
	)
	u := s.usage(region)
	d := newDrawing(timeWidth, height, "zoom memory", fmt.Sprintf("%sTensors of the %s over time, at most %s bytes in use", s.Title(), s.regionName(region), commas(u.Peak)))
	x := s.timeScale()
	live := scale{0, float64(max(u.Top, 1)), top + curve, top}
	addr := scale{0, float64(max(u.Top, 1)), top + curve + gap, height - 40}
	d.text("name", "start", 8, top-22, "bytes in use")
	for _, v := range ticks(0, live.hi, 3) {
		d.line("grid", x.from, live.at(v), x.to, live.at(v))
		d.text("tick", "end", x.from-6, live.at(v)+4, short(v))
	}
	d.text("name", "start", 8, addr.from-10, "address")
	for _, v := range ticks(0, addr.hi, 6) {
		d.text("tick", "end", x.from-6, addr.at(v)+4, short(v))
		d.line("grid", x.from, addr.at(v), x.to, addr.at(v))
	}
	s.drawWindows(d, x, top-4, height-40, false)
	s.drawLive(d, x, live, &u)
	for _, v := range s.grouped(region, x) {
		y := addr.at(float64(v.Offset))
		h := max(addr.at(float64(v.Offset+v.Size))-y, 1)
		var data strings.Builder
		for _, p := range v.shown {
			a, w := x.at(p.From), max(x.at(p.To)-x.at(p.From), 0.3)
			fmt.Fprintf(&data, "M%s %sh%sv%sh-%sz", fine(a), num(y), fine(w), num(h), fine(w))
		}
		d.path("m-"+roleClasses[v.role], data.String(), v.title)
	}
	s.timeAxis(d, x, height-40)
	return d.done()
}

// drawLive draws the bytes in use as steps.
func (s *stage) drawLive(d *drawing, x, y scale, u *usage) {
	var data strings.Builder
	fmt.Fprintf(&data, "M%s %s", fine(x.from), num(y.from))
	for i, n := range u.Live {
		if i > 0 && n == u.Live[i-1] {
			continue
		}
		at := s.axis.shown(s.ops[i].Begins, s.ops[i].Begins)
		if i == 0 {
			at = []stretch{{}}
		}
		if len(at) > 0 {
			fmt.Fprintf(&data, "H%sV%s", fine(x.at(at[0].From)), num(y.at(float64(n))))
		}
	}
	fmt.Fprintf(&data, "H%sV%sZ", fine(x.to), num(y.from))
	d.path("live", data.String(), fmt.Sprintf("at most %s bytes are in use, during operation %d", commas(u.Peak), u.At))
}

// group is the values of a region that have one place and one role in turn.
type group struct {
	Offset, Size int
	role         role
	shown        []stretch
	title        string
}

// mostNames bounds what hovering lists.
const mostNames = 6

// grouped joins values of one place and role, and leaves out what is not shown.
func (s *stage) grouped(region int, x scale) []group {
	type key struct {
		offset, size int
		role         role
	}
	index := map[key]int{}
	var list []group
	var names [][]string
	for i := range s.values {
		v := &s.values[i]
		if v.Region != region || v.role == constant {
			continue
		}
		from, to := s.span(v)
		shown := s.axis.shown(from, to)
		if len(shown) == 0 {
			continue
		}
		k := key{v.Offset, v.Size, v.role}
		at, ok := index[k]
		if !ok {
			at = len(list)
			index[k] = at
			list, names = append(list, group{Offset: v.Offset, Size: v.Size, role: v.role}), append(names, nil)
		}
		list[at].shown = append(list[at].shown, shown...)
		names[at] = append(names[at], fmt.Sprintf("%s, operations %d to %d", v.Name, v.First, v.Last))
	}
	for i := range list {
		g := &list[i]
		more := ""
		if n := len(names[i]) - mostNames; n > 0 {
			names[i], more = names[i][:mostNames], fmt.Sprintf("; and %d more", n)
		}
		g.title = fmt.Sprintf("%s bytes at %#x, %s: %s%s", commas(g.Size), g.Offset, roleNames[g.role], strings.Join(names[i], "; "), more)
	}
	slices.SortStableFunc(list, func(a, b group) int { return b.Size - a.Size })
	return list
}

// drawFlash draws what the constants are as one bar.
func drawFlash(pieces []piece, stream int) template.HTML {
	d := newDrawing(timeWidth, 96, "zoom flash", "Flash map: the command stream and the constants")
	total := int64(stream)
	for _, p := range pieces {
		total += p.Size
	}
	x := scale{0, float64(max(total, 1)), 12, timeWidth - 12}
	end := x.at(float64(stream))
	d.rect("f-stream", x.from, 18, end-x.from, 34, fmt.Sprintf("command stream: %s bytes", commas(stream)))
	at := int64(stream)
	for n, p := range pieces {
		class := [...]string{"f-a", "f-b"}[n%2]
		if p.Uses == 0 && strings.HasPrefix(p.Name, "other") {
			class = "f-rest"
		}
		a, b := x.at(float64(at)), x.at(float64(at+p.Size))
		d.rect(class, a, 18, b-a, 34, fmt.Sprintf("%s: %s bytes at %#x of the constants", p.Name, commas(p.Size), p.Start))
		if room := b - a; room > float64(len(p.Name))*7.2+8 {
			d.text("inside", "middle", a+room/2, 40, p.Name)
		}
		at += p.Size
	}
	for _, v := range ticks(0, x.hi, 8) {
		d.line("grid", x.at(v), 54, x.at(v), 60)
		d.text("tick", "middle", x.at(v), 76, short(v))
	}
	d.text("name", "end", x.to, 91, "bytes of flash")
	return d.done()
}
