// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package reference

func dot(acc []int32, w []int8, x []int16) { dotPortable(acc, w, x) }
