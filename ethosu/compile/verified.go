// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/verify"
)

// Fault is the error for a program that the compiler made and the verifier refuses. It
// is a fault of the compiler, never of the graph or of the options.
type Fault struct {
	Program  string
	Findings []verify.Finding // at least one
}

func (f *Fault) Error() string {
	return fmt.Sprintf("BUG: the stream compiled from %s breaks %d rules of the verifier, the first: %v", f.Program, len(f.Findings), f.Findings[0])
}

// verified returns a program that the verifier has no objections to, or a *Fault. What a
// sequence carries for runtimes that know none is verified, too.
func verified(p *ethosu.Program, err error) (*ethosu.Program, error) {
	return (&Options{}).verified(p, err)
}

// verified is the function of that name, and keeps what the verifier could not prove.
func (o *Options) verified(p *ethosu.Program, err error) (*ethosu.Program, error) {
	if err != nil {
		return nil, err
	}
	r := verify.Program(p)
	if len(r.Findings) > 0 {
		return nil, &Fault{Program: quoted(p.Name), Findings: r.Findings}
	}
	if o.unproven != nil {
		o.unproven[p] = r.Unproven
	}
	return p, nil
}
