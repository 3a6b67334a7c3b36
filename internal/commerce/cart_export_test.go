package commerce

// CartItem reads an item of a request.
var CartItem = cartItem
