// Command shop is a small shop that sells what retailers stock, for crypto: a customer
// finds something, puts it in a cart, says where it goes, pays, and follows it home.
//
// It keeps nothing itself. A random id in a cookie is the customer; carts, addresses and
// orders are Pepay's. The API key never leaves this program.
package main

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

//go:embed pages
var files embed.FS

func main() {
	listen := flag.String("listen", "127.0.0.1:4242", "host:port to serve at")
	devJSON := flag.String("dev-json", ".pepay/dev.json", "what pepay dev wrote, for when PEPAY_URL and PEPAY_COMMERCE_KEY are not set")
	flag.Parse()
	url, key, err := deployment(*devJSON)
	if err != nil {
		log.Fatalf("start pepay dev, or set PEPAY_URL and PEPAY_COMMERCE_KEY: %v", err)
	}
	server := &http.Server{Addr: *listen, Handler: newShop(url, key, os.Getenv("PEPAY_WEBHOOK_SECRET")), ReadHeaderTimeout: 10 * time.Second}
	log.Printf("the shop is open: http://%s", *listen)
	log.Fatal(server.ListenAndServe())
}

// deployment returns the address of Pepay, and a key of scope commerce.
func deployment(devJSON string) (url, key string, err error) {
	if url, key = os.Getenv("PEPAY_URL"), os.Getenv("PEPAY_COMMERCE_KEY"); url != "" && key != "" {
		return url, key, nil
	}
	var dev struct {
		BaseURL        string `json:"base_url"`
		CommerceAPIKey string `json:"commerce_api_key"`
	}
	b, err := os.ReadFile(devJSON)
	if err == nil {
		err = json.Unmarshal(b, &dev)
	}
	return dev.BaseURL, dev.CommerceAPIKey, err
}

type shop struct {
	pepay  *client.Client
	secret string // that webhooks are signed with; "" for none
	pages  map[string]*template.Template
	mu     sync.Mutex
	news   chan struct{} // closed and replaced when a webhook tells that an order has changed
}

// newShop returns the shop as a handler.
func newShop(url, key, secret string) http.Handler {
	s := &shop{pepay: client.New(url, key), secret: secret, pages: map[string]*template.Template{}, news: make(chan struct{})}
	funcs := template.FuncMap{"usd": usd, "when": func(at int64) string { return time.Unix(at, 0).UTC().Format("2 Jan, 15:04 UTC") }}
	for _, name := range []string{"home", "product", "cart", "address", "review", "order", "orders", "sorry"} {
		s.pages[name] = template.Must(template.New("layout.html").Funcs(funcs).ParseFS(files, "pages/layout.html", "pages/"+name+".html"))
	}
	assets, _ := fs.Sub(files, "pages/assets") // never fails: it is embedded
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request, api.Customer) error{
		"GET /{$}":                      s.home,
		"GET /products/{retailer}/{id}": s.product,
		"GET /cart":                     s.showCart,
		"POST /cart":                    s.addToCart,
		"POST /cart/{item}":             s.changeCart,
		"GET /checkout":                 s.askAddress,
		"POST /checkout":                s.review,
		"GET /orders":                   s.orders,
		"POST /orders":                  s.order,
		"GET /orders/{id}":              s.follow,
		"GET /orders/{id}/pay":          s.pay,
		"POST /orders/{id}/simulate":    s.simulate,
	} {
		mux.HandleFunc(pattern, s.known(h))
	}
	mux.HandleFunc("POST /hook", s.hook)
	mux.Handle("GET /assets/", http.StripPrefix("/assets", http.FileServerFS(assets)))
	policy := "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' https: " + url
	sameOrigin := http.NewCrossOriginProtection() // no other site may press our buttons
	return sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	}))
}

var errNotFound = &client.Error{Status: http.StatusNotFound, Message: "There is nothing here."}

// known finds out who the customer is, and says sorry when something goes wrong.
func (s *shop) known(h func(http.ResponseWriter, *http.Request, api.Customer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
		id := remembered(r, "customer")
		if id == "" {
			id = "shop-" + rand.Text() // as good as a password: nobody guesses it
			remember(w, r, "customer", id, "/")
		}
		who := api.Customer{CustomerID: &id}
		err := h(w, r, who)
		if err == nil || r.Context().Err() != nil {
			return
		}
		status, message := http.StatusBadGateway, "Something went wrong on our side. Nothing was charged; please try again."
		if e, ok := errors.AsType[*client.Error](err); ok && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden && e.Status < 500 {
			status, message = e.Status, e.Message
		} else {
			log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		_ = s.show(w, r, who, status, "sorry", "Sorry", message)
	}
}

// remember has the browser bring a value along, out of reach of scripts and other sites.
func remember(w http.ResponseWriter, r *http.Request, name, value, path string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

func remembered(r *http.Request, name string) string {
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// show renders a page.
func (s *shop) show(w http.ResponseWriter, r *http.Request, who api.Customer, status int, page, title string, data any) error {
	cart, _ := s.pepay.Carts.Get(r.Context(), who) // without it the page is as good
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := s.pages[page].Execute(w, map[string]any{"Title": title, "Query": r.URL.Query().Get("q"), "InCart": cart.ItemCount, "Data": data}); err != nil {
		log.Printf("%s: %v", page, err) // the page is half written: too late for another
	}
	return nil
}

// done goes on to a page after something was done, if it was.
func done(w http.ResponseWriter, r *http.Request, page string, err error) error {
	if err == nil {
		http.Redirect(w, r, page, http.StatusSeeOther)
	}
	return err
}

// usd writes dollars with two digits for the cents: 9.9 is 9.90.
func usd(n json.Number) string {
	whole, cents, _ := strings.Cut(n.String(), ".")
	return "$" + whole + "." + (cents + "00")[:max(2, len(cents))]
}

func (s *shop) home(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	page, _ := strconv.Atoi(r.FormValue("page")) // 0, the first, for what is none
	search := client.ProductSearch{Text: strings.TrimSpace(r.FormValue("q")), Page: page, Limit: 24}
	title := "Results for “" + search.Text + "”"
	if search.Text == "" {
		search.Text, title = "coffee", "For the coffee corner"
	}
	found, err := s.pepay.Products.Search(r.Context(), search)
	if err != nil {
		return err
	}
	ideas := strings.Fields("coffee kitchen headphones lamp plants camping games pets")
	return s.show(w, r, who, http.StatusOK, "home", title, map[string]any{"Found": found, "Next": found.Pagination.Page + 1, "Ideas": ideas})
}

func (s *shop) product(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	p, err := s.pepay.Products.Get(r.Context(), r.PathValue("retailer"), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.show(w, r, who, http.StatusOK, "product", p.Title, p)
}

func (s *shop) showCart(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	cart, err := s.pepay.Carts.Get(r.Context(), who)
	if err != nil {
		return err
	}
	return s.show(w, r, who, http.StatusOK, "cart", "Your cart", cart)
}

// askAddress shows the form of an address, with the one that was used last.
func (s *shop) askAddress(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	var v api.ShippingAddressInput
	for a, err := range s.pepay.Addresses.List(r.Context(), who, client.Offset{Limit: 1}) {
		if err != nil {
			return err
		}
		v = api.ShippingAddressInput{
			FirstName: a.FirstName, LastName: a.LastName, StreetAddress: a.AddressLine1, AddressLine2: a.AddressLine2,
			City: a.City, State: a.State, ZipCode: a.ZipCode, Phone: a.PhoneNumber, Email: a.Email,
		}
	}
	return s.show(w, r, who, http.StatusOK, "address", "Where shall we send it?", newForm(v, ""))
}

// field is a line of the form of an address.
type field struct {
	Name, Label, Value, Hint, Autocomplete, Type, Wrong string
	Optional, Half                                      bool
}

// newForm returns the form; what the API found wrong is said at the field that it names.
func newForm(a api.ShippingAddressInput, wrong string) map[string]any {
	fields := []field{
		{Name: "first_name", Label: "First name", Value: a.FirstName, Autocomplete: "given-name", Half: true},
		{Name: "last_name", Label: "Last name", Value: a.LastName, Autocomplete: "family-name", Half: true},
		{Name: "street_address", Label: "Street and number", Value: a.StreetAddress, Autocomplete: "address-line1"},
		{Name: "address_line2", Label: "Apartment, floor", Value: a.AddressLine2, Autocomplete: "address-line2", Optional: true},
		{Name: "city", Label: "City", Value: a.City, Autocomplete: "address-level2"},
		{Name: "state", Label: "State", Value: a.State, Hint: "such as FL", Autocomplete: "address-level1", Half: true},
		{Name: "zip_code", Label: "ZIP code", Value: a.ZipCode, Hint: "such as 33131", Autocomplete: "postal-code", Half: true},
		{Name: "phone", Label: "Phone", Value: a.Phone, Hint: "The carrier may call.", Autocomplete: "tel", Type: "tel"},
		{Name: "email", Label: "Email", Value: a.Email, Autocomplete: "email", Type: "email", Optional: true},
	}
	for n, f := range fields {
		if said, found := strings.CutPrefix(wrong, "address."+f.Name+" "); found {
			fields[n].Wrong, wrong = f.Label+" "+said, ""
		}
	}
	return map[string]any{"Fields": fields, "Wrong": wrong}
}

// review shows what it all costs, and where it goes, before an order is made.
func (s *shop) review(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	a := api.ShippingAddressInput{
		FirstName: r.FormValue("first_name"), LastName: r.FormValue("last_name"), StreetAddress: r.FormValue("street_address"), AddressLine2: r.FormValue("address_line2"),
		City: r.FormValue("city"), State: r.FormValue("state"), ZipCode: r.FormValue("zip_code"), Country: "US", Phone: r.FormValue("phone"), Email: r.FormValue("email"),
	}
	estimate, err := s.pepay.Checkout.Estimate(r.Context(), api.EstimateRequest{Customer: who, UseCart: new(true)})
	if err != nil {
		return err
	}
	to, err := s.pepay.Checkout.Address(r.Context(), api.CheckoutAddressRequest{Customer: who, EstimateID: &estimate.EstimateID, Address: &a})
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status == http.StatusBadRequest {
		return s.show(w, r, who, http.StatusOK, "address", "Where shall we send it?", newForm(a, e.Message))
	}
	if err != nil {
		return err
	}
	return s.show(w, r, who, http.StatusOK, "review", "Is everything right?", map[string]any{"Estimate": estimate, "Address": to})
}

// order makes the order and shows it. An estimate makes one order, however often the
// button is pressed.
func (s *shop) order(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	estimate, address := r.FormValue("estimate"), r.FormValue("address")
	made, err := s.pepay.Checkout.Invoice(r.Context(), api.CheckoutInvoiceRequest{Customer: who, EstimateID: &estimate, AddressID: &address})
	if err != nil {
		return err
	}
	if _, err := s.pepay.Carts.Clear(r.Context(), who); err != nil {
		log.Printf("the cart of order %s stays full: %v", made.OrderID, err)
	}
	page := "/orders/" + made.OrderID
	remember(w, r, "checkout", estimate+"."+address, page)
	return done(w, r, page, nil)
}

// pay sends the customer to the payment page. While nobody has paid, a checkout that is
// repeated answers with the same order and its page.
func (s *shop) pay(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	estimate, address, _ := strings.Cut(remembered(r, "checkout"), ".")
	made, err := s.pepay.Checkout.Invoice(r.Context(), api.CheckoutInvoiceRequest{Customer: who, EstimateID: &estimate, AddressID: &address})
	if err == nil && made.OrderID != r.PathValue("id") {
		err = errNotFound
	}
	return done(w, r, made.InvoiceURL, err)
}

func (s *shop) orders(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	var all []api.OrderRow
	for o, err := range s.pepay.Orders.List(r.Context(), client.OrderFilter{CustomerID: *who.CustomerID, Offset: client.Offset{Limit: 50}}) {
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	return s.show(w, r, who, http.StatusOK, "orders", "Your orders", all)
}

// of returns the order in the path, if it is the customer's.
func (s *shop) of(r *http.Request, who api.Customer) (api.Order, error) {
	o, err := s.pepay.Orders.Get(r.Context(), r.PathValue("id"))
	if err == nil && (o.CustomerID == nil || *o.CustomerID != *who.CustomerID) {
		err = errNotFound
	}
	return o, err
}

// steps are the statuses of an order that goes well, and what they are called here.
var steps = [][2]string{
	{"pending_payment", "Ordered"}, {"processing", "Paid"}, {"placed", "Placed with the retailer"}, {"shipped", "Shipped"}, {"delivered", "Delivered"},
}

// follow shows an order. With seen, the version that a page shows, it waits a while for
// another.
func (s *shop) follow(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	o, err := s.of(r, who)
	for n := 0; n < 20 && err == nil && version(o) == r.FormValue("seen"); n++ {
		s.mu.Lock()
		news := s.news
		s.mu.Unlock()
		select {
		case <-news: // as soon as a webhook tells …
		case <-time.After(time.Second): // … or a moment later without one
		}
		o, err = s.of(r, who)
	}
	if err != nil {
		return err
	}
	at := slices.IndexFunc(steps, func(step [2]string) bool { return step[0] == o.Status })
	late, canPay := o.Substatus != nil && *o.Substatus == "PAYMENT_EXPIRED", remembered(r, "checkout") != ""
	return s.show(w, r, who, http.StatusOK, "order", "Your order", map[string]any{"Order": o, "Version": version(o), "Steps": steps, "At": at, "Next": next(o), "CanPay": canPay, "Late": late})
}

// version changes with an order.
func version(o api.Order) string {
	b, _ := json.Marshal(o) // never fails: it came as JSON
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b))
}

// next is what the simulator can make happen to a devnet order, "" for nothing.
func next(o api.Order) string {
	switch {
	case o.NetworkEnvironment != "devnet":
		return ""
	case o.Status == "processing" && o.Payment.Settlement.Status == "settled":
		return "placed"
	}
	return map[string]string{"pending_payment": "payment_confirmed", "processing": "payment_settled", "placed": "shipped", "shipped": "delivery_confirmed"}[o.Status]
}

// simulate makes the next thing happen to an order, on devnet.
func (s *shop) simulate(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	o, err := s.of(r, who)
	if step := next(o); err == nil && step != "" && step == r.FormValue("step") { // else it has happened meanwhile
		_, err = s.pepay.Orders.Simulate(r.Context(), o.OrderID, api.SimulateRequest{TransitionTo: &step})
	}
	return done(w, r, "/orders/"+o.OrderID, err)
}

// hook takes webhooks, and has those who look at an order look again.
func (s *shop) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		_, err = client.VerifyWebhook(body, r.Header, s.secret)
	}
	if err != nil || s.secret == "" {
		http.Error(w, "not signed with PEPAY_WEBHOOK_SECRET", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.news)
	s.news = make(chan struct{})
}

// addToCart puts a product in the cart. What it is called and what it costs is asked for
// here: a browser could say anything.
func (s *shop) addToCart(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	p, err := s.pepay.Products.Get(r.Context(), r.FormValue("retailer"), r.FormValue("product"))
	if err != nil {
		return err
	}
	_, err = s.pepay.Carts.Add(r.Context(), api.AddCartItemRequest{Customer: who, CartItemRequest: api.CartItemRequest{
		ProductID: &p.ProductID, Retailer: &p.Retailer, Title: &p.Title, Price: new(api.Number(p.Price)), Quantity: new(api.Number(r.FormValue("quantity"))), ImageURL: &p.MainImage,
	}})
	return done(w, r, "/cart", err)
}

// changeCart says how many of an item there are to be; 0 removes it.
func (s *shop) changeCart(w http.ResponseWriter, r *http.Request, who api.Customer) error {
	_, err := s.pepay.Carts.SetQuantity(r.Context(), r.PathValue("item"), api.CartQuantityRequest{Customer: who, Quantity: new(api.Number(r.FormValue("quantity")))})
	return done(w, r, "/cart", err)
}
