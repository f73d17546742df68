// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen/projectfile"
)

// meant offers the flag that an unknown one is most like, as the end of a sentence, or "".
func meant(f *pflag.FlagSet, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedShortnames()) > 0 {
		return ""
	}
	var names []string
	f.VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			names = append(names, flag.Name)
		}
	})
	best := projectfile.Nearest(unknown.GetSpecifiedName(), names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean --%s?", best)
}
