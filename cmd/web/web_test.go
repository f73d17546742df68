// SPDX-License-Identifier: Apache-2.0

//go:build !(js && wasm)

package main

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/testdata/browser"

	"github.com/chromedp/chromedp"

	"github.com/unroll-npu/unroll/testdata"
)

var (
	wasm = flag.Bool("wasm", false, "build the page and try it in Chromium: a minute where nothing is built yet")
	site = flag.String("site", "", "folder of a page that is built already")
	shot = flag.String("screenshot", "", "file for a screenshot")
)

// TestPage drops models on the page in a browser, plain and compiled, and asks for
// everything that it does.
func TestPage(t *testing.T) {
	if !*wasm && *site == "" {
		t.Skip("SKIPPED: the page in the browser is not proven without -wasm")
	}
	ctx := browser.Open(t)
	dir := *site
	if dir == "" {
		dir = t.TempDir()
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	do := func(a chromedp.Action[chromedp.Void]) { t.Helper(); browser.Do(t, ctx, a) }
	until := func(js string) {
		t.Helper()
		for {
			v, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[document.getElementById("status").className, `+js+` ? "yes" : "", document.getElementById("status").textContent].join("|")`))
			if err != nil {
				t.Fatalf("waiting for %s: %v", js, err)
			}
			part := strings.SplitN(v, "|", 3)
			switch {
			case part[0] == "bad":
				t.Fatalf("the page says: %s", part[2])
			case part[1] != "":
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	do(chromedp.EmulateViewport(1280, 900))
	do(chromedp.Navigate(server.URL))
	until(`/Ready/.test(document.getElementById("status").textContent)`)
	for _, name := range []string{"gru32x40_stream.tflite", "gru32x40_stream.vela51-u55-128.tflite"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, testdata.ReadShared(t, "data/models/"+name), 0o666); err != nil {
			t.Fatal(err)
		}
		do(chromedp.SetUploadFiles("#model", []string{file}))
		done := func(verb string) string {
			return `document.getElementById("status").textContent.startsWith("Done: ` + verb + ` of ` + name + `,")`
		}
		until(done("report") + ` && document.getElementById("page").srcdoc.includes("s0-reproduce") && document.getElementById("files").textContent.includes("report.html")`)
		for verb, text := range map[string]string{"inspect": "cycles", "verify": "0 findings", "simulate": "16 calls on the NPU simulator"} {
			do(chromedp.Click("#" + verb))
			until(done(verb) + ` && document.getElementById("text").textContent.includes("` + text + `")`)
		}
		do(chromedp.Click("#report"))
		until(done("report") + ` && (() => { const t = document.getElementById("page").contentDocument.querySelector("#s0-time .timeline"); return t && t.getBoundingClientRect().height > 50; })()`)
	}
	if *shot != "" {
		time.Sleep(time.Second) // the frame draws by itself
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(*shot, png, 0o666)
		}
		if err != nil {
			t.Error(err)
		}
	}
}
