package pay

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/money"
)

// ShippingAddress is where an order goes. A customer's are kept to be used again; an
// order keeps its own copy.
type ShippingAddress struct {
	ID          string
	MerchantID  int64
	Environment Environment
	Customer    Customer
	FirstName   string
	LastName    string
	Line1       string
	Line2       string
	City        string
	State       string // two letters
	Zip         string // five digits, or nine as 12345-6789
	Country     string // "US"
	Phone       string // as in +13055550123
	Email       string
	ValidatedAt time.Time // zero for not
	CreatedAt   time.Time
}

// Bounds of an address, in characters.
const (
	MaxName = 40 // of a first or a last name
	MaxLine = 100
	MaxCity = 60
)

// ShippingOption is a way to send things.
type ShippingOption struct {
	ID    string
	Name  string
	Price money.USD
	Days  string // that it takes, for people
}

// ShippingOptions are the ways there are. They inform: nobody chooses one, and what
// an order costs is in its estimate.
var ShippingOptions = []ShippingOption{{ID: "standard", Name: "Standard Shipping", Price: 5_99 * money.Cent, Days: "5-7 business days"}}

// Standard returns the address as a carrier in the United States reads it. It changes
// how things are written and never where they go, and changes nothing the second time.
// The error has CodeShippingAddress and names the field that is wrong.
func (a ShippingAddress) Standard() (ShippingAddress, error) {
	for _, f := range []struct {
		name     string
		text     *string
		most     int
		optional bool
	}{
		{"first_name", &a.FirstName, MaxName, false},
		{"last_name", &a.LastName, MaxName, false},
		{"street_address", &a.Line1, MaxLine, false},
		{"address_line2", &a.Line2, MaxLine, true},
		{"city", &a.City, MaxCity, false},
		{"state", &a.State, MaxCity, false},
		{"zip_code", &a.Zip, MaxCity, false},
		{"country", &a.Country, MaxCity, false},
		{"phone", &a.Phone, MaxCity, false},
	} {
		s := strings.TrimSpace(*f.text)
		if strings.ContainsFunc(s, unlabelled) {
			return a, badAddress(f.name, "must be in Latin letters, digits and punctuation, as on the label of a parcel")
		}
		if s = strings.Join(strings.Fields(s), " "); !f.optional && !strings.ContainsFunc(s, telling) {
			return a, badAddress(f.name, "is required")
		}
		if *f.text = s; utf8.RuneCountInString(s) > f.most {
			return a, badAddress(f.name, "must have at most %d characters", f.most)
		}
	}
	a.Line1 = street(a.Line1)
	if a.Email = strings.TrimSpace(a.Email); utf8.RuneCountInString(a.Email) > MaxText || !utf8.ValidString(a.Email) || strings.ContainsFunc(a.Email, unicode.IsControl) {
		return a, badAddress("email", "must be an email address of at most %d characters", MaxText)
	}
	if a.Country = country(a.Country); a.Country == "" {
		return a, badAddress("country", "must be US: orders are shipped within the United States only")
	}
	state, ok := stateOf(a.State)
	if a.State = state.code; !ok {
		return a, badAddress("state", "must be the two letters of a state or territory of the United States, such as FL")
	}
	zip := zipForm.FindStringSubmatch(a.Zip)
	if zip == nil {
		return a, badAddress("zip_code", "must be five digits, or nine as in 12345-6789")
	}
	if a.Zip = zip[1]; !state.has(zip[1]) {
		return a, badAddress("zip_code", "is not in %s: correct it, or the state", a.State)
	}
	if zip[2] != "" {
		a.Zip += "-" + zip[2]
	}
	number := phoneForm.FindStringSubmatch(phoneMarks.Replace(a.Phone))
	if number == nil {
		return a, badAddress("phone", "must be a number of the United States without an extension, such as +13055550123")
	}
	a.Phone = "+1" + number[1]
	return a, nil
}

func badAddress(field, what string, args ...any) error {
	return Errorf(CodeShippingAddress, "address."+field+" "+what, args...)
}

// unlabelled reports whether no label can show a character: it is not of the Latin
// script, or not for the eye.
func unlabelled(r rune) bool {
	accent := r >= 0x300 && r <= 0x36f
	return (r < ' ' || r > '~') && !accent && !unicode.Is(unicode.Latin, r) && !strings.ContainsRune("\u00a0’‘“”–—·½¼¾°", r)
}

// telling reports whether a character says something by itself.
func telling(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var (
	zipForm    = regexp.MustCompile(`^([0-9]{5})(?: ?-? ?([0-9]{4}))?$`)
	phoneMarks = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "")
	// Neither an area code nor what follows it begins with 0 or 1 or ends in 11, and no
	// area code has a 9 in the middle (North American Numbering Plan).
	phoneForm = regexp.MustCompile(`^(?:\+?1)?([2-9](?:[02-8][0-9]|1[02-9])[2-9](?:[02-9][0-9]|1[02-9])[0-9]{4})$`)
	boxForm   = regexp.MustCompile(`(?i)^(?:p\.? ?o\.?|post office) ?box ?#? ?([0-9]{1,10})$`)
)

// suffixes are the usual words for a street and what they are short for (Publication
// 28 of the United States Postal Service, appendix C1).
var suffixes = map[string]string{
	"alley": "Aly", "avenue": "Ave", "boulevard": "Blvd", "circle": "Cir", "court": "Ct", "cove": "Cv", "crossing": "Xing", "drive": "Dr",
	"expressway": "Expy", "freeway": "Fwy", "highway": "Hwy", "lane": "Ln", "parkway": "Pkwy", "place": "Pl", "plaza": "Plz", "point": "Pt",
	"road": "Rd", "square": "Sq", "street": "St", "terrace": "Ter", "trail": "Trl", "turnpike": "Tpke",
}

// street writes a post office box as PO Box, and shortens the word for street that ends
// a house number and a name: of two such words the second (Publication 28, 234.2). A
// line with more in it stays as it is.
func street(line string) string {
	line = strings.TrimRight(line, " ,.")
	if box := boxForm.FindStringSubmatch(line); box != nil {
		return "PO Box " + box[1]
	}
	words := strings.Split(line, " ")
	last := words[len(words)-1]
	short, ok := suffixes[strings.ToLower(last)]
	if !ok || len(words) < 3 || line[0] < '0' || line[0] > '9' || strings.Contains(line, ",") {
		return line
	}
	if last == strings.ToUpper(last) {
		short = strings.ToUpper(short)
	}
	return strings.TrimSuffix(line, last) + short
}
