package rates

import "errors"

// Limited reports whether a board leaves the source of an error alone for as long as it asked.
func Limited(err error) bool {
	_, ok := errors.AsType[*limitedError](err)
	return ok
}
