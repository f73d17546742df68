package compile

// pool holds the constants of a program, one buffer for each content.
type pool struct {
	list  []*buffer
	index map[string]*buffer
}

func newPool() *pool { return &pool{index: map[string]*buffer{}} }

// intern returns the buffer with the given content, padded to a multiple of pad bytes.
func (p *pool) intern(name string, data []byte, pad int) *buffer {
	n := ru(max(len(data), 1), pad)
	content := string(data)
	if n != len(data) {
		content += string(make([]byte, n-len(data)))
	}
	if b, ok := p.index[content]; ok {
		return b
	}
	b := &buffer{name: name, size: n, data: []byte(content)}
	p.index[content] = b
	p.list = append(p.list, b)
	return b
}

// layoutConstants places every constant that an operation refers to.
func layoutConstants(m *module) error {
	used := map[*buffer]bool{}
	for _, o := range m.ops {
		o.reads(func(b *buffer) { used[b.root()] = true })
	}
	for _, b := range m.consts.list {
		if !used[b] {
			continue
		}
		b.region, b.offset = 0, len(m.blob)
		m.blob = append(m.blob, b.data...)
		m.blob = append(m.blob, make([]byte, align16(len(m.blob))-len(m.blob))...)
	}
	return nil
}
