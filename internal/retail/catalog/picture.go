package catalog

import (
	"fmt"
	"strings"
	"unicode"
)

// Picture returns the drawing of a product by the name of its file, such as
// "B08N5WRWNW.svg", and false when there is none. It is always the same, runs nothing
// and fetches nothing.
func Picture(file string) (svg []byte, ok bool) {
	s, id := stock(), strings.TrimSuffix(file, ".svg")
	n, ok := s.byID[id]
	if !ok || id == file {
		return nil, false
	}
	p := s.products[n]
	hue := roll(360, p.ID, "colour")
	initials := ""
	for _, w := range strings.Fields(strings.TrimPrefix(p.Title, p.Brand+" "))[:2] {
		if r := []rune(w)[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			initials += strings.ToUpper(string(r))
		}
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 480" role="img"><title>%s</title>`+
		`<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="hsl(%d,58%%,62%%)"/><stop offset="1" stop-color="hsl(%d,52%%,42%%)"/></linearGradient></defs>`+
		`<rect width="480" height="480" fill="url(#g)"/><circle cx="%d" cy="%d" r="190" fill="#fff" fill-opacity=".12"/><circle cx="%d" cy="400" r="110" fill="#000" fill-opacity=".06"/>`+
		`<path transform="translate(96 84) scale(12)" d="%s" fill="#fff" fill-opacity=".16" stroke="#fff" stroke-width="1.1" stroke-linecap="round" stroke-linejoin="round"/>`+
		`<text x="36" y="444" fill="#fff" fill-opacity=".85" font-family="system-ui,sans-serif" font-size="40" font-weight="600" letter-spacing="2">%s</text></svg>`,
		escape.Replace(p.Title), hue, (hue+35)%360, 90+roll(300, p.ID, "x"), 60+roll(200, p.ID, "y"), 40+roll(400, p.ID, "z"), drawings[s.drawings[p.ID]], escape.Replace(initials)), true
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// drawings are lines on a field of 24 by 24.
var drawings = map[string]string{
	"bag":      "M6 8h12l1 12H5zM9 8V7a3 3 0 0 1 6 0v1",
	"bottle":   "M10 3h4v3l2 3v11a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V9l2-3zM8 13h8",
	"box":      "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
	"camera":   "M4 8h4l1.5-2.5h5L16 8h4a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM8.5 13.5a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
	"cup":      "M5 8h11v6a5 5 0 0 1-5 5h-1a5 5 0 0 1-5-5zM16 9h2a2.5 2.5 0 0 1 0 5h-2M8 5V3M10.5 5V3M13 5V3",
	"dice":     "M6 5h12a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM9 9v.01M15 9v.01M9 15v.01M15 15v.01M12 12v.01",
	"dumbbell": "M3 10v4M6 7v10M18 7v10M21 10v4M6 12h12",
	"lamp":     "M9 4h6l3 7H6zM12 11v8M8 20h8",
	"leaf":     "M6 18c-1-8 4-13 13-13c1 9-4 14-13 13zM4 20c3-5 6-8 10-10",
	"pan":      "M3 12a6 6 0 1 0 12 0a6 6 0 1 0-12 0M6 12a3 3 0 0 1 3-3M15 12h6.5",
	"paw":      "M8 16.5c0-2.5 2-4.5 4-4.5s4 2 4 4.5c0 2-1.5 2.5-4 2.5s-4-.5-4-2.5zM4.5 11a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M8 7a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M13.6 7a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M17.1 11a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0",
	"pen":      "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
	"plug":     "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
	"speaker":  "M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM9 15a3 3 0 1 0 6 0a3 3 0 1 0-6 0M12 7v.01",
	"tent":     "M12 5L3 19h18zM12 12l-3 7h6z",
}
