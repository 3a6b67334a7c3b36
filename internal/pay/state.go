package pay

import "strings"

// usState is a place that the United States Postal Service has two letters for.
type usState struct {
	code string
	name string
	zips string // how its ZIP codes begin: "350-369", "885", "96799"
}

// usStates are the fifty states, the District of Columbia, the territories and the
// armed forces. The first three digits are those of the Postal Service's own labeling
// list (Domestic Mail Manual L002), as the address data of Google's libaddressinput
// sums them up; ranges run on through numbers that are not in use yet. Five digits are
// for what lies elsewhere: unique ZIP codes of the government, and those that the Census
// Bureau's table of ZIP code areas (2010) has in two states.
var usStates = []usState{
	{"AL", "Alabama", "350-369"},
	{"AK", "Alaska", "995-999"},
	{"AS", "American Samoa", "96799"},
	{"AZ", "Arizona", "850-869 84536"},
	{"AR", "Arkansas", "716-729 75502"},
	{"AA", "Armed Forces Americas", "340"},
	{"AE", "Armed Forces Europe", "090-099"},
	{"AP", "Armed Forces Pacific", "962-966"},
	{"CA", "California", "900-961 89439 97635"},
	{"CO", "Colorado", "800-819"},
	{"CT", "Connecticut", "060-069"},
	{"DE", "Delaware", "197-199"},
	{"DC", "District of Columbia", "200 202-205 569"},
	{"FL", "Florida", "320-339 341-349"},
	{"GA", "Georgia", "300-319 398 39901"},
	{"GU", "Guam", "96910-96932"},
	{"HI", "Hawaii", "96700-96798 968"},
	{"ID", "Idaho", "832-839"},
	{"IL", "Illinois", "600-629 63673"},
	{"IN", "Indiana", "460-479"},
	{"IA", "Iowa", "500-529"},
	{"KS", "Kansas", "660-679"},
	{"KY", "Kentucky", "400-427"},
	{"LA", "Louisiana", "700-715 71749"},
	{"ME", "Maine", "039-049"},
	{"MD", "Maryland", "206-219 20331 20588"},
	{"MA", "Massachusetts", "010-027 055 02861"},
	{"MI", "Michigan", "480-499"},
	{"MN", "Minnesota", "550-567"},
	{"MS", "Mississippi", "386-397 71233"},
	{"MO", "Missouri", "630-659"},
	{"MT", "Montana", "590-599"},
	{"NE", "Nebraska", "680-699"},
	{"NV", "Nevada", "889-899"},
	{"NH", "New Hampshire", "030-038"},
	{"NJ", "New Jersey", "070-089"},
	{"NM", "New Mexico", "870-884 81137 86515"},
	{"NY", "New York", "100-149 005 06390"},
	{"NC", "North Carolina", "270-289"},
	{"ND", "North Dakota", "580-589 59221"},
	{"MP", "Northern Mariana Islands", "96950-96952"},
	{"OH", "Ohio", "430-459"},
	{"OK", "Oklahoma", "730-732 734-749"},
	{"OR", "Oregon", "970-979"},
	{"PA", "Pennsylvania", "150-196"},
	{"PR", "Puerto Rico", "006 007 009"},
	{"RI", "Rhode Island", "028 029"},
	{"SC", "South Carolina", "290-299"},
	{"SD", "South Dakota", "570-579"},
	{"TN", "Tennessee", "370-385 42223"},
	{"TX", "Texas", "750-799 885 733 73949 88063"},
	{"UT", "Utah", "840-849 86044"},
	{"VT", "Vermont", "050-054 056-059"},
	{"VI", "Virgin Islands", "008"},
	{"VA", "Virginia", "201 220-246 20040-20042 20598"},
	{"WA", "Washington", "980-994"},
	{"WV", "West Virginia", "247-269"},
	{"WI", "Wisconsin", "530-549"},
	{"WY", "Wyoming", "820-831 83414"},
}

// stateOf returns the state with a code or a name.
func stateOf(s string) (usState, bool) {
	s = undotted(s)
	for _, one := range usStates {
		if s == one.code || s == strings.ToUpper(one.name) {
			return one, true
		}
	}
	return usState{}, false
}

// has reports whether a ZIP code of five digits is in the state.
func (s usState) has(zip string) bool {
	for _, r := range strings.Fields(s.zips) {
		first, last, ranged := strings.Cut(r, "-")
		if !ranged {
			last = first
		}
		if begins := zip[:len(first)]; begins >= first && begins <= last {
			return true
		}
	}
	return false
}

// country returns "US" for the ways to write that, and "" for anything else.
func country(s string) string {
	switch undotted(s) {
	case "US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA":
		return "US"
	}
	return ""
}

// undotted brings F.L., fl and FL together.
func undotted(s string) string { return strings.ToUpper(strings.ReplaceAll(s, ".", "")) }
