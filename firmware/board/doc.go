// SPDX-License-Identifier: Apache-2.0

// Package board knows the machines that a generated project runs on. A board is a
// folder: C files, a linker script and board.json, the manifest, which says what CPU
// it has, where its memories lie and which of them the NPU reaches through which
// port, where the NPU is, what images a loader takes and what emulates it. A manifest
// may inherit another and say only what differs.
//
// In: folders, those in firmware/boards and anybody's own. Out: a Board, which checks
// itself and gives the files of a project (Tree): the folder's own and, written from
// the manifest so that no fact has two homes, unroll_board.h for C, memory-secure.ld
// and memory-nonsecure.ld for the linker and board.cmake for the build.
//
// Open board.go for what a manifest may say, set.go for how it is found and
// inherits, render.go for what is written from it.
package board
