// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package gemm

var level = Portable

func available() []Level { return []Level{Portable} }

func mulRows(p *Product, first, rows int) { mulPortable(p, first, rows) }

func spin(turns int) (flop float64) { return spinPortable(turns) }

func tileHeight() int { return 6 }
