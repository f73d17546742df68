// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"slices"
)

// stageView is a stream of the program.
type stageView struct {
	Title    string
	Times    int
	Cycles   string
	Folded   bool
	Timeline template.HTML
	Rows     []opRow
	More     int // rows that are left out
	Memory   []memoryView
}

type opRow struct {
	Number                        int
	Name, Shape, Reason, Operator string
	Begins, Cycles                string
	Times                         int
}

type memoryView struct {
	Name, Peak, Top string
	During          string
	Drawing         template.HTML
	Rows            []valueRow
	More            int
}

type valueRow struct {
	Name, Role, Address, Bytes string
	First, Last                int
}

func (s *stage) view() stageView {
	v := stageView{Title: s.Name, Times: s.Times, Cycles: commas(s.report.Total), Folded: s.axis.folded(), Timeline: s.drawTimeline()}
	for _, w := range s.axis.windows {
		for i := range s.ops {
			o := &s.ops[i]
			if o.Begins < w.From || o.Begins >= w.To && w.To > w.From {
				continue
			}
			if len(v.Rows) == mostOpRows {
				v.More++
				continue
			}
			reason := o.Reason.String()
			if o.DMA {
				reason = "transfer"
			} else if o.Where != "" {
				reason += ", " + o.Where
			}
			v.Rows = append(v.Rows, opRow{i, o.Name, o.Shape, reason, o.Source, cycles(o.Begins), cycles(o.End - o.Begins), w.Count})
		}
	}
	for _, region := range s.regions() {
		u := s.usage(region)
		m := memoryView{Name: s.regionName(region), Peak: commas(u.Peak), Top: commas(u.Top), Drawing: s.drawMemory(region)}
		if u.At < len(s.ops) {
			m.During = fmt.Sprintf("operation %d, %s", u.At, s.ops[u.At].Name)
		}
		list := slices.DeleteFunc(slices.Clone(s.values), func(v value) bool { return v.Region != region || v.role == constant })
		slices.SortStableFunc(list, func(a, b value) int { return b.Size - a.Size })
		for i, x := range list {
			if i == mostValueRows {
				m.More = len(list) - i
				break
			}
			m.Rows = append(m.Rows, valueRow{x.Name, roleNames[x.role], fmt.Sprintf("%#x", x.Offset), commas(x.Size), x.First, x.Last})
		}
		v.Memory = append(v.Memory, m)
	}
	return v
}
