// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// mutant is one change of the code.
type mutant struct {
	id       int
	place    string // file:line:column
	function string
	text     string // what stands there, in one line
	what     string // what becomes of it
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s: %s: `%s` %s", m.place, m.function, m.text, m.what)
}

// edit is text that is put into a file; edits at one place stand in the order of rank.
type edit struct {
	offset, rank int
	text         string
}

// changer visits one file.
type changer struct {
	*pkg
	*source
	function string
	depth    int
}

// change finds every place that can be changed, and writes what chooses the change there.
func (p *pkg) change() error {
	for _, f := range p.files {
		c := &changer{pkg: p, source: f}
		for _, d := range f.tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				c.function = d.Name.Name
				if d.Recv != nil {
					c.function = strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + c.function
				}
				if d.Body != nil {
					c.visit(d.Body)
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					c.function = "var"
					c.visit(d)
				}
			}
		}
	}
	if len(p.mutants) == 0 {
		return fmt.Errorf("nothing to change")
	}
	return nil
}

// add makes a change of a node known and gives its number.
func (c *changer) add(n ast.Node, what string) int {
	at := c.set.Position(n.Pos())
	text := strings.Join(strings.Fields(string(c.text[at.Offset:c.set.Position(n.End()).Offset])), " ")
	c.mutants = append(c.mutants, &mutant{id: len(c.mutants) + 1, place: fmt.Sprintf("%s:%d:%d", c.path, at.Line, at.Column),
		function: c.function, text: text, what: what})
	return len(c.mutants)
}

// around puts text before and behind a node; what is within it stands closer to it.
func (c *changer) around(n ast.Node, before, behind string) {
	c.edits = append(c.edits,
		edit{c.set.Position(n.Pos()).Offset, c.depth, before},
		edit{c.set.Position(n.End()).Offset, -c.depth, behind})
}

// instead replaces an operator between two expressions.
func (c *changer) instead(pos token.Pos, old, text string) {
	offset := c.set.Position(pos).Offset
	c.edits = append(c.edits, edit{offset, 1 << 20, text + "/*"}, edit{offset + len(old), -1 << 20, "*/"})
}

// visit changes a node and all below it.
func (c *changer) visit(n ast.Node) {
	if n == nil {
		return
	}
	c.depth += 4
	defer func() { c.depth -= 4 }()
	switch n := n.(type) {
	case *ast.BlockStmt:
		c.statements(n.List)
	case *ast.CaseClause:
		c.statements(n.Body)
	case *ast.CommClause:
		c.statements(n.Body)
	case *ast.IfStmt:
		c.depth++
		c.around(n.Cond, fmt.Sprintf("(mutantNever(%d, ", c.add(n.Cond, "never")), "))")
		c.depth--
		switch n.Cond.(type) {
		case *ast.BinaryExpr, *ast.ParenExpr, *ast.UnaryExpr:
		default:
			c.around(n.Cond, "(", fmt.Sprintf(" != mutantOn(%d))", c.add(n.Cond, "negated")))
		}
	case *ast.BinaryExpr:
		c.binary(n)
	case *ast.UnaryExpr:
		c.unary(n)
	case *ast.AssignStmt:
		c.assign(n)
	case *ast.ForStmt:
		// What steps a loop is left: without it, a test only runs into its time limit.
		if n.Init != nil {
			c.visit(n.Init)
		}
		if n.Cond != nil {
			c.visit(n.Cond)
		}
		c.visit(n.Body)
		return
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			return
		}
	}
	ast.Inspect(n, func(below ast.Node) bool {
		if below == n || below == nil {
			return true
		}
		c.visit(below)
		return false
	})
}

// statements lets calls and assignments be left out.
func (c *changer) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			call, ok := s.X.(*ast.CallExpr)
			if !ok {
				continue
			}
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || blank(s.Lhs) {
				continue
			}
		case *ast.IncDecStmt:
		default:
			continue
		}
		c.around(s, fmt.Sprintf("if !mutantOn(%d) { ", c.add(s, "left out")), " }")
	}
}

func blank(list []ast.Expr) bool {
	for _, e := range list {
		if id, ok := e.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// constant says whether the compiler knows an expression's value: such ones stay.
func (c *changer) constant(e ast.Expr) bool { return c.info.Types[e].Value != nil }

// basic gives an expression's type if it is a basic one underneath and not a parameter.
func (c *changer) basic(e ast.Expr) *types.Basic {
	t := c.info.Types[e].Type
	if t == nil {
		return nil
	}
	if _, parameter := types.Unalias(t).(*types.TypeParam); parameter {
		return nil
	}
	b, _ := t.Underlying().(*types.Basic)
	return b
}

// opposite is what an operator of two numbers becomes.
var opposite = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	token.AND: token.OR, token.OR: token.AND, token.XOR: token.AND, token.AND_NOT: token.AND, token.SHL: token.SHR, token.SHR: token.SHL,
}

// names of the functions that do one of two operations.
var twofold = map[token.Token]string{
	token.ADD: "mutantAdd", token.SUB: "mutantSub", token.MUL: "mutantMul", token.QUO: "mutantQuo", token.REM: "mutantRem",
	token.AND: "mutantAnd", token.OR: "mutantOr", token.XOR: "mutantXor", token.AND_NOT: "mutantAndNot", token.SHL: "mutantShl", token.SHR: "mutantShr",
	token.LSS: "mutantLess", token.LEQ: "mutantLessEqual", token.GTR: "mutantGreater", token.GEQ: "mutantGreaterEqual",
}

var boundary = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

func (c *changer) binary(n *ast.BinaryExpr) {
	if c.constant(n) {
		return
	}
	switch n.Op {
	case token.LAND, token.LOR:
		other := map[token.Token]token.Token{token.LAND: token.LOR, token.LOR: token.LAND}[n.Op]
		id := c.add(n, "with "+other.String())
		name := map[token.Token]string{token.LAND: "mutantBoth", token.LOR: "mutantEither"}[n.Op]
		c.around(n, fmt.Sprintf("%s(%d, ", name, id), ")})")
		c.instead(n.OpPos, n.Op.String(), ", func() bool { return (")
	case token.EQL, token.NEQ:
		c.around(n, "((", fmt.Sprintf(") != mutantOn(%d))", c.add(n, "negated")))
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if c.basic(n.X) == nil || c.basic(n.Y) == nil {
			return
		}
		id := c.add(n, "with "+boundary[n.Op])
		c.around(n, fmt.Sprintf("(%s(%d, ", twofold[n.Op], id), fmt.Sprintf(") != mutantOn(%d))", c.add(n, "negated")))
		c.instead(n.OpPos, n.Op.String(), ",")
	default:
		name, ok := twofold[n.Op]
		b := c.basic(n)
		if !ok || b == nil || b.Info()&types.IsNumeric == 0 {
			return
		}
		id := c.add(n, "with "+opposite[n.Op].String())
		c.around(n, fmt.Sprintf("%s(%d, ", name, id), ")")
		c.instead(n.OpPos, n.Op.String(), ",")
		if shift := n.Op == token.SHL || n.Op == token.SHR; shift {
			c.depth += 2
			if c.constant(n.X) { // its type is that of the place where the shift stands
				c.around(n.X, b.Name()+"(", ")")
			}
			if c.constant(n.Y) {
				c.around(n.Y, "int(", ")")
			}
			c.depth -= 2
		}
	}
}

func (c *changer) unary(n *ast.UnaryExpr) {
	if c.constant(n) {
		return
	}
	switch n.Op {
	case token.SUB:
		c.around(n, fmt.Sprintf("mutantMinus(%d, ", c.add(n, "without -")), ")")
		c.instead(n.OpPos, "-", "")
	case token.NOT:
		c.around(n, "(", fmt.Sprintf(" != mutantOn(%d))", c.add(n, "without !")))
	case token.XOR:
		c.around(n, fmt.Sprintf("mutantNot(%d, ", c.add(n, "without ^")), ")")
		c.instead(n.OpPos, "^", "")
	}
}

// assign lets += subtract, and -= add.
func (c *changer) assign(n *ast.AssignStmt) {
	if n.Tok != token.ADD_ASSIGN && n.Tok != token.SUB_ASSIGN {
		return
	}
	b := c.basic(n.Lhs[0])
	if b == nil || b.Info()&types.IsNumeric == 0 || c.constant(n.Rhs[0]) {
		return
	}
	other := map[token.Token]string{token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+="}[n.Tok]
	c.around(n.Rhs[0], fmt.Sprintf("mutantMinusIf(%d, ", c.add(n, "with "+other)), ")")
}
