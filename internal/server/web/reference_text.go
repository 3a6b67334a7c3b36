package web

import (
	"html/template"
	"regexp"
	"strings"
)

var (
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	boldSpan   = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	listItem   = regexp.MustCompile(`^(\*|-|[0-9]+\.) +`)
	tableRule  = regexp.MustCompile(`^\|[-| :]+\|$`)
	tableSplit = regexp.MustCompile(` *\| *`)
)

// inline renders code and bold within a line. Everything else is text.
func inline(s string) string {
	s = template.HTMLEscapeString(s)
	s = codeSpan.ReplaceAllString(s, "<code>$1</code>")
	return boldSpan.ReplaceAllString(s, "<b>$1</b>")
}

// prose renders the little of Markdown that openapi.yaml uses: paragraphs, headings,
// lists, tables.
func prose(s string) template.HTML {
	var b strings.Builder
	for _, block := range blocks(s) {
		first := block[0]
		switch {
		case strings.HasPrefix(first, "#"):
			b.WriteString("<h4>" + inline(strings.TrimLeft(first, "# ")) + "</h4>")
		case listItem.MatchString(first):
			kind := "ul"
			if first[0] >= '0' && first[0] <= '9' {
				kind = "ol"
			}
			b.WriteString("<" + kind + ">")
			for _, item := range block {
				b.WriteString("<li>" + inline(listItem.ReplaceAllString(item, "")) + "</li>")
			}
			b.WriteString("</" + kind + ">")
		case strings.HasPrefix(first, "|"):
			table(&b, block)
		default:
			b.WriteString("<p>" + inline(strings.Join(block, " ")) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every text in it went through inline
}

// blocks splits a text where the kind of its lines changes. A line that goes on with an
// item of a list is joined to it.
func blocks(s string) (all [][]string) {
	kind := ""
	for _, line := range strings.Split(s, "\n") {
		text := strings.TrimSpace(line)
		k := "text"
		switch {
		case text == "":
			kind = ""
			continue
		case strings.HasPrefix(text, "#"):
			k, kind = "heading", ""
		case listItem.MatchString(text):
			k = "list"
		case strings.HasPrefix(text, "|"):
			k = "table"
		case kind == "list":
			last := all[len(all)-1]
			last[len(last)-1] += " " + text
			continue
		}
		if k != kind {
			all = append(all, nil)
		}
		all[len(all)-1], kind = append(all[len(all)-1], text), k
	}
	return all
}

func table(b *strings.Builder, rows []string) {
	b.WriteString(`<div class="scroll"><table>`)
	for n, row := range rows {
		if tableRule.MatchString(row) {
			continue
		}
		cell := "td"
		if n == 0 {
			cell = "th"
		}
		b.WriteString("<tr>")
		for _, c := range tableSplit.Split(strings.Trim(row, "| "), -1) {
			b.WriteString("<" + cell + ">" + inline(c) + "</" + cell + ">")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table></div>")
}
