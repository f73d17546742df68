// SPDX-License-Identifier: Apache-2.0

package report

// segment is a part of a list that repeats: Count times Period entries from First on. A
// part that does not repeat has Count 1.
type segment struct{ First, Period, Count int }

func (s segment) end() int { return s.First + s.Period*s.Count }

// What is worth folding: so many repetitions at least, and periods up to a length.
const (
	fewestTimes  = 3
	longestCycle = 1024
)

// fold finds the repetitions in a list of what entries are like: the time steps of an
// unrolled network, whoever unrolled it. Segments cover the list in order.
func fold(like []string) []segment {
	ids := make([]int, len(like))
	known := map[string]int{}
	for i, s := range like {
		id, ok := known[s]
		if !ok {
			id = len(known)
			known[s] = id
		}
		ids[i] = id
	}
	return foldPart(ids, 0, len(ids))
}

// foldPart folds entries first to end: around the longest repetition, and then what
// lies beside it.
func foldPart(ids []int, first, end int) []segment {
	if first == end {
		return nil
	}
	var best segment
	covered := 0
	for p := 1; p <= min((end-first)/fewestTimes, longestCycle); p++ {
		if covered >= (end-first)-p {
			break // nothing longer can be covered by more
		}
		run := 0 // entries in a row that are as those a period before
		for i := first + p; i <= end; i++ {
			if i < end && ids[i] == ids[i-p] {
				run++
				continue
			}
			if times := run/p + 1; times >= fewestTimes && p*(times-1) > covered {
				best, covered = segment{i - run - p, p, times}, p*(times-1)
			}
			run = 0
		}
	}
	if covered == 0 {
		return []segment{{first, end - first, 1}}
	}
	list := foldPart(ids, first, best.First)
	list = append(list, best)
	return append(list, foldPart(ids, best.end(), end)...)
}
