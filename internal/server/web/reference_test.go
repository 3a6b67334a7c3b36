package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/server/web"
)

// The reference has every operation, parameter, field and status of openapi.yaml, every
// link leads somewhere, and nothing in it runs or comes from elsewhere.
func TestReference(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := web.Reference(&b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			i := strings.Index(html, `<article id="`+o.OperationID+`"`)
			if i < 0 {
				t.Errorf("%s is not there", o.OperationID)
				continue
			}
			article := html[i : i+strings.Index(html[i:], "</article>")]
			want := []string{">" + method + "<", "<code>" + path + "</code>"}
			for _, p := range append(o.Parameters, item.Parameters...) {
				want = append(want, "<code>"+p.Value.Name+"</code>")
			}
			for status, r := range o.Responses.Map() {
				want = append(want, ">"+status+"</b>")
				if m := r.Value.Content.Get("application/json"); m != nil && m.Schema != nil && len(r.Value.Content) == 1 {
					for name := range m.Schema.Value.Properties {
						want = append(want, "<code>"+name+"</code>")
					}
				}
			}
			if o.RequestBody != nil {
				for kind, m := range o.RequestBody.Value.Content {
					want = append(want, kind)
					for name := range m.Schema.Value.Properties {
						want = append(want, "<code>"+name+"</code>")
					}
				}
			}
			for _, w := range want {
				if !strings.Contains(article, w) {
					t.Errorf("%s does not show %s", o.OperationID, w)
				}
			}
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if !strings.Contains(html, `id="`+link[1]+`"`) {
			t.Errorf("nothing has the id %s", link[1])
		}
	}
	for _, never := range []string{"<script", "style=", "onclick", "http-equiv", `src="http`, `href="http`, "ZgotmplZ", "**", "<nil>", "| ---"} {
		if strings.Contains(html, never) {
			t.Errorf("%q is in it", never)
		}
	}
}

// In a browser: nothing breaks the page's policy, nothing is wider than a phone, the
// contents lead where they say, and the keyboard reaches them.
func TestReferenceInBrowser(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("GET /pay/assets/", web.Assets())
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", web.CSP)
		if err := web.Reference(w); err != nil {
			t.Error(err)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	tb := newTab(t)
	tb.Open(s.URL + "/docs")
	for _, size := range [][2]int64{{360, 740}, {1280, 900}} {
		tb.Size(size[0], size[1])
		if wide := tb.JS("document.documentElement.scrollWidth - innerWidth"); wide != "0" {
			t.Errorf("at %d the page is %s wider than the window", size[0], wide)
		}
		menu := map[bool]string{true: ".menu", false: ".side"}[size[0] < 1000]
		tb.JS("document.querySelectorAll('.menu').forEach(m => m.open = true)")
		tb.Click(menu + " a[href='#createPaymentAddress']")
		tb.Wait("Math.abs(document.getElementById('createPaymentAddress').getBoundingClientRect().top - 68) < 12")
		if first := tb.JS("(() => { scrollTo(0, 0); const a = document.querySelector('" + menu + " a'); a.focus(); return document.activeElement === a })()"); first != "true" {
			t.Errorf("at %d the contents cannot be focused", size[0])
		}
		name := map[bool]string{true: "phone", false: "desktop"}[size[0] < 1000]
		tb.JS("document.querySelectorAll('.menu').forEach(m => m.open = false)")
		for anchor, suffix := range map[string]string{"createPaymentAddress": "", "listEvents": "-list", "top": "-top"} {
			tb.JS("document.getElementById('" + anchor + "').scrollIntoView()")
			tb.SaveWindow("reference" + suffix + "-" + name + ".png")
		}
		tb.Theme("dark")
		tb.SaveWindow("reference-dark-" + name + ".png")
		tb.Theme("light")
	}
}
