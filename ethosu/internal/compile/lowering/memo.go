// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/weights"
)

// Memo keeps what was made of a graph, which is the same for all variants of it. Nothing
// in it changes.
type Memo struct {
	seeded  map[softmaxKey]*seeded
	records map[recordsKey][][]weights.Record
}

// recordsKey is a hash of records and their number.
type recordsKey struct {
	n   int
	sum uint64
}

// shared returns records that are equal, the first ones of those: the steps of a network
// have the same ones, which are packed once then.
func (m *Memo) shared(list []weights.Record) []weights.Record {
	if m == nil {
		return list
	}
	key := recordsKey{n: len(list), sum: 14695981039346656037}
	for _, r := range list {
		for _, v := range [...]uint64{uint64(r.Bias), uint64(r.Scale)<<8 | uint64(r.Shift)} {
			key.sum = (key.sum ^ v) * 1099511628211
			key.sum ^= key.sum >> 32
		}
	}
	for _, known := range m.records[key] {
		if slices.Equal(known, list) {
			return known
		}
	}
	if m.records == nil {
		m.records = map[recordsKey][][]weights.Record{}
	}
	m.records[key] = append(m.records[key], list)
	return list
}
