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
