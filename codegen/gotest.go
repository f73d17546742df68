package codegen

func addGoTest(t Tree, p *Project, v *view) error { return nil }
