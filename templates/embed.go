// Package templates holds the text templates of the per-model files of a generated
// project: C, build files and Markdown. It has no logic; package codegen renders
// them.
//
// Below project a template's path is the path of the rendered file, with PREFIX for
// the model's prefix and .tmpl at the end. The parts folder holds what several of
// them share.
package templates

import "embed"

// Files holds the templates.
//
//go:embed all:project all:parts
var Files embed.FS
