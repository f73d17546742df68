// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// The two engines of the NPU.
const (
	Kernels   = iota // the block pipeline
	Transfers        // the DMA
	engines
)

// channels are those of the two AXI ports: reads, and then writes, of each.
const channels = 4

// Load is what an operation asks for while it runs.
type Load struct {
	Own     float64           // cycles that it takes however fast the memories are
	Pace    float64           // cycles of the slowest of its readers that has a buffer of its own
	Channel [channels]float64 // cycles of each channel
}

// Alone returns the cycles of an operation that has the ports for itself.
func (l *Load) Alone() float64 {
	t := max(l.Own, l.Pace)
	for _, q := range l.Channel {
		t = max(t, q)
	}
	return t
}

// Fetch adds bytes of the command stream, which come through the port of the constants.
func (l *Load) Fetch(a *ethosu.Accelerator, home *Place, bytes float64) {
	l.Channel[home.Port&1] += bytes / home.readRate(a, transactionOf(a))
	if a.OwnMemories {
		l.Pace = max(l.Pace, bytes/home.paceOf(a, transactionOf(a), byCommands))
	}
}

// paces returns the cycles of the slowest reader of all memories.
func paces(access []Access) float64 {
	pace := 0.0
	for i := range access {
		pace = max(pace, access[i].slowest())
	}
	return pace
}

// channelOf returns the channel of a direction of a port. Where the memory is slower than
// the port, its bandwidth is for both directions.
func channelOf(m *Access, write bool) int {
	c := m.Port & 1
	if write && m.ClockScale >= 1 {
		c += 2
	}
	return c
}

// loads returns what accesses ask of each channel.
func loads(access []Access) [channels]float64 {
	var load [channels]float64
	for i := range access {
		m := &access[i]
		if m.ClockScale < 1 {
			load[channelOf(m, false)] += m.Cycles
			continue
		}
		load[channelOf(m, false)] += m.read
		load[channelOf(m, true)] += m.write
	}
	return load
}

// Ports are the channels and the memories behind them, in cycles of the memories' sustained
// rates.
type Ports struct {
	peak [channels]float64 // rate while there is credit, at least 1
	most [channels]float64 // credit
	deep bool              // one has any
}

// PortsOf returns the ports of an accelerator with the given memories.
func PortsOf(a *ethosu.Accelerator, at Places) Ports {
	p := Ports{peak: [channels]float64{1, 1, 1, 1}}
	for region := range 3 {
		m := at(region)
		if m.Window == 0 {
			continue
		}
		slow := m.readRate(a, transactionOf(a))
		if fast := channel(a, transactionOf(a), m.MaxReads, m.ReadLatency, m.Ports); fast > slow {
			p.peak[m.Port&1], p.most[m.Port&1], p.deep = fast/slow, float64(m.Window), true
		}
	}
	return p
}

// State is how far the engines have come.
type State struct {
	Now    float64           // cycles from the start
	Done   [engines]float64  // share of the operation under way
	Credit [channels]float64 // cycles that a memory may deliver ahead
}

// Start returns the state in which nothing has begun.
func (p *Ports) Start() State { return State{Credit: p.most} }

// Rates are the shares of its work that an operation does in a cycle when it has the ports
// for itself: for no memory that delivers ahead, for that of the first port, of the second,
// and for both. Those that are 0 are not known yet.
type Rates [4]float64

// ahead returns which memories deliver ahead, as a place in Rates. Only reads do.
func (p *Ports) ahead(s *State) (i int) {
	if p.deep {
		if s.Credit[0] > 0 {
			i = 1
		}
		if s.Credit[1] > 0 {
			i += 2
		}
	}
	return i
}

// speed returns what the channels do in a cycle, for a place in Rates.
func (p *Ports) speed(ahead int) [channels]float64 {
	speed := [channels]float64{1, 1, 1, 1}
	for c := range 2 {
		if ahead>>c&1 != 0 {
			speed[c] = p.peak[c]
		}
	}
	return speed
}

// Advance goes to the next moment at which an operation ends or a memory's credit does.
// Under way are a kernel and a transfer, of which one may be nil. It reports which of
// them end.
func (p *Ports) Advance(s *State, kernel, transfer *Load) (ended [engines]bool) {
	var k, x Rates
	return p.AdvanceAt(s, kernel, transfer, &k, &x)
}

// AdvanceAt is Advance for loads of which the rates may be known. It completes them.
func (p *Ports) AdvanceAt(s *State, kernel, transfer *Load, kernels, transfers *Rates) (ended [engines]bool) {
	under := [engines]*Load{kernel, transfer}
	ahead := p.ahead(s)
	var rate [engines]float64
	for i, known := range [engines]*Rates{kernels, transfers} {
		if under[i] == nil {
			continue
		}
		if known[ahead] == 0 {
			speed := p.speed(ahead)
			known[ahead] = rateOf(&speed, under[i])
		}
		rate[i] = known[ahead]
	}
	if kernel != nil && transfer != nil {
		speed := p.speed(ahead)
		share(&speed, kernel, transfer, &rate)
	}
	step := math.Inf(1)
	for i, l := range under {
		if l != nil && rate[i] > 0 {
			step = min(step, (1-s.Done[i])/rate[i])
		}
	}
	if p.deep {
		step = p.spend(s, step, rate, under)
	}
	step = max(step, 0)
	s.Now += step
	for i, l := range under {
		if l == nil {
			continue
		}
		if s.Done[i] += float64(step * rate[i]); s.Done[i] > 1-1e-9 {
			s.Done[i], ended[i] = 0, true
		}
	}
	return ended
}

// spend shortens a step to the end of the first credit and takes what is used in it.
func (p *Ports) spend(s *State, step float64, rate [engines]float64, under [engines]*Load) float64 {
	var used [channels]float64
	for c := range used {
		if p.most[c] == 0 {
			continue
		}
		for i, l := range under {
			if l != nil {
				used[c] += float64(l.Channel[c] * rate[i])
			}
		}
		if over := used[c] - 1; over > 1e-9 {
			step = min(step, s.Credit[c]/over)
		}
	}
	step = max(step, 0)
	for c := range used {
		if p.most[c] == 0 {
			continue
		}
		s.Credit[c] = min(p.most[c], s.Credit[c]+float64(step*(1-used[c])))
		if s.Credit[c] < 1e-6 {
			s.Credit[c] = 0
		}
	}
	return step
}

// rateOf returns the share of its work that an engine does in a cycle when it has the
// channels for itself.
func rateOf(speed *[channels]float64, l *Load) float64 {
	t := max(l.Own, l.Pace, 1e-3)
	for c, q := range l.Channel {
		if q > 0 {
			t = max(t, q/speed[c])
		}
	}
	return 1 / t
}

// share lowers the rates of two engines where both ask for more than a port has: each gets
// half of it, or what it asks for when that is less.
func share(speed *[channels]float64, k, d *Load, rate *[engines]float64) {
	for c, s := range speed {
		if k.Channel[c] == 0 || d.Channel[c] == 0 {
			continue
		}
		a, b := float64(k.Channel[c]*rate[Kernels]), float64(d.Channel[c]*rate[Transfers])
		switch {
		case a+b <= s:
		case a <= s/2:
			rate[Transfers] = min(rate[Transfers], (s-a)/d.Channel[c])
		case b <= s/2:
			rate[Kernels] = min(rate[Kernels], (s-b)/k.Channel[c])
		default:
			rate[Kernels], rate[Transfers] = min(rate[Kernels], s/2/k.Channel[c]), min(rate[Transfers], s/2/d.Channel[c])
		}
	}
}

// Bound returns cycles that operations with these loads in all do not undercut, whatever
// runs beside what: a memory does not deliver more than its bandwidth and what it may be
// ahead. Own is that of one engine's operations, one after the other.
func (p *Ports) Bound(all *Load) float64 {
	t := all.Own
	for c, q := range all.Channel {
		t = max(t, q-p.most[c])
	}
	return t
}
