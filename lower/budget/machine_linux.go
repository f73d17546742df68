// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"bytes"
	"os"
	"strconv"
)

// machine returns the bytes of memory, or of the control group that the process is in.
func machine() int64 {
	all := int64(4 << 30)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range bytes.Lines(b) {
			if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == "MemTotal:" {
				if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
					all = n << 10
				}
			}
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(file); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
				all = min(all, n)
			}
		}
	}
	return all
}
