package sim

import (
	"cmp"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Spans returns what the stream reads and writes of the regions, overlapping and
// adjacent spans joined, ordered by region and start.
func (s *Sim) Spans() (reads, writes []isa.Span) {
	for _, st := range s.steps {
		reads = append(reads, st.reads()...)
		writes = append(writes, st.writes()...)
	}
	return join(reads), join(writes)
}

func join(spans []isa.Span) []isa.Span {
	spans = slices.DeleteFunc(spans, func(s isa.Span) bool { return s.Region >= 8 || s.Start >= s.End })
	slices.SortFunc(spans, func(a, b isa.Span) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Start, b.Start))
	})
	var out []isa.Span
	for _, s := range spans {
		if n := len(out) - 1; n >= 0 && out[n].Region == s.Region && s.Start <= out[n].End {
			out[n].End = max(out[n].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}
