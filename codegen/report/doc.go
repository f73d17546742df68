// SPDX-License-Identifier: Apache-2.0

// Package report shows a network to people: what it is, how exact it is, how the NPU
// spends its time and where its bytes lie, as one HTML file that loads nothing from
// elsewhere.
//
// In come Subjects: folders of projects (OpenProject), compiled models of anybody
// (OpenCompiled) and plain ones, compiled for the purpose. Out goes the page (Write). What a
// subject does not say is reported as unknown, with what would tell.
//
// subject.go says what a report is made of, evidence.go what was measured of the network;
// stream.go, fold.go and axis.go prepare command streams, a file each draws a section, and
// page.go with page/ puts them together. The bytes of a page depend on its subjects alone.
package report
