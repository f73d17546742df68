package nn

// Parameters returns the number of trained values.
func (n *Network) Parameters() int {
	total := len(n.HeadKernel) + len(n.HeadBias)
	for i := range n.Layers {
		l := &n.Layers[i]
		total += len(l.Kernel) + len(l.Recurrent) + len(l.Bias)
	}
	return total
}
