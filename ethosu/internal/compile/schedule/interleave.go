// SPDX-License-Identifier: Apache-2.0

package schedule

// window is how far an operation may move ahead of others: what is farther away would live
// longer for it.
const window = 8

// Interleave moves operations apart that read what the one right before them wrote, where
// others can stand between them: such a kernel waits for the write and for its own read,
// and cannot compute while the last block of the other leaves.
func Interleave(pl *Plan) error {
	if pl.Room >= 0 || pl.KeepOrder {
		return nil
	}
	best := pl.newTimeline().Quick()
	old := pl.Ops
	pl.Ops = apart(old)
	if err := ChooseBlocks(pl); err != nil {
		return err
	}
	if t := pl.newTimeline().Quick(); t < 0.998*best {
		return nil
	}
	pl.Ops = old
	return ChooseBlocks(pl)
}

// apart returns the operations in an order in which the first one of a window that may
// come next and reads nothing of the last one does.
func apart(ops []*Op) []*Op {
	wait := append([]*Op(nil), ops...)
	list := make([]*Op, 0, len(ops))
	for len(wait) > 0 {
		at := 0
		if n := len(list); n > 0 && wait[0].reads(list[n-1]) {
			for i := 1; i < min(window, len(wait)); i++ {
				if !wait[i].reads(list[n-1]) && free(wait[i], wait[:i]) {
					at = i
					break
				}
			}
		}
		o := wait[at]
		copy(wait[1:at+1], wait[:at]) // those before it keep their order
		wait = wait[1:]
		list = append(list, o)
	}
	return list
}

// free reports whether an operation may run before the others.
func free(o *Op, others []*Op) bool {
	for _, p := range others {
		if o.reads(p) || p.reads(o) || o.OFM.Meets(p.OFM) {
			return false
		}
	}
	return true
}
