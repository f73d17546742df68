// SPDX-License-Identifier: Apache-2.0

package train

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/unroll-npu/unroll/lower/fault"
)

// crew runs the same function on several goroutines, over and over. Waiting spins
// for a short time before it parks, since waking a parked thread costs more than
// most waits last.
type crew struct {
	size int
	spin int

	task    func(worker int)
	started turnstile // one turn a task
	ended   meeting   // all workers, at the end of a task
	middle  meeting   // all workers, where a task calls meet
	quit    bool
}

// spins bounds the busy wait to about half a millisecond: more than workers that are not
// held up are apart, and less than the system gives a thread at a time.
const spins = 600000

func newCrew(size int) *crew {
	c := &crew{size: size}
	if runtime.GOMAXPROCS(0) >= size {
		c.spin = spins
	}
	c.started.init()
	c.ended.init(size)
	c.middle.init(size)
	for w := 1; w < size; w++ {
		go c.work(w)
	}
	return c
}

// run executes f(0) … f(size-1) at the same time and returns when all are done.
func (c *crew) run(f func(worker int)) {
	c.task = f
	c.started.turn()
	f(0)
	c.ended.wait(c.spin)
}

// meet blocks until every worker of the running task has called it.
func (c *crew) meet() { c.middle.wait(c.spin) }

// close ends the goroutines.
func (c *crew) close() {
	c.quit = true
	c.started.turn()
}

func (c *crew) work(w int) {
	defer fault.Catch()
	for turn := uint32(1); ; turn++ {
		c.started.await(turn, c.spin)
		if c.quit {
			return
		}
		c.task(w)
		c.ended.wait(c.spin)
	}
}

// turnstile counts turns and lets goroutines wait for one.
type turnstile struct {
	count atomic.Uint32
	mu    sync.Mutex
	cond  *sync.Cond
}

func (t *turnstile) init() { t.cond = sync.NewCond(&t.mu) }

func (t *turnstile) turn() {
	t.mu.Lock()
	t.count.Add(1)
	t.mu.Unlock()
	t.cond.Broadcast()
}

// await returns when the count has reached n.
func (t *turnstile) await(n uint32, spin int) {
	reached := func() bool { return int32(t.count.Load()-n) >= 0 }
	for range spin {
		if reached() {
			return
		}
	}
	t.mu.Lock()
	for !reached() {
		t.cond.Wait()
	}
	t.mu.Unlock()
}

// meeting is a barrier that is used again and again by the same goroutines.
type meeting struct {
	size    uint32
	arrived atomic.Uint32
	over    turnstile
}

func (m *meeting) init(size int) {
	m.size = uint32(size)
	m.over.init()
}

func (m *meeting) wait(spin int) {
	n := m.arrived.Add(1)
	round := (n-1)/m.size + 1
	if n == round*m.size {
		m.over.turn()
		return
	}
	m.over.await(round, spin)
}
