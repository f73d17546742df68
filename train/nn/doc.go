// Package nn holds the float parameters of a recurrent network: what training
// produces and lowering consumes. It has no arithmetic of its own; open nn.go.
package nn
