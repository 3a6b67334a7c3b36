package server

// Patterns returns the pattern of every route.
func Patterns(s *Server) []string {
	var ps []string
	for _, r := range s.routes() {
		ps = append(ps, r.pattern)
	}
	return ps
}
