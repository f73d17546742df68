// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/unroll-npu/unroll/firmware"
)

// Codes that the API adds to the driver's.
const (
	modelError = 32
	armError   = 33

	otherModelError = 34
	formatError     = 35
)

type statusCode struct {
	Name  string
	Value int
	Text  string
}

var (
	statusRow     = regexp.MustCompile(`(?m)^\s*X\((\w+), (\d+), "([^"]*)"\)`)
	driverVersion = regexp.MustCompile(`(?m)^#define UNROLL_NPU_DRIVER_VERSION (\d+)`)
)

// driverFacts reads the status codes and the version from the driver's own headers,
// so that the generated API cannot disagree with them.
func driverFacts() (codes []statusCode, version int, err error) {
	status, err := fs.ReadFile(firmware.Files(), "npu/npu_status.h")
	if err != nil {
		return nil, 0, fmt.Errorf("BUG: %w", err)
	}
	for _, m := range statusRow.FindAllSubmatch(status, -1) {
		n, err := strconv.Atoi(string(m[2]))
		if err != nil || n >= modelError {
			return nil, 0, fmt.Errorf("BUG: npu_status.h has the code %s", m[0])
		}
		codes = append(codes, statusCode{string(m[1]), n, string(m[3])})
	}
	if len(codes) < 2 {
		return nil, 0, fmt.Errorf("BUG: npu_status.h has no table of status codes")
	}
	header, err := fs.ReadFile(firmware.Files(), "npu/npu_driver.h")
	if err != nil {
		return nil, 0, fmt.Errorf("BUG: %w", err)
	}
	m := driverVersion.FindSubmatch(header)
	if m == nil {
		return nil, 0, fmt.Errorf("BUG: npu_driver.h has no version")
	}
	version, err = strconv.Atoi(string(m[1]))
	return codes, version, err
}

// armCodes leaves the codes that can come when Arm's driver runs the stream, which
// itself only tells success from failure.
func armCodes(codes []statusCode) []statusCode {
	var kept []statusCode
	for _, c := range codes {
		switch c.Name {
		case "OK", "BUSY", "ERR_ARGUMENT", "ERR_STATE", "ERR_ALIGNMENT", "ERR_MODEL", "ERR_OTHER_MODEL", "ERR_FORMAT":
			kept = append(kept, c)
		}
	}
	return append(kept, statusCode{"ERR_NPU", armError, "Arm's driver reports a failure; its log says more"})
}

// driverSources lists the C files of the driver.
func driverSources() (list []string, err error) {
	list, err = fs.Glob(firmware.Files(), "npu/*.c")
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("BUG: no driver: %v", err)
	}
	return list, nil
}
