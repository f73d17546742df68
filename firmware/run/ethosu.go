// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/unroll-npu/unroll/firmware/board"
)

// armDriver says that the project is made for Arm's core driver.
func (o *Options) armDriver() bool {
	if o.Dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(o.Dir, "ethosu", "standin", "ethosu_driver.h"))
	return err == nil
}

// checkDriver refuses a driver source that cannot be built or that nothing would use.
func (o *Options) checkDriver(b *board.Board) error {
	if o.EthosuDriver == "" {
		return nil
	}
	if !o.armDriver() {
		return fmt.Errorf("%s has a driver of its own: leave out the source of Arm's, or generate it with --driver arm", o.Dir)
	}
	if b.Host() {
		return fmt.Errorf("the driver of Arm's reads and writes the NPU's registers at their address, which this machine does not have: run it on qemu, or leave its source out")
	}
	for _, need := range []string{"CMakeLists.txt", "include/ethosu_driver.h"} {
		if _, err := os.Stat(filepath.Join(o.EthosuDriver, filepath.FromSlash(need))); err != nil {
			return fmt.Errorf("%s is no source of Arm's core driver: %w; name the folder that holds its CMakeLists.txt", o.EthosuDriver, err)
		}
	}
	abs, err := filepath.Abs(o.EthosuDriver)
	if err != nil {
		return err
	}
	o.EthosuDriver = abs
	return nil
}
