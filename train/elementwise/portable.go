// SPDX-License-Identifier: Apache-2.0

package elementwise

import "math"

// Products are rounded before they are added, so that compilers which fuse the
// two give the same bits as those which do not.

// exp2 returns 2^t by the polynomial of the vector code.
func exp2(t float32) float32 {
	if t != t {
		return t
	}
	t = min(max(t, -126), 126)
	n := float32(math.RoundToEven(float64(t)))
	f := t - n
	p := float32(0.001326472731307149)
	for _, c := range [...]float32{0.009671512991189957, 0.05550733581185341, 0.24022242426872253, 0.6931470036506653, 1} {
		p = float32(p*f) + c
	}
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

func sigmoid1(x float32) float32 { return 1 / (1 + exp2(-1.4426950408889634*x)) }

func tanh1(x float32) float32 {
	t := -1.4426950408889634 * x
	s := 1 / (1 + exp2(t+t))
	return s + s - 1
}

func sigmoidPortable(x []float32) {
	for i, v := range x {
		x[i] = sigmoid1(v)
	}
}

func tanhPortable(x []float32) {
	for i, v := range x {
		x[i] = tanh1(v)
	}
}

func gruForwardPortable(n int, gates, h0, h1 []float32) {
	xn, zs, rs, hn := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:4*n]
	for i := range n {
		z, r := sigmoid1(zs[i]), sigmoid1(rs[i])
		c := tanh1(xn[i] + float32(r*hn[i]))
		xn[i], zs[i], rs[i] = c, z, r
		h1[i] = c + float32(z*(h0[i]-c))
	}
}

func gruBackwardPortable(n int, gates, h0, dh []float32) {
	ns, zs, rs, hn := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:4*n]
	for i := range n {
		c, z, r, d := ns[i], zs[i], rs[i], dh[i]
		dn := d * (1 - z) * (1 - float32(c*c))
		ns[i] = dn
		zs[i] = d * (h0[i] - c) * z * (1 - z)
		rs[i] = dn * hn[i] * r * (1 - r)
		hn[i] = dn * r
		dh[i] = d * z
	}
}

func lstmForwardPortable(n int, gates, c0, c1, q, h1 []float32) {
	is, fs, gs, os := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:4*n]
	for j := range n {
		i, f, g, o := sigmoid1(is[j]), sigmoid1(fs[j]), tanh1(gs[j]), sigmoid1(os[j])
		is[j], fs[j], gs[j], os[j] = i, f, g, o
		c1[j] = float32(i*g) + float32(f*c0[j])
		q[j] = tanh1(c1[j])
		h1[j] = o * q[j]
	}
}

func lstmBackwardPortable(n int, gates, c0, q, dh, dc []float32) {
	is, fs, gs, os := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:4*n]
	for j := range n {
		i, f, g, o := is[j], fs[j], gs[j], os[j]
		d := dc[j] + float32(dh[j]*o*(1-float32(q[j]*q[j])))
		is[j] = d * g * i * (1 - i)
		fs[j] = d * c0[j] * f * (1 - f)
		gs[j] = d * i * (1 - float32(g*g))
		os[j] = dh[j] * q[j] * o * (1 - o)
		dc[j] = d * f
	}
}

func rnnTanhBackwardPortable(n int, d, h, dh []float32) {
	for i := range n {
		d[i] = dh[i] * (1 - float32(h[i]*h[i]))
	}
}

func minGRUForwardPortable(n int, gates, h0, h1 []float32) {
	ns, us := gates[:n], gates[n:2*n]
	for i := range n {
		c, u := tanh1(ns[i]), sigmoid1(us[i])
		ns[i], us[i] = c, u
		h1[i] = h0[i] + float32(u*(c-h0[i]))
	}
}

func minGRUBackwardPortable(n int, gates, h0, dh []float32) {
	ns, us := gates[:n], gates[n:2*n]
	for i := range n {
		c, u, d := ns[i], us[i], dh[i]
		rest := d * (1 - u)
		ns[i] = d * u * (1 - float32(c*c))
		us[i] = (c - h0[i]) * u * rest
		dh[i] = rest
	}
}

func adamPortable(p, gradient, m, v []float32, a *Adam) {
	for i := range p {
		g := gradient[i] * a.Scale
		m[i] += float32((g - m[i]) * a.Keep1)
		v[i] += float32((float32(g*g) - v[i]) * a.Keep2)
		p[i] -= m[i] * a.Alpha / (float32(math.Sqrt(float64(v[i]))) + a.Epsilon)
	}
}
