// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interruption is the cause of a context that a signal ended.
type interruption struct{ signal syscall.Signal }

func (i interruption) Error() string { return "interrupted by " + signalNames[i.signal] }

var signalNames = map[syscall.Signal]string{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP"}

// patience is how long a verb may take to save its state after a signal.
const patience = 20 * time.Second

// withSignals returns a context that SIGINT, SIGTERM and SIGHUP end alike. A verb that
// does not return in time is ended, and so is everything by a second signal: files are
// written whole under another name and renamed, so that nothing is left half done.
func withSignals(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		first, ok := (<-signals).(syscall.Signal)
		if !ok {
			return
		}
		fmt.Fprintf(stderr, "%v: stopping (once more ends it at once)\n", interruption{first})
		cancel(interruption{first})
		select {
		case <-signals:
		case <-time.After(patience):
		}
		os.Exit(128 + int(first))
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// errDone ends a verb whose work was done, and there for good, when a signal came: the exit code says
// so, for there is nothing that the same command would go on with.
var errDone = errors.New("done before the signal")

// done ends a verb that has done all of its work.
func (c *cli) done() error {
	if c.ctx.Err() != nil {
		return errDone
	}
	return nil
}

// signalOf returns the number of the signal that ended a context, or 0.
func signalOf(ctx context.Context) int {
	var i interruption
	if errors.As(context.Cause(ctx), &i) {
		return int(i.signal)
	}
	return 0
}
