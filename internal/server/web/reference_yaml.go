package web

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	yaml "github.com/oasdiff/yaml3"
)

// node is a place in a YAML document. A nil one is a place where nothing is, and so
// is everything below it. References are followed.
type node struct {
	*yaml.Node
	top *yaml.Node
}

func readYAML(source []byte) (*node, error) {
	var d yaml.Node
	if err := yaml.Unmarshal(source, &d); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	return &node{d.Content[0], d.Content[0]}, nil
}

func (n *node) empty() bool { return n == nil || n.Node == nil }

func (n *node) root() *node { return &node{n.top, n.top} }

// at follows keys down.
func (n *node) at(keys ...string) *node {
	for _, k := range keys {
		if n.empty() || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == k {
				next = n.Content[i+1]
			}
		}
		if n = follow(next, n.top); n == nil {
			return nil
		}
	}
	return n
}

// follow returns what a reference leads to, or the place itself.
func follow(y, top *yaml.Node) *node {
	if y == nil {
		return nil
	}
	n := &node{y, top}
	if y.Kind == yaml.MappingNode && len(y.Content) == 2 && y.Content[0].Value == "$ref" {
		return n.root().at(strings.Split(strings.TrimPrefix(y.Content[1].Value, "#/"), "/")...)
	}
	return n
}

func (n *node) value() string {
	if n.empty() {
		return ""
	}
	return n.Value
}

func (n *node) text(key string) string { return n.at(key).value() }

func (n *node) items() (all []*node) {
	if n.empty() || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, c := range n.Content {
		all = append(all, follow(c, n.top))
	}
	return all
}

func (n *node) item(i int) *node {
	if all := n.items(); i < len(all) {
		return all[i]
	}
	return nil
}

// pairs goes through a mapping in the order in which it is written.
func (n *node) pairs() iter.Seq2[string, *node] {
	return func(yield func(string, *node) bool) {
		if n.empty() || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, follow(n.Content[i+1], n.top)) {
				return
			}
		}
	}
}

// example is an example of a body: the document's own, or one made up from what it
// says of the fields.
func example(media *node) string {
	for _, e := range media.at("examples").pairs() {
		return render(e.at("value"), 0)
	}
	if e := media.at("example"); !e.empty() {
		return render(e, 0)
	}
	if s := media.at("schema"); !s.empty() && (s.text("type") != "" || !s.at("oneOf").empty() || !s.at("allOf").empty()) {
		return sample(s, 0)
	}
	return ""
}

// render writes a place as JSON, in the document's order.
func render(n *node, depth int) string {
	if n.empty() {
		return "null"
	}
	var parts []string
	switch n.Kind { //nolint:exhaustive // the others are values
	case yaml.MappingNode:
		for k, v := range n.pairs() {
			parts = append(parts, quoted(k)+": "+render(v, depth+1))
		}
		return block("{", parts, "}", depth)
	case yaml.SequenceNode:
		for _, v := range n.items() {
			parts = append(parts, render(v, depth+1))
		}
		return block("[", parts, "]", depth)
	}
	if n.Tag == "!!str" {
		return quoted(n.Value)
	}
	return n.Value
}

// sample makes up a value for a schema.
func sample(s *node, depth int) string {
	switch {
	case s.empty() || depth > 2*deepest:
		return "null"
	case !s.at("example").empty():
		return render(s.at("example"), depth)
	case !s.at("enum").empty():
		return render(s.at("enum").item(0), depth)
	case !s.at("default").empty():
		return render(s.at("default"), depth)
	case !s.at("oneOf").empty():
		return sample(s.at("oneOf").item(0), depth)
	}
	var parts []string
	each := func(of *node) {
		for k, v := range of.at("properties").pairs() {
			parts = append(parts, quoted(k)+": "+sample(v, depth+1))
		}
	}
	switch s.text("type") {
	case "array":
		return block("[", []string{sample(s.at("items"), depth+1)}, "]", depth)
	case "string":
		made := map[string]string{"uuid": "5b0f2c1e-7a94-4d0e-9a53-0c1d2e3f4a5b", "uri": "https://shop.example/", "email": "ada@example.com"}[s.text("format")]
		if made == "" {
			made = "…"
		}
		return quoted(made)
	case "integer", "number":
		return map[bool]string{true: "1765540800", false: "1"}[strings.Contains(s.text("description"), "epoch")]
	case "boolean":
		return "true"
	}
	for _, part := range s.at("allOf").items() {
		each(part)
	}
	each(s)
	return block("{", parts, "}", depth)
}

// block writes parts between brackets, one to a line.
func block(open string, parts []string, end string, depth int) string {
	if len(parts) == 0 {
		return open + end
	}
	in := "\n" + strings.Repeat("  ", depth)
	return open + in + "  " + strings.Join(parts, ","+in+"  ") + in + end
}

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text always can be
	return strings.TrimSuffix(b.String(), "\n")
}
