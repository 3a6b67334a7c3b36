package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pepay/pepay/internal/testkit"
)

// gen makes requests up, from what openapi.yaml says of them and from what it does
// not. The same seed and the same answers give the same requests.
type gen struct {
	*rand.Rand
	known map[string][]string      // values seen under a name: of ids, cursors, tokens
	creds map[string][][][2]string // headers that satisfy a security scheme
}

// one is true once in n times.
func (g *gen) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *gen, from []T) T { return from[g.IntN(len(from))] }

// nasty are texts that programs have tripped over.
var nasty = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "null", "undefined", "NaN", "-1", "0", "1e400", "9223372036854775808", "-9223372036854775809",
	"99999999999999999999999999999999999999", "1.5", "0x10", "٣", "１", "' OR 1=1 --", `"; DROP TABLE invoices; --`, "%", "_", "%s%n%x", "../../../etc/passwd", "..", ".",
	"<script>alert(1)</script>", "{{.}}", "${jndi:ldap://127.0.0.1/}", "a\r\nX-Injected: 1", "\u202e", "\ufeff", "👩‍👩‍👧‍👦", strings.Repeat("x", 256), strings.Repeat("é", 256), strings.Repeat("9", 5000),
	"evt_1-1", "evt_0-0", "evt_9999999999999-9223372036854775807", "evt_1-99999999999999999999", "evt_-1--1", "00000000-0000-4000-8000-000000000000", "1", "*", "invoice.*", "invoice.*,,x", "true",
	"0x0000000000000000000000000000000000000000", "2026-01-02T03:04:05Z", "9999-12-31T23:59:60Z", "-62135596801", "253402300800",
}

// nastyJSON are fragments where a value should be.
var nastyJSON = []string{
	"null", "true", "false", "0", "-0", "-1", "1e400", "-1e400", "1e-400", "1E2", "0.1", "0.001", "9223372036854775807", "9223372036854775808", "1" + strings.Repeat("0", 400), "00", "01", "+1", ".5", "5.",
	"NaN", "Infinity", "0x10", "[]", "{}", "[null]", `[[]]`, `{"":""}`, `{"a":{"a":{"a":{}}}}`, `"\ud800"`, `"\u0000"`, "\"\xff\"", `"\x"`, "'x'", "", "undefined",
	strings.Repeat("[", 2000), strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "[" + strings.Repeat("1,", 3000) + "1]", `"` + strings.Repeat("y", 60000) + `"`,
}

// text returns a text for a parameter or field, mostly one that its schema allows.
func (g *gen) text(name string, s *openapi3.Schema, odd bool) string {
	if odd && g.one(2) {
		return pick(g, nasty)
	}
	if ids := g.ids(name); len(ids) > 0 && !g.one(4) {
		return pick(g, ids)
	}
	lower := strings.ToLower(name)
	switch {
	case s == nil:
		return pick(g, nasty)
	case len(s.Enum) > 0:
		return fmt.Sprint(pick(g, s.Enum))
	case s.Type.Is("array") && s.Items != nil:
		var parts []string
		for range 1 + g.IntN(3) {
			parts = append(parts, g.text(name, s.Items.Value, odd))
		}
		return strings.Join(parts, ",")
	case s.Type.Is("boolean"):
		return pick(g, []string{"true", "false"})
	case s.Type.Is("integer"), s.Type.Is("number"):
		return fmt.Sprint(g.number(s))
	case s.Format == "uuid":
		return testkit.UUID()
	case s.Format == "uri" || strings.Contains(lower, "url"): // nothing here may dial beyond this machine
		return pick(g, []string{"http://127.0.0.1:9/hook", "http://localhost:9/", "http://10.0.0.1/", "https://127.0.0.1:1/" + strings.Repeat("x", g.IntN(2100))})
	case s.Example != nil && !g.one(3):
		return fmt.Sprint(s.Example)
	case len(s.OneOf)+len(s.AnyOf) > 0:
		return g.text(name, pick(g, slices.Concat(s.OneOf, s.AnyOf)).Value, odd)
	}
	return strings.Repeat("t", g.IntN(int(min(orMost(s.MaxLength), 40))+1))
}

func orMost(n *uint64) uint64 {
	if n == nil {
		return 1 << 20
	}
	return *n
}

func (g *gen) number(s *openapi3.Schema) int64 {
	low := int64(0)
	if s.Min != nil {
		low = int64(*s.Min)
	}
	high := low + 1000
	if s.Max != nil {
		high = int64(*s.Max)
	}
	return pick(g, []int64{low, high, low + g.Int64N(max(high-low, 0)+1), low - 1, high + 1, int64(g.IntN(20))})
}

// ids returns what has been seen under a name, or under a longer one that ends so.
func (g *gen) ids(name string) []string {
	key := keyOf(name)
	if ids := g.known[key]; len(ids) > 0 || !strings.HasSuffix(key, "id") {
		return ids
	}
	for _, k := range slices.Sorted(mapKeys(g.known)) {
		if strings.HasSuffix(k, key) {
			return g.known[k]
		}
	}
	return g.known["id"]
}

// keyOf brings the names of ids together: invoiceId, invoice_id, and id of an invoice.
func keyOf(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// json writes a value for a schema, with things wrong in it when odd.
func (g *gen) json(b *bytes.Buffer, name string, s *openapi3.Schema, odd bool, depth int) {
	if odd && g.one(5) || s == nil || depth > 8 {
		b.WriteString(pick(g, nastyJSON))
		return
	}
	if of := slices.Concat(s.OneOf, s.AnyOf); len(of) > 0 {
		g.json(b, name, pick(g, of).Value, odd, depth+1)
		return
	}
	switch {
	case s.Nullable && g.one(8):
		b.WriteString("null")
	case len(s.Properties) > 0 || len(s.AllOf) > 0:
		g.object(b, s, odd, depth)
	case s.Type.Is("object"):
		fmt.Fprintf(b, `{"k%d":%q}`, g.IntN(3), g.text("", nil, false))
	case s.Type.Is("array"):
		b.WriteByte('[')
		for i := range g.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			g.json(b, name, s.Items.Value, odd, depth+1)
		}
		b.WriteByte(']')
	case s.Type.Is("boolean"):
		b.WriteString(pick(g, []string{"true", "false"}))
	case s.Type.Is("integer") && len(g.known[keyOf(name)]) > 0 && !g.one(4):
		b.WriteString(pick(g, g.known[keyOf(name)]))
	case s.Type.Is("integer"):
		fmt.Fprint(b, g.number(s))
	case s.Type.Is("number"):
		fmt.Fprintf(b, "%d%s", g.number(s), pick(g, []string{"", ".5", ".01", ".009", "e0"}))
	default:
		g.quote(b, g.text(name, s, odd))
	}
}

// examples are those that a document gives of a body.
func examples(m *openapi3.MediaType) (all []any) {
	if m.Example != nil {
		all = append(all, m.Example)
	}
	for _, name := range slices.Sorted(mapKeys(m.Examples)) {
		all = append(all, m.Examples[name].Value.Value)
	}
	return all
}

// like writes a value like an example, with what is known in the place of what it names,
// and now and then with something wrong when odd. It gets where chance alone does not.
func (g *gen) like(b *bytes.Buffer, name string, example any, odd bool) {
	if odd && g.one(12) {
		b.WriteString(pick(g, nastyJSON))
		return
	}
	switch v := example.(type) {
	case map[string]any:
		b.WriteByte('{')
		first := true
		for _, k := range slices.Sorted(mapKeys(v)) {
			if odd && g.one(12) {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			g.quote(b, k)
			b.WriteByte(':')
			g.like(b, k, v[k], odd)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for n, e := range v {
			if n > 0 {
				b.WriteByte(',')
			}
			g.like(b, name, e, odd)
		}
		b.WriteByte(']')
	case string:
		if ids := g.known[keyOf(name)]; len(ids) > 0 {
			v = pick(g, ids)
		}
		g.quote(b, v)
	default:
		_ = json.NewEncoder(b).Encode(v) // of what JSON was made of
	}
}

// quote writes a text as JSON, its bytes as they are: who reads it must cope.
func (g *gen) quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' || c < ' ' && !g.one(20) {
			fmt.Fprintf(b, `\u%04x`, c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
}

func (g *gen) object(b *bytes.Buffer, s *openapi3.Schema, odd bool, depth int) {
	all := map[string]*openapi3.Schema{}
	var names []string
	for _, part := range append([]*openapi3.Schema{s}, values(s.AllOf)...) {
		for n, p := range part.Properties {
			if all[n] == nil {
				names = append(names, n)
			}
			all[n] = p.Value
		}
	}
	slices.Sort(names) // maps have no order, and this one must
	b.WriteByte('{')
	first := true
	field := func(n string) {
		if !first {
			b.WriteByte(',')
		}
		first = false
		g.quote(b, n)
		b.WriteByte(':')
		g.json(b, n, all[n], odd, depth+1)
	}
	for _, n := range names {
		if required := slices.Contains(s.Required, n); required && odd && g.one(10) || !required && g.one(2) {
			continue
		}
		if field(n); odd && g.one(12) {
			field(n) // twice
		}
	}
	if odd && g.one(6) {
		field(pick(g, nasty))
	}
	b.WriteByte('}')
}

func values(refs openapi3.SchemaRefs) (all []*openapi3.Schema) {
	for _, r := range refs {
		all = append(all, r.Value)
	}
	return all
}

// path fills in a path's parameters, each as one segment. It reports whether the path
// is plainly one of this operation.
func (g *gen) path(template string, ps openapi3.Parameters, odd bool) (path string, plain bool) {
	plain = true
	for path = template; strings.Contains(path, "{"); {
		i, j := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		var s *openapi3.Schema
		if p := ps.GetByInAndName("path", path[i+1:j]); p != nil {
			s = p.Schema.Value
		}
		v := g.text(path[i+1:j], s, odd && g.one(2))
		plain = plain && v != "" && v != "." && v != ".." && !strings.ContainsAny(v, "/{}") && v != "totals" && v != "customer"
		path = path[:i] + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(url.PathEscape(v)) + path[j+1:]
	}
	if odd && g.one(15) {
		return pick(g, []string{path + "/", "/" + path, path + "/..", path + "%2f..", path + "//x", strings.ToUpper(path), path + "%00", path + "?", path + ";x=y", "/./" + path[1:], path + "%zz", path + " x", path + "\\..", "/%2e%2e" + path}), false
	}
	return path, plain
}

func (g *gen) query(ps openapi3.Parameters, needs *openapi3.SecurityRequirements, odd bool) string {
	var parts []string
	for _, p := range ps {
		if p.Value.In != "query" || !p.Value.Required && !g.one(3) {
			continue
		}
		for range 1 + g.IntN(10)/9 {
			parts = append(parts, url.QueryEscape(p.Value.Name)+"="+url.QueryEscape(g.text(p.Value.Name, p.Value.Schema.Value, odd)))
		}
	}
	if needs != nil && len(*needs) > 0 {
		for scheme := range pick(g, *needs) {
			if tokens := g.known[scheme]; len(tokens) > 0 && !(odd && g.one(3)) {
				parts = append(parts, "token="+pick(g, tokens))
			}
		}
	}
	if odd && g.one(5) {
		parts = append(parts, pick(g, []string{"x=%zz", "%", "a;b", "&&&", "=", "limit", "%00=%00", "limit=10&limit=x", "since=evt_1-1&since=evt_1-2", strings.Repeat("a=b&", 3000), "%ff=%ff", "expand[]=payments", "token=%20"}))
	}
	return strings.Join(parts, "&")
}

// auth returns credentials that an operation asks for, or others, or none.
func (g *gen) auth(needs *openapi3.SecurityRequirements, odd bool) (h [][2]string) {
	if odd && g.one(3) {
		for _, scheme := range slices.Sorted(mapKeys(g.creds)) {
			if g.one(3) {
				h = append(h, pick(g, g.creds[scheme])...)
			}
		}
		if g.one(3) {
			v := strings.NewReplacer("\x00", "", "\r\nX-Injected: 1", "").Replace(pick(g, nasty))
			h = append(h, [2]string{pick(g, []string{"x-api-key", "x-commerce-api-key", "x-session-token", "x-signature", "Authorization", "User-Authorization", "Cookie"}), v})
		}
		return h
	}
	if needs == nil || len(*needs) == 0 {
		return nil
	}
	chosen := pick(g, *needs)
	for _, n := range *needs { // where a key of commerce will do, one of another scope mostly will not
		if _, ok := n["commerceApiKey"]; ok && !g.one(4) {
			chosen = n
		}
	}
	for scheme := range chosen {
		if c := g.creds[scheme]; len(c) > 0 {
			h = append(h, pick(g, c)...)
		}
	}
	slices.SortFunc(h, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return h
}
