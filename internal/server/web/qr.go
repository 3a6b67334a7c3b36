package web

import (
	"fmt"
	"strconv"

	"rsc.io/qr"
)

// quiet is the width of the empty border every reader needs (ISO/IEC 18004).
const quiet = 4

// QR draws text as a QR code: an SVG of one path, dark on white in every theme, with
// its quiet zone. Text beyond what a code holds (about 2,300 bytes) is an error.
func QR(text string) (svg []byte, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("encode QR of %d bytes: %w", len(text), err)
	}
	side := strconv.Itoa(code.Size + 2*quiet)
	svg = append(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 `+side+` `+side+
		`" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h`+side+`v`+side+`H0z"/><path fill="#0b1f1a" d="`...)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) { // outside the code is white
				run++
			}
			if run > 0 {
				svg = fmt.Appendf(svg, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return append(svg, `"/></svg>`...), nil
}
