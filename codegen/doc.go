// SPDX-License-Identifier: Apache-2.0

// Package codegen turns a compiled program into a C project: the model library
// with its inference API, an application that runs the golden vectors, build
// files, a generated Go test and a manifest.
//
// In comes a Project (an ethosu.Program, what the numbers mean, golden vectors);
// out goes a Tree, file contents by path, that WriteTo puts on disk in one step
// and Check compares with what is there. It renders the templates of package
// templates and copies the fixed C of package firmware; it knows no schedules and
// starts no compilers. The bytes of a tree depend on the Project alone.
//
// Open project.go for what comes in, generate.go for the list of parts a tree is
// made of, and tree.go for how it reaches the disk.
package codegen
