// SPDX-License-Identifier: Apache-2.0

package link

import "fmt"

// ProtocolError says how a program broke the protocol: it is no program of ours,
// prints to stdout, or has lost its mind.
type ProtocolError struct{ What string }

func (e *ProtocolError) Error() string { return "NPU link: " + e.What }

// AccessError is an access of the NPU to memory it has no right to.
type AccessError struct {
	Write   bool
	Address uint64
	Bytes   int
	Reason  string
}

func (e *AccessError) Error() string {
	verb := "reads"
	if e.Write {
		verb = "writes"
	}
	return fmt.Sprintf("the NPU %s %d bytes at %#x: %s", verb, e.Bytes, e.Address, e.Reason)
}
