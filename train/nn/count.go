// SPDX-License-Identifier: Apache-2.0

package nn

// Parameters returns the number of trained values.
func (n *Network) Parameters() int {
	total := len(n.HeadKernel) + len(n.HeadBias)
	for i := range n.Layers {
		for _, p := range n.Layers[i].Parameters() {
			total += len(*p.Data)
		}
	}
	return total
}

// Tensors returns all tensors of the network in a fixed order: those of the layers,
// then the head's.
func (n *Network) Tensors() []*[]float32 {
	var all []*[]float32
	for i := range n.Layers {
		for _, p := range n.Layers[i].Parameters() {
			all = append(all, p.Data)
		}
	}
	return append(all, &n.HeadKernel, &n.HeadBias)
}

// Clone returns a copy whose tensors are its own.
func (n *Network) Clone() *Network {
	c := n.Shape()
	from := n.Tensors()
	for i, t := range c.Tensors() {
		copy(*t, *from[i])
	}
	return c
}

// Shape returns a copy with tensors of its own, of the sizes that the layers say, all
// zero.
func (n *Network) Shape() *Network {
	c := *n
	c.Layers = append([]Layer(nil), n.Layers...)
	for i := range c.Layers {
		for _, p := range c.Layers[i].Parameters() {
			*p.Data = make([]float32, p.Elements())
		}
	}
	units := c.Layers[len(c.Layers)-1].Units
	c.HeadKernel, c.HeadBias = make([]float32, units*c.Outputs), make([]float32, c.Outputs)
	return &c
}
