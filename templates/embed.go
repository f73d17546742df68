// SPDX-License-Identifier: Apache-2.0

// Package templates holds the text templates of the per-model files of a generated
// project: C, build files and Markdown. It has no logic; package codegen renders
// them.
//
// Below project a template's path is the path of the rendered file, with PREFIX for
// the model's prefix and .tmpl at the end. Files of the arm folder take the place of
// some of them when Arm's core driver runs the stream; the parts folder holds what
// several share, and cpu the C functions of operators that the CPU computes, of which a
// project has those that it calls.
package templates

import "embed"

// Files holds the templates.
//
//go:embed all:project all:arm all:parts cpu/*.c
var Files embed.FS
