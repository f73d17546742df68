// SPDX-License-Identifier: Apache-2.0

package weights

// CoreChannels returns the number of output channels of one core: channel c of an
// operation belongs to core c mod cores.
func CoreChannels(channels, cores, core int) int {
	return (channels + cores - 1 - core) / cores
}

// CoreLayouts returns the layouts of the streams of an operation on cores cores,
// given its whole layout: O counts all channels and OFMBlockDepth is that of the
// OFM_BLK_DEPTH register. A core without channels has no layout, so the result may
// be shorter than cores.
func CoreLayouts(l Layout, cores int) []Layout {
	var out []Layout
	for core := range cores {
		c := l
		c.O = CoreChannels(l.O, cores, core)
		c.OFMBlockDepth = (l.OFMBlockDepth + cores - 1 - core) / cores
		if c.O == 0 {
			break
		}
		out = append(out, c)
	}
	return out
}

// SplitCores deals the output channels of OHWI weights to the cores, one list
// each; perChannel is the number of weights of one output channel.
func SplitCores[T any](ohwi []T, perChannel, cores int) [][]T {
	if cores == 1 {
		return [][]T{ohwi}
	}
	channels := len(ohwi) / perChannel
	out := make([][]T, 0, cores)
	for core := range min(cores, channels) {
		part := make([]T, 0, CoreChannels(channels, cores, core)*perChannel)
		for c := core; c < channels; c += cores {
			part = append(part, ohwi[c*perChannel:(c+1)*perChannel]...)
		}
		out = append(out, part)
	}
	return out
}

// JoinCores is the inverse of SplitCores.
func JoinCores[T any](parts [][]T, perChannel int) []T {
	if len(parts) == 1 {
		return parts[0]
	}
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	out := make([]T, total)
	for core, p := range parts {
		for at := 0; at < len(p); at += perChannel {
			c := at/perChannel*len(parts) + core
			copy(out[c*perChannel:(c+1)*perChannel], p[at:at+perChannel])
		}
	}
	return out
}
