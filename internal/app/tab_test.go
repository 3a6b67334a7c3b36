package app_test

import (
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/testkit"
)

// tab is a browser tab on a payment page. What its websocket hears is in the page's
// array heard.
type tab struct{ *testkit.Tab }

const eavesdrop = `const heard = window.heard = [];
window.WebSocket = class extends WebSocket {
  constructor(...a) {
    super(...a);
    this.addEventListener("open", () => heard.push("open"));
    this.addEventListener("message", e => heard.push(JSON.parse(e.data).type));
  }
}`

func newTab(t *testing.T) tab {
	t.Helper()
	return tab{testkit.NewTab(t, eavesdrop)}
}

func (tb tab) open(made api.CreatedInvoice) {
	tb.Helper()
	tb.Size(1280, 900)
	tb.Open(made.PaymentURL)
}

// shoot saves the page on a phone and on a desktop where SCREENSHOTS says.
func (tb tab) shoot(name string) {
	tb.Helper()
	tb.Save(name+"-phone.png", 360, 740)
	tb.Save(name+"-desktop.png", 1280, 900)
}
