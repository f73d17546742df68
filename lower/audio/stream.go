// SPDX-License-Identifier: Apache-2.0

package audio

// Carried reports whether a network that takes steps rows a call, and was trained on
// sequences of so many (0: not known), carries its state from call to call: a part of a
// sequence goes on where the part before ended, whole sequences begin anew.
func Carried(steps, trained int) bool { return steps == 1 || trained != 0 && trained != steps }
