// SPDX-License-Identifier: Apache-2.0

package audio

// Signal returns n samples of a made-up sound, the same on every machine: noise whose
// loudness swells and fades, under a tone of changing height. It stands for recordings
// where none are at hand.
func Signal(n int) []int16 {
	out := make([]int16, n)
	state, phase, height := uint32(1), uint32(0), uint32(1<<26)
	for i := range out {
		state = state*1664525 + 1013904223
		if i%997 == 0 {
			height = 1<<25 + state>>5
		}
		phase += height
		triangle := int32(phase>>16) - 32768 // -32768 to 32767
		if triangle < 0 {
			triangle = -triangle - 1
		}
		loud := int32(i % 4096)
		if loud > 2048 {
			loud = 4096 - loud
		}
		noise := int32(state) >> 17 // 15 bits and a sign
		out[i] = int16((int64(noise)*int64(loud)/2048 + int64(triangle-16384)) / 2)
	}
	return out
}
