// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// within runs f under a limit of its own.
func within(t *testing.T, bytes int64, f func()) {
	t.Helper()
	before := limit.Load()
	limit.Store(bytes) // without the collector's, which is of the whole test
	defer limit.Store(before)
	f()
}

func TestAsk(t *testing.T) {
	within(t, 1<<30, func() {
		if err := Ask("x", 100<<20); err != nil {
			t.Error(err)
		}
		err := Ask("--steps 7", 2<<30)
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "--steps 7 takes 2.0 GB of memory, and of the 1.0 GB that a run may hold ") {
			t.Errorf("found %v", err)
		}
	})
	if Limit() < 1<<20 {
		t.Errorf("limit of %d bytes", Limit())
	}
}

// What nobody uses any more is no reason to refuse.
func TestAskBesideGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // nothing is collected by itself
	rest := make([]byte, 64<<20)
	for i := range rest {
		rest[i] = byte(i)
	}
	within(t, held()+32<<20, func() {
		if err := Ask("x", 48<<20); err == nil {
			t.Error("48 MB beside what is in use, of which 32 MB are left")
		}
		runtime.KeepAlive(rest)
		rest = nil
		if err := Ask("x", 48<<20); err != nil {
			t.Error(err)
		}
	})
}

func TestTimes(t *testing.T) {
	for want, sizes := range map[int64][]int64{6: {2, 3}, 0: {1 << 62, 0}, math.MaxInt64: {1 << 40, 1 << 40}, 1 << 62: {1 << 31, 1 << 31}} {
		if got := Times(sizes...); got != want {
			t.Errorf("%v: %d, expected %d", sizes, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{"2G": 2 << 30, "800M": 800 << 20, "1.5 GiB": 3 << 29, "1048576": 1 << 20, "3gb": 3 << 30, "4096K": 4 << 20} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "M", "-2G", "1k", "NaN", "1e30", "2X", "Inf"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	content := strings.Repeat("x", 3<<20)
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadFile(name); err != nil || string(b) != content {
		t.Error(err)
	}
	within(t, 1<<20, func() {
		if _, err := ReadFile(name); err == nil || !strings.Contains(err.Error(), name+" takes 3.0 MB of memory") {
			t.Errorf("found %v", err)
		}
	})
	if _, err := os.Stat("/dev/zero"); err == nil {
		within(t, 64<<20, func() {
			if _, err := ReadFile("/dev/zero"); err == nil || !strings.Contains(err.Error(), "/dev/zero: no end after 16.0 MB") {
				t.Errorf("found %v", err)
			}
		})
	}
}
