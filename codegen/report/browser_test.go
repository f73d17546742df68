// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata/browser"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/train/tune"
)

var screenshots = flag.String("screenshots", "", "folder for screenshots of the pages that are tested")

// TestBrowser opens pages in Chromium: no error reaches the console, nothing is wider than a
// phone, the keyboard works the charts, and dark is dark.
func TestBrowser(t *testing.T) {
	project := openTree(t, digits(t, compile.FormUnrolled))
	for name, b := range map[string][]byte{
		"project":  page(t, project),
		"foreign":  page(t, foreign(t, "gru32x40_stream")),
		"study":    []byte(studyPage(t, tune.ByAccuracy, 100)),
		"compared": page(t, project, foreign(t, "lstm64_mnist_state")),
	} {
		t.Run(name, func(t *testing.T) { visit(t, name, b) })
	}
}

func visit(t *testing.T, name string, b []byte) {
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx := browser.Open(t)
	do := func(a chromedp.Action[chromedp.Void]) { t.Helper(); browser.Do(t, ctx, a) }
	at := func(width int64, scheme string) {
		t.Helper()
		do(chromedp.EmulateViewport(width, 900))
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	shot := func(which string) {
		t.Helper()
		if *screenshots == "" {
			return
		}
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(*screenshots, name+"-"+which+".png"), png, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const luminance = `(() => { const c = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number); return c[0] + c[1] + c[2]; })()`
	// Widths that reach out of the page, but for what scrolls in a frame of its own.
	const wide = `Array.from(document.querySelectorAll("body *")).filter(e => !e.closest(".scroll > *, nav, pre, .skip, details:not([open]) > :not(summary)") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ")`
	const steps = `(() => { const r = document.querySelector(".timeline").closest("[data-chart]"); r.focus(); const key = k => r.dispatchEvent(new KeyboardEvent("keydown", {key: k, bubbles: true, cancelable: true}));
		key("ArrowRight"); const first = r.closest(".figure").querySelector(".readout").textContent; key("+"); const box = r.querySelector("svg").viewBox.baseVal.width; key("0"); const whole = r.querySelector("svg").viewBox.baseVal.width; return [document.activeElement === r, first, box < whole].join("|"); })()`
	text := func(js string) string { return evaluate[string](t, ctx, js) }
	at(1280, "light")
	do(chromedp.Navigate("file://" + file))
	light := evaluate[float64](t, ctx, luminance)
	reaching, keyboard := text(wide), "true|cycles|true"
	if strings.Contains(string(b), "data-chart tabindex") {
		keyboard = text(steps)
	}
	unnamed := text(`document.querySelectorAll("svg:not([aria-label]):not([aria-hidden]), [role=region]:not([aria-label]), button:empty").length + ""`)
	shot("light")
	at(1280, "dark")
	dark := evaluate[float64](t, ctx, luminance)
	shot("dark")
	at(360, "light")
	narrow := text(wide)
	shot("360")
	if light < 600 || dark > 200 {
		t.Errorf("the background has %v of 765 in light and %v in dark", light, dark)
	}
	if reaching != "" || narrow != "" {
		t.Errorf("wider than the page: at 1280 %q, at 360 %q", reaching, narrow)
	}
	if part := strings.Split(keyboard, "|"); len(part) != 3 || part[0] != "true" || !strings.Contains(part[1], "cycles") || part[2] != "true" {
		t.Errorf("the keyboard on the timeline gives %q: expected focus, a mark's text and a zoom", keyboard)
	}
	if unnamed != "0" {
		t.Errorf("%s parts have no name for screen readers", unnamed)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, js string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
