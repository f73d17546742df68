// SPDX-License-Identifier: Apache-2.0

// Package tune searches networks against bounds of hardware: by successive halving over a
// space of the flags of a build, with results that others measure.
//
// In come a space, a plan and bounds; a study is what is drawn from them: candidates that
// could be within the bounds, each a choice of flags. The plan has rungs. The first one
// trains every candidate for few epochs, each further one the best part of the one before
// for more. A trial is one candidate at one rung; its number says which, and what it takes
// is in the results of the rung before. So trials of a rung can run anywhere in any order,
// on machines that share nothing but the study's folder: whoever runs one writes the same
// bytes.
//
// The package trains and compiles nothing: it is given figures of a trial and decides. What
// decides is the accuracy on the validation part; figures of the test part only travel along.
package tune
