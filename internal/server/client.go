package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// address names who a request comes from, for limits: an IP address, or the /64 that
// a caller with IPv6 has to himself.
func (s *Server) address(r *http.Request) string {
	a, ok := Client(r, s.Proxies)
	if !ok {
		return r.RemoteAddr // of a test, or a Unix socket
	}
	if a.Is6() {
		p, _ := a.Prefix(64) // an address of 128 bits has one
		return p.String()
	}
	return a.String()
}

// Client returns the address a request comes from. A proxy that we trust is believed
// about whom it passes on, a proxy of proxies too, and nobody else: it is the last
// address on the way here that is not a trusted proxy's. What is no address ends the
// way, and so does a proxy that passed on a contradiction: one header is its own,
// the other may be the caller's invention.
func Client(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	peer, ok := parseHost(r.RemoteAddr)
	if !ok || !within(peer, trusted) {
		return peer, ok
	}
	var found []netip.Addr
	for _, hops := range [][]string{list(r.Header.Values("X-Forwarded-For")), forwarded(r.Header.Values("Forwarded"))} {
		if len(hops) > 0 {
			found = append(found, origin(peer, hops, trusted))
		}
	}
	switch {
	case len(found) == 0, len(found) == 2 && found[0] != found[1]:
		return peer, true
	}
	return found[0], true
}

// origin walks the way back, from the nearest hop.
func origin(peer netip.Addr, hops []string, trusted []netip.Prefix) netip.Addr {
	at := peer
	for _, h := range slices.Backward(hops) {
		a, ok := parseHost(h)
		if !ok {
			return at
		}
		if at = a; !within(a, trusted) {
			return at
		}
	}
	return at
}

func within(a netip.Addr, of []netip.Prefix) bool {
	return slices.ContainsFunc(of, func(p netip.Prefix) bool { return p.Contains(a) })
}

// list splits the values of a header at its commas.
func list(values []string) (all []string) {
	for _, v := range values {
		all = append(all, strings.Split(v, ",")...)
	}
	return all
}

// forwarded returns the hops of the header of RFC 7239, "" for one that hides itself.
func forwarded(values []string) (hops []string) {
	for _, element := range list(values) {
		hop := ""
		for _, pair := range strings.Split(element, ";") {
			if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.TrimSpace(name), "for") {
				hop = strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// parseHost reads an address, with or without brackets and a port.
func parseHost(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		p, e := netip.ParseAddrPort(s)
		a, err = p.Addr(), e
	}
	return a.Unmap().WithZone(""), err == nil
}
