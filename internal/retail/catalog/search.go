package catalog

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unicode"

	"github.com/pepay/pepay/internal/pay"
)

// index finds products by their words.
type index struct {
	words    []string // sorted
	letters  []uint64 // of each word
	postings map[string][]posting
	retailer []string // of each product
	reviews  []int    // of each product: of two that match as well, the better known comes first
}

// posting says that a product has a word, and how much the place where it stands counts.
type posting struct{ product, weight int }

func (x *index) add(p pay.Product, n int) {
	best := map[string]int{}
	for _, part := range []struct {
		text   string
		weight int
	}{
		{p.ID, 20}, {p.Title, 10}, {p.Brand, 6}, {strings.Join(p.Categories, " "), 4}, {strings.Join(p.Bullets, " "), 2}, {p.Description, 1},
	} {
		for _, w := range split(part.text) {
			best[w] = max(best[w], part.weight)
		}
	}
	for w, weight := range best {
		x.postings[w] = append(x.postings[w], posting{n, weight})
	}
	x.retailer, x.reviews = append(x.retailer, p.Retailer), append(x.reviews, p.Reviews)
}

func (x *index) sort() {
	for w := range x.postings {
		x.words = append(x.words, w)
	}
	slices.Sort(x.words)
	for _, w := range x.words {
		x.letters = append(x.letters, letters(w))
	}
}

// letters is the set of a word's bytes, or near enough.
func letters(w string) (set uint64) {
	for n := range len(w) {
		set |= 1 << (w[n] & 63)
	}
	return set
}

// maxWords of a query are looked at.
const maxWords = 12

// find returns the products of a retailer ("" for any) that have the most of a text's
// words, the best first. Words may be begun, in the plural or slightly misspelt.
func (x *index) find(text, retailer string) (found []int) {
	words := split(text)
	if some := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(small, w) }); len(some) > 0 {
		words = some
	}
	has, score, most := make([]int, len(x.retailer)), make([]int, len(x.retailer)), 1
	for _, w := range words[:min(len(words), maxWords)] {
		best := map[int]int{}
		for known, quality := range x.like(w) {
			for _, p := range x.postings[known] {
				best[p.product] = max(best[p.product], p.weight*quality)
			}
		}
		for n, s := range best {
			if retailer == "" || retailer == x.retailer[n] {
				has[n]++
				score[n] += s
				most = max(most, has[n])
			}
		}
	}
	for n := range has {
		if has[n] == most {
			found = append(found, n)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(x.reviews[b], x.reviews[a]), cmp.Compare(a, b))
	})
	return found
}

var small = strings.Fields("a an and by for in of on or set the to with")

// like returns the known words that a word may stand for, and how well. Misspellings
// count only where nothing is spelt so.
func (x *index) like(w string) map[string]int {
	found := map[string]int{}
	from, _ := slices.BinarySearch(x.words, w)
	for _, known := range x.words[from:] {
		if !strings.HasPrefix(known, w) {
			break
		}
		if known == w {
			found[known] = 8
		} else if len(w) > 1 {
			found[known] = 4
		}
	}
	if len(found) > 0 || len(w) < 4 || len(w) > maxTypo {
		return found
	}
	allowed, set := 1+len(w)/8, letters(w)
	for n, known := range x.words {
		if bits.OnesCount64(set&^x.letters[n]) > allowed || bits.OnesCount64(x.letters[n]&^set) > allowed {
			continue // most words end here, cheaply
		}
		if within(allowed, w, known) {
			found[known] = 2
		}
	}
	return found
}

// maxTypo is how long a word may be that is taken for a misspelt one.
const maxTypo = 24

// within reports whether so many letters at most must be put in, left out, changed, or
// swapped with their neighbour to make one word of another. The first word has no more
// than maxTypo bytes, and allowed is less than 8.
func within(allowed int, a, b string) bool {
	if d := len(a) - len(b); d > allowed || -d > allowed {
		return false
	}
	var rows [3][maxTypo + 8]int // this one and the two before
	for j := range rows[2] {
		rows[2][j] = j
	}
	for i := range len(a) {
		row, last, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least > allowed+1 { // a swap may still save one
			return false
		}
	}
	return rows[(len(a)+2)%3][len(b)] <= allowed
}

// split returns the words of a text, in lower case and in the singular.
func split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for n, w := range words {
		words[n] = singular(w)
	}
	return words
}

// singular is good enough for English nouns: it need not be right, only the same for
// both forms.
func singular(w string) string {
	for _, end := range []string{"ches", "shes", "sses", "xes"} {
		if strings.HasSuffix(w, end) {
			return strings.TrimSuffix(w, "es")
		}
	}
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return strings.TrimSuffix(w, "ies") + "y"
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return strings.TrimSuffix(w, "s")
	}
	return w
}
