package train

import "fmt"

// Recipe sets the fields of c that a named recipe fixes and leaves the others:
//
//	guide    one epoch, Adam at a constant 1e-3, as the guide trains its model
//	default  one epoch, peak 5e-3, 10 % warm-up, cosine
//	best     three epochs, peak 3e-3, 5 % warm-up, cosine, images shifted by up to one pixel
func Recipe(name string, c Config) (Config, error) {
	c.Batch = 32
	switch name {
	case "guide":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 1, 1e-3, Constant, 0, 0
	case "default":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 1, 5e-3, Cosine, 0.1, 0
	case "best":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 4, 3e-3, Cosine, 0.05, 1
	default:
		return c, fmt.Errorf("unknown recipe %q: expected guide, default or best", name)
	}
	return c, nil
}
