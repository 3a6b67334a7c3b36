package pay_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/pay"
)

// miami is a good address, changed by one field; "" for as it is.
func miami(field, value string) pay.ShippingAddress {
	a := pay.ShippingAddress{
		FirstName: "Ada", LastName: "Lovelace", Line1: "123 Main St", City: "Miami", State: "FL", Zip: "33101", Country: "US", Phone: "+13055550123",
	}
	if field != "" {
		reflect.ValueOf(&a).Elem().FieldByName(field).SetString(value)
	}
	return a
}

// What was written one way or another becomes one thing, and what is not plain stays.
func TestStandardAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, from, want string }{
		{"", "", ""},
		{"FirstName", " Ada \u00a0 Maria ", "Ada Maria"},
		{"FirstName", "Zoë", "Zoë"},
		{"FirstName", "Zoe\u0308", "Zoe\u0308"},
		{"LastName", "O’Neil-Łukasiewicz, Jr.", "O’Neil-Łukasiewicz, Jr."},
		{"FirstName", strings.Repeat("é", 40), strings.Repeat("é", 40)},
		{"Line1", strings.Repeat("9", 100), strings.Repeat("9", 100)},
		{"City", strings.Repeat("x", 60), strings.Repeat("x", 60)},

		{"Line1", "123  Main Street", "123 Main St"},
		{"Line1", "123 Main St.", "123 Main St"},
		{"Line1", "123 MAIN STREET", "123 MAIN ST"},
		{"Line1", "123 Main street, ", "123 Main St"},
		{"Line1", "12 Court Street Place", "12 Court Street Pl"},
		{"Line1", "350 Fifth Avenue", "350 Fifth Ave"},
		{"Line1", "1 Elm Road", "1 Elm Rd"},
		{"Line1", "7 Ocean Dr", "7 Ocean Dr"},
		{"Line1", "12-34 Kings Highway", "12-34 Kings Hwy"},
		{"Line1", "123½ Rose Boulevard", "123½ Rose Blvd"},
		{"Line1", "1600 Pennsylvania Avenue NW", "1600 Pennsylvania Avenue NW"},
		{"Line1", "200 Avenue E", "200 Avenue E"},
		{"Line1", "10 Plaza", "10 Plaza"},
		{"Line1", "One Main Street", "One Main Street"},
		{"Line1", "Calle Sol Street", "Calle Sol Street"},
		{"Line1", "5 Main St, Tower Plaza", "5 Main St, Tower Plaza"},
		{"Line1", "5 Main Street Apt 4", "5 Main Street Apt 4"},
		{"Line1", "RR 2 Box 152", "RR 2 Box 152"},
		{"Line1", "PSC 3 Box 4120", "PSC 3 Box 4120"},

		{"Line1", "P.O. Box 12", "PO Box 12"},
		{"Line1", "p o box #12", "PO Box 12"},
		{"Line1", "POBOX12", "PO Box 12"},
		{"Line1", "Post Office Box 0012.", "PO Box 0012"},
		{"Line1", "PO Box 12 Main Street", "PO Box 12 Main Street"},
		{"Line1", "Box 12", "Box 12"},
		{"Line1", "pobox" + strings.Repeat("9", 95), "pobox" + strings.Repeat("9", 95)},
		{"Line1", "PO Box Lane 7", "PO Box Lane 7"},

		{"Line2", " Apt  4 ", "Apt 4"},
		{"Line2", " ", ""},
		{"State", "fl", "FL"},
		{"State", "F.L.", "FL"},
		{"State", "florida", "FL"},
		{"Zip", "331011234", "33101-1234"},
		{"Zip", "33101 1234", "33101-1234"},
		{"Zip", " 33101-1234 ", "33101-1234"},
		{"Country", "us", "US"},
		{"Country", "U.S.A.", "US"},
		{"Country", "United  States", "US"},
		{"Country", "united states of america", "US"},
		{"Phone", "3055550123", "+13055550123"},
		{"Phone", "1 (305) 555-0123", "+13055550123"},
		{"Phone", "305.555.0123", "+13055550123"},
		{"Phone", "+1-787-555-0123", "+17875550123"},
		{"Email", " ada@example.com ", "ada@example.com"},
	} {
		got, err := miami(c.field, c.from).Standard()
		if want := miami(c.field, c.want); err != nil || got != want {
			t.Errorf("%s %q: %v\n got %+v\nwant %+v", c.field, c.from, err, got, want)
		}
		if again, err := got.Standard(); err != nil || again != got {
			t.Errorf("%s %q changes again: %v, %+v", c.field, c.from, err, again)
		}
	}
}

// Each wrong field is refused by its own name.
func TestBadAddresses(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"FirstName": "first_name", "LastName": "last_name", "Line1": "street_address", "Line2": "address_line2", "City": "city", "State": "state",
		"Zip": "zip_code", "Country": "country", "Phone": "phone", "Email": "email",
	}
	bad := map[string][]string{
		"FirstName": {strings.Repeat("é", 41)}, "LastName": {strings.Repeat("x", 41)}, "Line1": {strings.Repeat("9", 101)},
		"Line2": {strings.Repeat("x", 101)}, "City": {strings.Repeat("x", 61)}, "Email": {strings.Repeat("x", 256), "a\x00@x.io", "a\n@x.io", "\xff@x.io"},
		"State": {"XX", "F", "FLA", "Ontario", "FM", "Washington DC", "FL FL", strings.Repeat("F", 5000)},
		"Zip": {
			"3310", "331011", "33101-12", "33101-", "3310A", "٣٣١٠١", "33101-1234-5", "-33101", "+33101", "33101.0", // no ZIP codes
			"90210", "00000", "99999", "34001", "33001-12345", // not in Florida
		},
		"Country": {"CA", "PR", "UK", "Estados Unidos", "USS", "840"},
		"Phone": {
			"305555012", "30555501234", "+4930555012", "+443055550123", "13055550123 x12", "055-555-0123", "155-555-0123", "911-555-0123", "395-555-0123",
			"305-155-0123", "305-911-0123", "(305) CALL-ADA", "++13055550123", "1+3055550123", "٣٠٥٥٥٥٠١٢٣",
		},
	}
	for _, field := range []string{"FirstName", "LastName", "Line1", "City", "State", "Zip", "Country", "Phone"} {
		bad[field] = append(bad[field], "", "  ", "\u00a0", ".", "-- --")
	}
	for field := range names {
		if field != "Email" {
			bad[field] = append(bad[field], "a\x00b", "a\nb", "a\tb", "a\u0085b", "a\u2028b", "a\xffb", "📦 12", "👩‍👩‍👧", "\u202eabc", "abc\u200f", "a\u200bb", "שלום", "مرحبا", "東京", "Москва", "a\ufeffb")
		}
	}
	for field, values := range bad {
		for _, v := range values {
			_, err := miami(field, v).Standard()
			if pay.CodeOf(err) != pay.CodeShippingAddress || !strings.Contains(err.Error(), "address."+names[field]+" ") {
				t.Errorf("%s %.40q: %v", field, v, err)
			}
			if err != nil && len(v) > 5 && field != "Phone" && strings.Contains(err.Error(), v) {
				t.Errorf("%s %.40q: the error repeats it: %v", field, v, err)
			}
		}
	}
}

// A ZIP code is in its state and in no other: one of each state, and those that are not
// where their first digits say.
func TestZipOfState(t *testing.T) {
	t.Parallel()
	home := map[string]string{
		"AL": "36104", "AK": "99801", "AS": "96799", "AZ": "85001", "AR": "72201", "AA": "34002", "AE": "09012", "AP": "96201", "CA": "95814",
		"CO": "80202", "CT": "06103", "DE": "19901", "DC": "20001", "FL": "32301", "GA": "30303", "GU": "96910", "HI": "96813", "ID": "83702",
		"IL": "62701", "IN": "46225", "IA": "50309", "KS": "66603", "KY": "40601", "LA": "70802", "ME": "04330", "MD": "21401", "MA": "02201",
		"MI": "48933", "MN": "55102", "MS": "39205", "MO": "65101", "MT": "59623", "NE": "68502", "NV": "89701", "NH": "03301", "NJ": "08608",
		"NM": "87501", "NY": "12207", "NC": "27601", "ND": "58501", "MP": "96950", "OH": "43215", "OK": "73102", "OR": "97301", "PA": "17101",
		"PR": "00901", "RI": "02903", "SC": "29217", "SD": "57501", "TN": "37219", "TX": "78701", "UT": "84111", "VT": "05602", "VI": "00802",
		"VA": "23219", "WA": "98507", "WV": "25301", "WI": "53703", "WY": "82001",
	}
	good := func(state, zip string) bool {
		a := miami("Zip", zip)
		a.State = state
		_, err := a.Standard()
		return err == nil
	}
	for state, zip := range home {
		for other := range home {
			if good(other, zip) != (other == state) {
				t.Errorf("%s in %s: %t", zip, other, other != state)
			}
		}
	}
	for zip, states := range map[string]string{
		"00501": "NY", "06390": "NY CT", "05544": "MA", "39901": "GA", "83414": "WY ID", "73301": "TX", "88510": "TX", "20598": "VA DC", "20588": "MD DC", "20041": "VA DC",
		"42223": "KY TN", "86515": "AZ NM", "89439": "NV CA", "97635": "OR CA", "56901": "DC", "75502": "TX AR", "00200": "", "99401": "WA", "96939": "", "96898": "HI",
	} {
		in := []string{}
		for state := range home {
			if good(state, zip) {
				in = append(in, state)
			}
		}
		if want := strings.Fields(states); len(in) != len(want) || strings.Trim(strings.Join(in, ""), states) != "" {
			t.Errorf("%s is in %v, want %v", zip, in, want)
		}
	}
	for name, code := range map[string]string{"new york": "NY", "District of Columbia": "DC", "ARMED FORCES PACIFIC": "AP", "Puerto Rico": "PR", "West Virginia": "WV"} {
		a := miami("State", name)
		a.Zip = home[code]
		if got, err := a.Standard(); err != nil || got.State != code {
			t.Errorf("%s: %q, %v", name, got.State, err)
		}
	}
}

// Standard changes nothing the second time, and keeps within its bounds, whatever it is
// given.
func FuzzStandardAddress(f *testing.F) {
	f.Add("Ada", "Lovelace", "123 Main Street", "Apt 4", "Miami", "Florida", "331011234", "usa", "(305) 555-0123", " a@x.io ")
	f.Add("Zoë", "O’Neil", "P.O. Box #12", "", "New York", "N.Y.", "00501", "United States", "1-212-555-0123", "")
	f.Add("Ada", "Lovelace", "pobox"+strings.Repeat("9", 95), "", "Miami", "FL", "33101", "US", "3055550123", "")
	f.Add("\u202eA", "\xff", "1 A street .,", "\x00", "שלום", "xx", "0", "🇺🇸", "+", "@")
	f.Fuzz(func(t *testing.T, first, last, line1, line2, city, state, zip, country, phone, email string) {
		a := pay.ShippingAddress{
			FirstName: first, LastName: last, Line1: line1, Line2: line2, City: city, State: state, Zip: zip, Country: country, Phone: phone, Email: email,
		}
		// The rest is made good in turn, so that what is made up gets past it.
		for _, good := range []string{"", "State Zip Country Phone", "Line1 State Zip Country Phone Email", "FirstName LastName Line1 City Country"} {
			b, m := a, miami("", "")
			for _, field := range strings.Fields(good) {
				reflect.ValueOf(&b).Elem().FieldByName(field).SetString(reflect.ValueOf(m).FieldByName(field).String())
			}
			s, err := b.Standard()
			if err != nil {
				if pay.CodeOf(err) != pay.CodeShippingAddress {
					t.Fatal(err)
				}
				continue
			}
			if again, err := s.Standard(); err != nil || again != s {
				t.Errorf("%+v\nbecomes %+v\nthen %+v, %v", b, s, again, err)
			}
			for _, c := range []struct {
				text string
				most int
			}{
				{s.FirstName, 40}, {s.LastName, 40}, {s.Line1, 100}, {s.Line2, 100}, {s.City, 60}, {s.State, 2}, {s.Zip, 10}, {s.Country, 2}, {s.Phone, 12}, {s.Email, 255},
			} {
				if utf8.RuneCountInString(c.text) > c.most || !utf8.ValidString(c.text) || strings.ContainsAny(c.text, "\x00\n\r\t") {
					t.Errorf("%q of %+v", c.text, s)
				}
			}
		}
	})
}
