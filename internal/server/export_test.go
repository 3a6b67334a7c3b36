package server

import "strings"

// Patterns returns the pattern of every route, as the paths of openapi.yaml are written.
func Patterns(s *Server) []string {
	var ps []string
	for _, r := range s.routes() {
		ps = append(ps, strings.TrimSuffix(r.pattern, "{$}"))
	}
	return ps
}

// Group is a route of the table: its pattern, and who may call it without credentials.
type Group struct {
	Pattern string
	Payor   bool // a payor's session opens it
}

// Groups returns every route.
func Groups(s *Server) (all []Group) {
	for _, r := range s.routes() {
		all = append(all, Group{r.pattern, r.face == payorFace})
	}
	return all
}
