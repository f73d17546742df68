// SPDX-License-Identifier: Apache-2.0

package verify

import "fmt"

// Rule says what a finding is about.
type Rule string

// Rules.
const (
	RuleStream    Rule = "stream"    // words, opcodes, reserved bits, field values, the end
	RuleRegister  Rule = "register"  // a register was used before it was set
	RuleRegion    Rule = "region"    // an access outside its region, or a write to constants
	RuleAlignment Rule = "alignment" // bases, strides, lengths
	RuleShape     Rule = "shape"     // extents, padding, tiles
	RuleType      Rule = "type"      // data types, zero points, scale modes
	RuleBlock     Rule = "block"     // OFM block and SHRAM layout
	RuleWeights   Rule = "weights"   // weight and scale streams
	RuleTable     Rule = "table"     // lookup tables
	RuleDMA       Rule = "dma"       // transfers
	RuleUndefined Rule = "undefined" // bytes that were never written are read
	RuleOverlap   Rule = "overlap"   // an operation overwrites what it still reads
	RuleWait      Rule = "wait"      // a hazard between DMA and kernel is not covered
	RuleBlockdep  Rule = "blockdep"  // a hazard between kernels is not covered
	RuleOverflow  Rule = "overflow"  // a value that the registers of 32 bits may not hold
	RuleProgram   Rule = "program"   // inputs, outputs, states, sizes
	RuleChain     Rule = "chain"     // chaining buffers of the U85
)

// Finding is one thing that is wrong with a stream.
type Finding struct {
	Word int    // offset in the stream of the command at fault
	Op   int    // number of the block operation or DMA, -1 when it is none
	Name string // of the operation or command
	Rule Rule
	Msg  string

	// Unproven says that the rule may hold, and that nothing shows it: what decides is
	// not in the stream, or no public source states what the hardware does.
	Unproven bool
}

func (f Finding) String() string {
	rule := string(f.Rule)
	if f.Unproven {
		rule += " (unproven)"
	}
	if f.Op < 0 {
		return fmt.Sprintf("word %d: %s: %s: %s", f.Word, f.Name, rule, f.Msg)
	}
	return fmt.Sprintf("word %d: operation %d (%s): %s: %s", f.Word, f.Op, f.Name, rule, f.Msg)
}

// Report is what a verification found, in stream order.
type Report struct {
	Operations int       // kernels and transfers that were looked at
	Findings   []Finding // what is wrong
	Unproven   []Finding // what may be wrong, and nothing shows that it is right
}

// Proven reports whether everything was shown to be right.
func (r Report) Proven() bool { return len(r.Findings)+len(r.Unproven) == 0 }

// All returns findings and what is unproven.
func (r Report) All() []Finding {
	return append(r.Findings[:len(r.Findings):len(r.Findings)], r.Unproven...)
}

// reportOf sorts findings by their class.
func reportOf(operations int, list []Finding) Report {
	r := Report{Operations: operations, Findings: []Finding{}, Unproven: []Finding{}}
	for _, f := range list[:min(len(list), maxFindings)] {
		if f.Unproven {
			r.Unproven = append(r.Unproven, f)
		} else {
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}

// maxFindings bounds the length of a report; a stream that is wrong throughout
// needs no more.
const maxFindings = 200
