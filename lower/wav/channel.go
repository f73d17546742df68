// SPDX-License-Identifier: Apache-2.0

package wav

import (
	"fmt"
	"strconv"
)

// What is taken of a recording with several channels: one of these, or the number of a channel
// from 1 on as decimal digits.
const (
	Mix   = "mix"   // the mean of all
	Left  = "left"  // the first
	Right = "right" // the second
)

// mean stands for all channels.
const mean = -1

// ChannelsError says that a recording has several channels and nobody said which to take.
type ChannelsError struct {
	Name     string
	Channels int
}

func (e *ChannelsError) Error() string {
	return fmt.Sprintf("%s: %d channels, expected 1: mix or choose one, as with sox IN OUT remix 1", e.Name, e.Channels)
}

// Channel reads what is to be taken: the number of a channel from 0 on; all is their mean.
func Channel(channel string) (number int, all bool, err error) {
	switch channel {
	case "", Left:
		return 0, false, nil
	case Right:
		return 1, false, nil
	case Mix:
		return 0, true, nil
	}
	n, err := strconv.ParseUint(channel, 10, 16)
	if err != nil || n == 0 {
		return 0, false, fmt.Errorf("channel %q: expected %s, %s, %s or a number from 1 on", channel, Mix, Left, Right)
	}
	return int(n) - 1, false, nil
}

// choose returns the channel to take, from 0 on, or mean.
func (f *format) choose(name, channel string) (int, error) {
	n, all, err := Channel(channel)
	switch {
	case err != nil:
		return 0, err
	case channel == "" && f.channels > 1:
		return 0, &ChannelsError{name, f.channels}
	case all:
		return mean, nil
	case n >= f.channels:
		return 0, fmt.Errorf("%s: has no channel %d: it has %d", name, n+1, f.channels)
	}
	return n, nil
}
