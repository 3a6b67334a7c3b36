package server

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

// strict refuses valid JSON that two readers could understand differently: an object
// that names a field twice, a text with a NUL, and, below the top level, a number
// too large for the usual reader. A field of the top level answers for its own
// number, with its own code.
func strict(raw []byte, bad pay.Code) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var open []map[string]bool // what each object around has named; nil for a list
	name := false              // whether the next text is a name
	for {
		t, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the end; that it is valid JSON was seen before
		}
		top := len(open) - 1
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:top]
			}
			name = len(open) > 0 && open[len(open)-1] != nil
			continue
		case string:
			if strings.ContainsRune(v, 0) {
				return pay.Errorf(bad, "The request body has a text with a NUL character; remove it")
			}
			if name {
				field := v
				if top == 0 { // fields are found whatever their case
					field = strings.ToLower(v)
				}
				if open[top][field] {
					return pay.Errorf(bad, "The request body names %.64q twice in one object", v)
				}
				open[top][field], name = true, false
				continue
			}
		case json.Number:
			if _, err := strconv.ParseFloat(string(v), 64); err != nil && top > 0 {
				return pay.Errorf(bad, "The request body has a number out of range: %.40s", v)
			}
		}
		name = top >= 0 && open[top] != nil
	}
}
