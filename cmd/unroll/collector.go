// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime/debug"

	"github.com/unroll-npu/unroll/lower/budget"
)

// collectorPercent is how much compile allocates between two collections, in percent of what
// is held. It ends within a second and holds a few ten megabytes, so that at Go's own 100 a
// sixth of its time went into collecting. The bound on a run's memory stays what it is: near
// it the collector works as often as it must.
const collectorPercent = 400

// spareCollector lets the collector run less often, unless the user has set it with GOGC.
func spareCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
		debug.SetMemoryLimit(budget.Limit())
	}
}
